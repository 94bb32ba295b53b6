/** Schema of detector files: the Sigma head, and everything of ours under `plumbline:`. */
import { type Static, Type } from 'typebox';
import { VERBS } from '../model/decision.ts';
import { EVIDENCE_CLASSES, LEVELS, MATURITIES } from '../model/detection.ts';
import { EMITS } from '../model/detector.ts';
import { EVIDENCE_LEVELS, KINDS } from '../model/event.ts';

const prose = (description: string) => Type.String({ minLength: 10, maxLength: 4000, description });
const strict = { additionalProperties: false } as const;

const LogSource = Type.Object(
  {
    product: Type.Literal('ai_agent'),
    service: Type.Optional(Type.Enum(KINDS)),
    category: Type.Optional(Type.String()),
    definition: Type.Optional(Type.String()),
  },
  strict,
);
const Detection = Type.Record(Type.String(), Type.Unknown(), {
  description: 'Sigma: selections by name, and a condition over them.',
});
const Correlation = Type.Record(Type.String(), Type.Unknown(), {
  description: 'Sigma: type, rules, group-by, timespan and condition over base documents.',
});

/** A base document of a correlation: what it asks, and nothing of the header. */
export const BaseDocument = Type.Object(
  {
    title: Type.String({ minLength: 5, maxLength: 256 }),
    id: Type.Optional(Type.String()),
    name: Type.String({ pattern: '^[a-z][a-z0-9_]*$', description: 'What `rules:` calls it by.' }),
    description: Type.Optional(Type.String()),
    logsource: Type.Optional(LogSource),
    detection: Type.Optional(Detection),
    correlation: Type.Optional(Correlation),
  },
  strict,
);

/** What a detector file holds: a Sigma v2.1 head, and everything of ours under `plumbline:`. */
export const DetectorFile = Type.Object(
  {
    title: Type.String({
      minLength: 5,
      maxLength: 256,
      description: 'What fired, in a few words.',
    }),
    id: Type.String({
      pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
      description: 'UUID v4: identity for ever.',
    }),
    name: Type.String({ pattern: '^[a-z][a-z0-9_]*$', description: 'File stem with _ for -.' }),
    taxonomy: Type.Literal('plumbline'),
    status: Type.Enum(['experimental', 'test', 'stable', 'deprecated', 'unsupported']),
    description: Type.Optional(Type.String()),
    author: Type.Optional(Type.String()),
    date: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' }),
    modified: Type.Optional(Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' })),
    references: Type.Optional(Type.Array(Type.String())),
    license: Type.Optional(Type.String()),
    related: Type.Optional(Type.Array(Type.Unknown())),
    scope: Type.Optional(Type.Array(Type.String())),
    fields: Type.Optional(Type.Array(Type.String())),
    logsource: Type.Optional(LogSource),
    detection: Type.Optional(Detection),
    correlation: Type.Optional(Correlation),
    falsepositives: Type.Array(Type.String({ minLength: 5 }), { minItems: 1 }),
    level: Type.Enum(LEVELS),
    tags: Type.Array(
      Type.String({
        pattern:
          '^(atlas\\.t\\d{4}(\\.\\d{3})?|owasp-asi\\.asi\\d{2}|owasp-mcp\\.mcp\\d{2}|owasp-t\\.t\\d{1,2}|attack\\.t\\d{4}(\\.\\d{3})?)$',
        description: 'ATLAS and OWASP ids, for example atlas.t0053, owasp-asi.asi02.',
      }),
      { minItems: 1 },
    ),
    plumbline: Type.Object(
      {
        format: Type.Literal(1),
        maturity: Type.Enum(MATURITIES, { description: 'What a firing may cause.' }),
        kind: Type.Optional(
          Type.String({ description: 'Kind of analytic; none with `detection` or `correlation`.' }),
        ),
        params: Type.Optional(
          Type.Record(Type.String(), Type.Unknown(), { description: "The kind's parameters." }),
        ),
        window: Type.Optional(
          Type.Enum(['sliding', 'tumbling', 'session'], { description: 'Of a correlation.' }),
        ),
        gap: Type.Optional(
          Type.String({
            pattern: '^[0-9]+(ms|s|m|h|d|w)$',
            description: 'Closes a session window.',
          }),
        ),
        missing_group: Type.Optional(
          Type.Enum(['skip', 'null-group'], { description: 'Events that lack a group-by field.' }),
        ),
        limits: Type.Optional(
          Type.Object(
            {
              groups: Type.Optional(Type.Integer({ minimum: 1 })),
              group_events: Type.Optional(Type.Integer({ minimum: 1 })),
              distinct: Type.Optional(Type.Integer({ minimum: 1 })),
            },
            strict,
          ),
        ),
        emit: Type.Optional(
          Type.Enum(EMITS, {
            description:
              'early: the action is asked for as soon as the event arrives, and confirmed at the watermark. Only for rules that one event decides. Default final.',
          }),
        ),
        evidence_class: Type.Enum(EVIDENCE_CLASSES),
        needs: Type.Object(
          {
            sources: Type.Array(Type.Enum(KINDS), { minItems: 1 }),
            evidence: Type.Enum(EVIDENCE_LEVELS),
            identity: Type.Optional(Type.Enum(['gateway', 'platform', 'self'])),
          },
          strict,
        ),
        entity: Type.Array(Type.String(), {
          minItems: 1,
          description: 'Paths of the risk objects.',
        }),
        response: Type.Optional(
          Type.Object(
            {
              action: Type.Enum([...VERBS, 'escalate'], {
                description:
                  'The ladder may do less. `escalate`: the rung above what stands against the entity.',
              }),
              scope: Type.Enum(['session', 'agent']),
              ttl: Type.String({ pattern: '^[0-9]+(ms|s|m|h)$', description: 'At most 4h.' }),
            },
            strict,
          ),
        ),
        why: prose('Why this matters.'),
        misses: prose('When it stays silent although it should not.'),
        triage: prose('What the person on call does first.'),
      },
      strict,
    ),
  },
  { ...strict, $id: 'https://plumbline.dev/schema/detector-1.json', title: 'Plumbline detector' },
);
/** A detector file's outermost document, checked. */
export type DetectorFile = Static<typeof DetectorFile>;
