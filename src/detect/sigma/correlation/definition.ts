/** Definitions: what a Sigma correlation document says, as data, with every mistake named. */
import { type Static, Type } from 'typebox';
import type { Problem } from '../../../model/errors.ts';
import type { Kind } from '../../../model/event.ts';
import { type Located, problemAt, schemaProblems } from '../../../model/schema.ts';
import { type Conjunct, namesIn, RESERVED, readExpression } from './expression.ts';
import {
  isDecidedOnArrival,
  isEmpty,
  largestBound,
  leastCount,
  OPERATORS,
  type Range,
} from './range.ts';

/** Types of Sigma 2.1, and the median that pySigma has beside them. */
export const CORRELATION_TYPES = [
  'event_count',
  'value_count',
  'temporal',
  'temporal_ordered',
  'value_sum',
  'value_avg',
  'value_percentile',
  'value_median',
] as const;
/** One of CORRELATION_TYPES. */
export type CorrelationType = (typeof CORRELATION_TYPES)[number];

/** How time is cut: (t − timespan, t], multiples of timespan, or until nothing came for `gap`. */
export const WINDOWS = ['sliding', 'tumbling', 'session'] as const;
/** One of WINDOWS. */
export type WindowKind = (typeof WINDOWS)[number];

/** Bounds of one correlation's state. */
export interface CorrelationLimits {
  readonly groups: number;
  readonly groupEvents: number;
  readonly distinct: number;
}

/** One correlation. Plain data; times in ms. */
export interface CorrelationRule {
  /** Unique among all rules and correlations; the name until `linkCorrelations` gave it a scope. */
  readonly key: string;
  readonly name: string;
  readonly id: string | null;
  readonly title: string;
  readonly type: CorrelationType;
  /** As written: names or ids, in their order. */
  readonly rules: readonly string[];
  /** Keys of the same, once linked. */
  readonly bases: readonly string[];
  /** Sources that each of them speaks of, once linked: their blindness holds decisions. */
  readonly kinds: readonly (readonly Kind[])[];
  readonly groupBy: readonly string[];
  readonly timespanMs: number;
  /** Alias → rule as written → field. */
  readonly aliases: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What the measured figure must satisfy; null where `conjuncts` decide. */
  readonly range: Range | null;
  /** Ways to satisfy a condition over rules, by place in `rules`; null where `range` decides. */
  readonly conjuncts: readonly Conjunct[] | null;
  /** Fields whose values are counted or added up; several make tuples. */
  readonly fields: readonly string[];
  /** 0 to 100; null where no percentile is asked for. */
  readonly percentile: number | null;
  /** True where base rules also alert by themselves. */
  readonly generate: boolean;
  readonly window: WindowKind;
  /** A session ends after so long without an event; null where there are no sessions. */
  readonly gapMs: number | null;
  readonly missingGroup: 'skip' | 'null-group';
  readonly limits: CorrelationLimits;
  /** Clocks of two sources may differ by so much. */
  readonly toleranceMs: number;
}

const strict = { additionalProperties: false } as const;
const Name = Type.String({ minLength: 1, maxLength: 256 });
const Field = Type.String({ minLength: 1, maxLength: 256, description: 'Field of the event.' });

const Condition = Type.Object(
  {
    ...Object.fromEntries(OPERATORS.map((operator) => [operator, Type.Optional(Type.Number())])),
    field: Type.Optional(
      Type.Union([Field, Type.Array(Field, { minItems: 1, maxItems: 4 })], {
        description: 'Field whose values are measured; a list counts tuples.',
      }),
    ),
    percentile: Type.Optional(Type.Number({ minimum: 0, maximum: 100 })),
  },
  strict,
);

