/** Objectives of a file: service levels of roles and workflows, checked and named. */
import { type Static, Type } from 'typebox';
import { durationMs } from '../model/duration.ts';
import type { Problem } from '../model/errors.ts';
import { METERS, type Objective, type ServiceLevels } from '../model/objective.ts';
import { problemAt, schemaProblems } from '../model/schema.ts';
import type { InventoryFile } from './inventory.ts';

const strict = { additionalProperties: false } as const;
const name = (description: string) => Type.String({ minLength: 1, maxLength: 512, description });
const duration = (description: string) =>
  Type.String({ pattern: '^[0-9]+(ms|s|m|h|d)$', description });

const IndicatorEntry = Type.Object(
  {
    of: Type.Enum(['calls', 'latency', 'turns', 'tokens', 'cost'], {
      description:
        'calls: allowed calls that succeed · latency: allowed calls that are fast · turns: turns of the model without a refusal · tokens, cost: sessions by their total.',
    }),
    atMost: Type.Optional(
      Type.Union([
        Type.Number({ exclusiveMinimum: 0 }),
        duration('A length of time, for latency: 800ms, 3s.'),
      ]),
    ),
  },
  strict,
);

const ObjectiveEntry = Type.Object(
  {
    name: Type.String({
      pattern: '^[a-z][a-z0-9]*(-[a-z0-9]+)*$',
      maxLength: 100,
      description: 'Kebab-case, unique.',
    }),
    title: Type.String({ minLength: 5, maxLength: 200, description: 'The promise, in words.' }),
    scope: Type.Optional(
      Type.Object(
        {
          role: Type.Optional(name('Role.')),
          workflow: Type.Optional(name('Class of the task, as governance declares it.')),
          agent: Type.Optional(name('One agent.')),
        },
        { ...strict, description: 'Whose work it is about. Absent: the whole fleet.' },
      ),
    ),
    indicator: IndicatorEntry,
    target: Type.Number({
      exclusiveMinimum: 0,
      exclusiveMaximum: 1,
      description: 'Share of good events promised, for example .99.',
    }),
    window: Type.Optional(
      duration('What the error budget is for, in whole days up to 90d. Default 28d.'),
    ),
    leastBad: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000_000,
        description: 'Bad events in the long window below which nothing is said. Default 5.',
      }),
    ),
  },
  strict,
);
type ObjectiveEntry = Static<typeof ObjectiveEntry>;

/** A document of objectives. */
export const ObjectivesDocument = Type.Object(
  {
    meters: Type.Optional(
      Type.Object(
        {
          tokens: Type.Optional(Type.Array(name('Metric name.'), { minItems: 1, maxItems: 16 })),
          cost: Type.Optional(Type.Array(name('Metric name.'), { minItems: 1, maxItems: 16 })),
        },
        { ...strict, description: 'Metrics that carry tokens and cost, best first.' },
      ),
    ),
    objectives: Type.Array(ObjectiveEntry, { maxItems: 1000, description: 'The promises.' }),
  },
  {
    ...strict,
    $id: 'https://plumbline.dev/schema/objectives-1.json',
    title: 'Plumbline objectives',
  },
);
type ObjectivesDocument = Static<typeof ObjectivesDocument>;

const DAY_MS = 86_400_000;
const WINDOW_MAX_MS = 90 * DAY_MS;
const DEFAULT_WINDOW = '28d';
const LEAST_BAD = 5;

/** No promise at all. */
export const NO_OBJECTIVES: ServiceLevels = { objectives: [], meters: METERS };

/**
 * Service levels of these files. Every problem is returned, none thrown; an objective with a problem,
 * or a name that is taken, is left out. The last file that names meters has the say.
 */
export function readObjectives(files: readonly InventoryFile[]): {
  readonly levels: ServiceLevels;
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const objectives = new Map<string, Objective>();
  let meters = METERS;
  for (const { file, documents } of files)
    for (const { value, lineOf } of documents) {
      const where = { file, lineOf };
      const found = schemaProblems(ObjectivesDocument, value, where);
      problems.push(...found);
      if (found.length > 0) continue;
      const document = value as ObjectivesDocument;
      meters = { ...meters, ...document.meters };
      document.objectives.forEach((entry, at) => {
        const say = (key: readonly (string | number)[], message: string) =>
          problems.push(problemAt(where, ['objectives', at, ...key], message));
        const objective = objectiveOf(entry, say);
        if (objective === null) return;
        if (objectives.has(entry.name)) say(['name'], `${entry.name} is taken; names are unique`);
        else objectives.set(entry.name, objective);
      });
    }
  return { levels: { objectives: [...objectives.values()], meters }, problems };
}

function objectiveOf(
  entry: ObjectiveEntry,
  say: (key: readonly (string | number)[], message: string) => void,
): Objective | null {
  const windowMs = durationMs(entry.window ?? DEFAULT_WINDOW);
  let isSound = true;
  const refuse = (key: readonly (string | number)[], message: string): void => {
    isSound = false;
    say(key, message);
  };
  if (windowMs % DAY_MS !== 0 || windowMs === 0 || windowMs > WINDOW_MAX_MS)
    refuse(['window'], 'a window is 1d to 90d, in whole days');
  const { of, atMost } = entry.indicator;
  if (of === 'latency' && typeof atMost !== 'string')
    refuse(['indicator', 'atMost'], 'latency needs atMost as a length of time, for example 3s');
  if ((of === 'tokens' || of === 'cost') && typeof atMost !== 'number')
    refuse(['indicator', 'atMost'], `${of} needs atMost as a number, the most a session may use`);
  if ((of === 'calls' || of === 'turns') && atMost !== undefined)
    refuse(['indicator', 'atMost'], `${of} are good or bad by themselves and take no atMost`);
  if (!isSound) return null;
  return {
    name: entry.name,
    title: entry.title,
    scope: entry.scope ?? {},
    indicator: indicatorOf(of, atMost),
    target: entry.target,
    windowMs,
    leastBad: entry.leastBad ?? LEAST_BAD,
  };
}

function indicatorOf(
  of: ObjectiveEntry['indicator']['of'],
  atMost: string | number | undefined,
): Objective['indicator'] {
  switch (of) {
    case 'calls':
    case 'turns':
      return { of };
    case 'latency':
      return { of, atMostMs: durationMs(String(atMost)) };
    default:
      return { of, atMost: Number(atMost) };
  }
}
