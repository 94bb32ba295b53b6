/** Configuration: one YAML file; every key is documented and published as JSON Schema. */
import { type Static, Type } from 'typebox';
import { AlertsConfig, RoutesConfig, SinksConfig } from './config/alerts.ts';
import { BudgetsConfig } from './config/budgets.ts';
import { Control } from './config/control.ts';
import { CorrelateConfig } from './config/correlate.ts';
import { DetectorsConfig } from './config/detectors.ts';
import { GuardrailsConfig } from './config/guardrails.ts';
import { IngestConfig } from './config/ingest.ts';
import { JournalConfig } from './config/journal.ts';
import { KafkaConfig } from './config/kafka.ts';
import { strict } from './config/parts.ts';
import { Secret } from './config/secret.ts';
import { SourceConfig } from './config/source.ts';
import { TelemetryConfig } from './config/telemetry.ts';
import { MODES } from './decision.ts';

/** The whole configuration. */
export const Config = Type.Object(
  {
    instance: Type.Optional(
      Type.String({ description: 'Name of this observer.', default: 'plumbline' }),
    ),
    dataDir: Type.Optional(Type.String({ description: 'Own data folder.', default: '.plumbline' })),
    kafka: Type.Optional(KafkaConfig),
    jsonl: Type.Optional(
      Type.Object(
        {
          path: Type.String({
            description: 'Folder with one file per topic: <topic>.jsonl or .jsonl.gz.',
          }),
          follow: Type.Optional(
            Type.Boolean({ description: 'Keep reading as files grow.', default: true }),
          ),
        },
        strict,
      ),
    ),
    database: Type.Optional(
      Type.Object(
        {
          url: Type.Optional(Secret),
        },
        { ...strict, description: 'Absent: DATABASE_URL, else an embedded server in dataDir.' },
      ),
    ),
    sources: Type.Array(SourceConfig, { minItems: 1 }),
    identities: Type.Optional(
      Type.Record(
        Type.String({ minLength: 1, maxLength: 512 }),
        Type.Array(Type.String({ minLength: 1, maxLength: 1100 }), { minItems: 1, maxItems: 256 }),
        {
          description:
            'Agent → identities it goes by: VALUE, BASIS:VALUE, or BASIS:ISSUER#VALUE, for example jwt:https://id.example#billing.',
        },
      ),
    ),
    mappings: Type.Optional(
      Type.Object(
        { dir: Type.String({ description: 'Folder of mapping files of your own.' }) },
        strict,
      ),
    ),
    ingest: Type.Optional(IngestConfig),
    correlate: Type.Optional(CorrelateConfig),
    roles: Type.Optional(
      Type.Record(Type.String(), Type.Object({ mode: Type.Enum(MODES) }, strict), {
        description: 'Mode per role; `default` for the rest. Default: observe.',
      }),
    ),
    detectors: Type.Optional(DetectorsConfig),
    budgets: Type.Optional(BudgetsConfig),
    control: Type.Optional(Control),
    telemetry: Type.Optional(TelemetryConfig),
    sinks: Type.Optional(SinksConfig),
    routes: Type.Optional(RoutesConfig),
    alerts: Type.Optional(AlertsConfig),
    journal: Type.Optional(JournalConfig),
    guardrails: Type.Optional(GuardrailsConfig),
  },
  {
    ...strict,
    $id: 'https://plumbline.dev/schema/config-1.json',
    title: 'Plumbline configuration',
  },
);
/** The whole configuration as written. */
export type Config = Static<typeof Config>;