/** The `correlation:` block of a document. */
export const CorrelationBlock = Type.Object(
  {
    type: Type.Enum(CORRELATION_TYPES, { description: 'What is looked for.' }),
    rules: Type.Optional(
      Type.Array(Name, { minItems: 1, maxItems: 32, description: 'Rules, by name or id.' }),
    ),
    'group-by': Type.Array(Field, {
      minItems: 1,
      maxItems: 8,
      description: 'Fields whose values make a group; each group is counted by itself.',
    }),
    timespan: Type.String({
      pattern: '^[0-9]{1,6}[smhdw]$',
      description: 'number and s, m, h, d or w; months (M) and years (y) have no fixed length',
    }),
    condition: Type.Optional(
      Type.Union([Type.String({ minLength: 1, maxLength: 1000 }), Condition], {
        description: 'operators, or for temporal types a condition over rule names',
      }),
    ),
    aliases: Type.Optional(
      Type.Record(Type.String(), Type.Record(Type.String(), Field), {
        description: 'alias → rule → field',
      }),
    ),
    generate: Type.Optional(Type.Boolean({ description: 'Base rules also alert by themselves.' })),
  },
  strict,
);

/** Keys below `plumbline:` that a correlation understands; the header's schema takes them over. */
export const CorrelationExtension = {
  window: Type.Optional(Type.Enum(WINDOWS, { description: 'How time is cut; default sliding.' })),
  gap: Type.Optional(
    Type.String({
      pattern: '^[0-9]{1,9}(ms|s|m|h|d)$',
      description: 'A session ends after so long without an event.',
    }),
  ),
  missing_group: Type.Optional(
    Type.Enum(['skip', 'null-group'], {
      description: 'Events without a group field: left out (default), or a group of their own.',
    }),
  ),
  limits: Type.Optional(
    Type.Object(
      {
        groups: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
        group_events: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_536 })),
        distinct: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
      },
      strict,
    ),
  ),
} as const;

const Extension = Type.Object(CorrelationExtension);
type Block = Static<typeof CorrelationBlock>;
type Extension = Static<typeof Extension>;
type Say = (path: readonly (string | number)[], message: string) => void;

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const TOLERANCE_MS = 2000;
/** Every one costs a step of the search for an order. */
const ORDERED_MAX = 16;
const DEFAULT_LIMITS: CorrelationLimits = { groups: 100_000, groupEvents: 4096, distinct: 10_000 };
const ON_FIELD: ReadonlySet<CorrelationType> = new Set([
  ...(['value_count', 'value_sum', 'value_avg', 'value_percentile', 'value_median'] as const),
]);

/**
 * Reads the correlation of one document (`title`, `name`, `id`, `correlation`, `plumbline`); the rest
 * of its header is not looked at. `problems` is empty if and only if `rule` is there.
 */
export function readCorrelation(
  document: unknown,
  where: Located,
): { readonly rule: CorrelationRule | null; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const say: Say = (path, message) => problems.push(problemAt(where, path, message));
  const head = recordOf(document);
  const block = head['correlation'];
  const own = recordOf(head['plumbline']);
  const extension = pick(own, Object.keys(CorrelationExtension));
  problems.push(...schemaProblems(CorrelationBlock, block, where, ['correlation']));
  problems.push(...schemaProblems(Extension, extension, where, ['plumbline']));
  if (problems.length > 0) return { rule: null, problems };
  const rule = ruleOf(head, block as Block, extension as Extension, say);
  if (rule !== null) checkRule(rule, say);
  return problems.length > 0 ? { rule: null, problems } : { rule, problems };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

function pick(from: Readonly<Record<string, unknown>>, keys: readonly string[]): object {
  return Object.fromEntries(
    keys.filter((key) => Object.hasOwn(from, key)).map((key) => [key, from[key]]),
  );
}

function ruleOf(
  head: Readonly<Record<string, unknown>>,
  block: Block,
  extension: Extension,
  say: Say,
): CorrelationRule | null {
  const { condition } = block;
  const isText = typeof condition === 'string';
  const rules = block.rules ?? (isText ? namesIn(condition) : []);
  if (rules.length === 0) say(['correlation'], 'missing key `rules`');
  const own = typeof condition === 'object' ? condition : {};
  const operators = OPERATORS.filter((operator) => (own as Range)[operator] !== undefined);
  const range = Object.fromEntries(
    operators.map((operator) => [operator, (own as Range)[operator]]),
  ) as Range;
  const fields = own.field === undefined ? [] : [own.field].flat();
  const conjuncts = conjunctsOf(block, rules, say);
  const isCounted = block.type === 'temporal' && !isText && operators.length === 0;
  const limits = extension.limits ?? {};
  const { name, id, title } = head;
  const key = [name, id, title].find((one) => typeof one === 'string' && one !== '');
  if (key === undefined) say(['name'], 'a correlation needs a name');
  return {
    key: String(key),
    name: typeof name === 'string' ? name : String(key),
    id: typeof id === 'string' ? id : null,
    title: typeof title === 'string' ? title : String(key),
    type: block.type,
    rules,
    bases: rules,
    kinds: rules.map(() => []),
    groupBy: block['group-by'],
    timespanMs: timespanMs(block.timespan),
    aliases: block.aliases ?? {},
    range: conjuncts === null ? (isCounted ? { gte: rules.length } : range) : null,
    conjuncts,
    fields,
    percentile: block.type === 'value_median' ? 50 : (own.percentile ?? null),
    generate: block.generate ?? head['generate'] === true,
    window: extension.window ?? 'sliding',
    gapMs: extension.gap === undefined ? null : durationMs(extension.gap),
    missingGroup: extension.missing_group ?? 'skip',
    limits: {
      groups: limits.groups ?? DEFAULT_LIMITS.groups,
      groupEvents: limits.group_events ?? DEFAULT_LIMITS.groupEvents,
      distinct: limits.distinct ?? DEFAULT_LIMITS.distinct,
    },
    toleranceMs: TOLERANCE_MS,
  };
}

/** The ways a condition over rules can hold; null where operators on a figure decide. */
function conjunctsOf(
  { type, condition }: Block,
  rules: readonly string[],
  say: Say,
): readonly Conjunct[] | null {
  const isTemporal = type === 'temporal' || type === 'temporal_ordered';
  if (typeof condition !== 'string') {
    if (type !== 'temporal_ordered') return null;
    if (condition !== undefined)
      say(
        ['correlation', 'condition'],
        'an order has no figure to compare: leave the condition out, write one over rule names, or use type temporal',
      );
    return [{ seen: rules.map((_, at) => at), absent: [] }];
  }
  const path = ['correlation', 'condition'];
  if (!isTemporal) {
    say(path, `a condition over rule names needs type temporal or temporal_ordered, not ${type}`);
    return null;
  }
  const { expression, problem } = readExpression(condition, rules);
  if (problem !== null) say(path, problem);
  const named = namesIn(condition);
  for (const name of named)
    if (!rules.includes(name))
      say(path, `${name} is not among rules; there are: ${rules.join(', ')}`);
  rules.forEach((name, at) => {
    if (!named.includes(name))
      say(['correlation', 'rules', at], `${name} does not stand in the condition`);
  });
  return expression?.conjuncts ?? [];
}

/** Length of a timespan as Sigma writes it, ms. The text has been checked. */
export function timespanMs(text: string): number {
  return Number(text.slice(0, -1)) * UNIT_MS[text.slice(-1) as keyof typeof UNIT_MS];
}

function durationMs(text: string): number {
  return text.endsWith('ms') ? Number(text.slice(0, -2)) : timespanMs(text);
}

function checkRule(rule: CorrelationRule, say: Say): void {
  checkNames(rule, say);
  checkFigure(rule, say);
  checkWindow(rule, say);
}

function checkNames({ name, type, rules, conjuncts }: CorrelationRule, say: Say): void {
  if (RESERVED.has(name)) say(['name'], `${name} is a word of conditions and cannot be a name`);
  rules.forEach((rule, at) => {
    const path = ['correlation', 'rules', at];
    if (rules.indexOf(rule) !== at) say(path, `${rule} stands twice`);
    if (RESERVED.has(rule)) say(path, `${rule} is a word of conditions and cannot be a name`);
  });
  const isTemporal = type === 'temporal' || type === 'temporal_ordered';
  if (isTemporal && rules.length === 1)
    say(['correlation', 'rules'], `${type} needs at least two rules; to count one use event_count`);
  if (conjuncts !== null && rules.length > ORDERED_MAX)
    say(['correlation', 'rules'], `at most ${ORDERED_MAX} rules can be put in order`);
}

function checkFigure(rule: CorrelationRule, say: Say): void {
  const { type, range, fields, percentile, limits, rules } = rule;
  const path = ['correlation', 'condition'];
  if (ON_FIELD.has(type) && fields.length === 0) say(path, 'missing key `field`');
  if (!ON_FIELD.has(type) && fields.length > 0)
    say([...path, 'field'], `${type} looks at no field; value_count does`);
  if (fields.length > 1 && type !== 'value_count')
    say([...path, 'field'], 'only value_count takes several fields');
  if (type === 'value_percentile' && percentile === null)
    say(
      path,
      'missing key `percentile` (0 to 100) of a numeric field; for "rarer than" of names use the kind novelty',
    );
  if (percentile !== null && type !== 'value_percentile' && type !== 'value_median')
    say([...path, 'percentile'], 'only value_percentile takes a percentile');
  if (range === null) return;
  if (Object.keys(range).length === 0) {
    say(path, `missing operator: one of ${OPERATORS.join(', ')}`);
    return;
  }
  if (isEmpty(range)) say(path, 'no figure can satisfy all of these operators');
  if (type !== 'event_count' && type !== 'value_count' && type !== 'temporal') return;
  const bound = largestBound(range);
  for (const operator of OPERATORS)
    if (range[operator] !== undefined && !Number.isInteger(range[operator]))
      say([...path, operator], 'a count is compared with a whole number');
  const isNever = (range.lt ?? 2) <= 1 || (range.lte ?? 1) <= 0 || (range.eq ?? 1) <= 0;
  if (isNever)
    say(
      path,
      'a group begins with an event, so its count is at least 1: for none use the kind silence',
    );
  if (isDecidedOnArrival(range) && (leastCount(range) ?? 0) < 1)
    say(path, 'every event would satisfy this: the count of a group is at least 1');
  const cap = type === 'event_count' ? limits.groupEvents : limits.distinct;
  const limit = type === 'event_count' ? 'group_events' : 'distinct';
  if (type === 'temporal' && bound > rules.length)
    say(path, `only ${rules.length} rules can be seen`);
  else if (isDecidedOnArrival(range) ? (leastCount(range) ?? 0) > cap : bound >= cap)
    say(path, `${bound} is more than is kept of a group (${cap}); raise plumbline.limits.${limit}`);
}

function checkWindow(rule: CorrelationRule, say: Say): void {
  const { window, gapMs, timespanMs: spanMs, conjuncts } = rule;
  if (spanMs === 0) say(['correlation', 'timespan'], 'must be longer than nothing');
  if (window === 'session' && gapMs === null)
    say(['plumbline', 'window'], 'a session needs `gap`: it ends after so long without an event');
  if (window !== 'session' && gapMs !== null)
    say(['plumbline', 'gap'], 'only `window: session` has a gap');
  if (gapMs !== null && (gapMs === 0 || gapMs > spanMs))
    say(['plumbline', 'gap'], 'must be longer than nothing and at most the timespan');
  const isNegated = conjuncts?.some(({ absent }) => absent.length > 0) ?? false;
  if (isNegated && window !== 'sliding')
    say(['plumbline', 'window'], 'absence is looked for around events: only `window: sliding`');
}
