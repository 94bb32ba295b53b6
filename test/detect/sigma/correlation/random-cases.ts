/** Random cases: definitions of every type and hits for them, drawn from a seed. */
import {
  CORRELATION_TYPES,
  type CorrelationRule,
} from '../../../../src/detect/sigma/correlation/definition.ts';
import type { Kind } from '../../../../src/model/event.ts';
import { chance, integer, pick, type Random } from '../../../../src/simulation/random.ts';
import { type LaneEvent, rulesOf } from './lane.ts';

/** Base rules of random cases, with the sources they speak of. */
export const BASES: Readonly<Record<string, Kind>> = {
  a: 'gateway',
  b: 'reasoning',
  c: 'governance',
  d: 'gateway',
};

const CONDITIONS = [
  'a and not b',
  'a and not b and c',
  'not a and b',
  'a or b and not c',
  'a and b or c and d',
  'a and not (b or c)',
  'a and b and not c',
  'not a and b and not c and d',
  '(a or b) and (c or not d)',
];

/** A definition of this type that loads; its numbers are drawn until one does. */
export function randomRule(
  random: Random,
  type = pick(random, CORRELATION_TYPES),
): CorrelationRule {
  for (;;) {
    try {
      return rulesOf([randomDocument(random, type)], BASES)[0] as CorrelationRule;
    } catch {
      // A condition that can never hold, and the like: drawn again.
    }
  }
}

function randomDocument(random: Random, type: CorrelationRule['type']): object {
  const isTemporal = type === 'temporal' || type === 'temporal_ordered';
  const text = isTemporal && chance(random, 0.6) ? pick(random, CONDITIONS) : null;
  const names = ['a', 'b', 'c', 'd'].slice(0, integer(random, isTemporal ? 2 : 1, 4));
  const rules =
    text === null
      ? names
      : ['a', 'b', 'c', 'd'].filter((name) => new RegExp(`\\b${name}\\b`).test(text));
  if (chance(random, 0.3)) rules.reverse();
  const condition = text ?? (type === 'temporal_ordered' ? undefined : randomRange(random, type));
  const window = pick(random, ['sliding', 'sliding', 'tumbling', 'session']);
  const isGrouped = chance(random, 0.5);
  return {
    name: `${type}_drawn`,
    correlation: {
      type,
      rules,
      'group-by': isGrouped ? ['g', 'who'] : ['g'],
      ...(isGrouped && {
        aliases: { who: Object.fromEntries(rules.map((one) => [one, one === 'a' ? 'u' : 'v'])) },
      }),
      timespan: `${integer(random, 3, 12)}s`,
      ...(condition !== undefined && { condition }),
    },
    plumbline: {
      window,
      ...(window === 'session' && { gap: '3s' }),
      ...(chance(random, 0.3) && { missing_group: 'null-group' }),
    },
  };
}

function randomRange(random: Random, type: CorrelationRule['type']): object | undefined {
  if (type === 'temporal' && chance(random, 0.4)) return undefined;
  const isCount = type === 'event_count' || type === 'value_count' || type === 'temporal';
  const bound = isCount ? integer(random, 1, 4) : integer(random, -2, 12);
  const range: Record<string, unknown> = {
    [pick(random, ['gt', 'gte', 'gte', 'lt', 'lte', 'eq', 'neq'])]: bound,
  };
  if (chance(random, 0.2)) range['lte'] = bound + integer(random, 0, 3);
  if (type === 'temporal' || type === 'event_count') return range;
  if (type === 'value_percentile') range['percentile'] = pick(random, [0, 25, 50, 90, 100]);
  range['field'] = type === 'value_count' && chance(random, 0.3) ? ['v', 'g'] : 'v';
  return range;
}

/** Some definitions of any type, and correlations on top of them. */
export function randomRules(random: Random): readonly CorrelationRule[] {
  for (;;) {
    const documents = Array.from({ length: integer(random, 1, 3) }, (_, at) => ({
      ...randomDocument(random, pick(random, CORRELATION_TYPES)),
      name: `drawn_${at}`,
    }));
    const timespan = `${integer(random, 5, 20)}s`;
    const head = { 'group-by': ['g'], timespan };
    const above = [
      { type: 'event_count', rules: ['drawn_0', 'a'], condition: { gte: 2 } },
      { type: 'temporal_ordered', rules: ['drawn_0', 'b'], condition: 'drawn_0 and not b' },
      { type: 'temporal', rules: ['drawn_0', 'c'] },
    ];
    const correlation = { ...pick(random, above), ...head };
    try {
      return rulesOf([...documents, { name: 'above', correlation }], BASES);
    } catch {
      // A condition that can never hold, and the like: drawn again.
    }
  }
}

/** Events in canonical order, on a grid so coarse that ties are frequent. */
export function randomEvents(random: Random, most = 24): LaneEvent[] {
  const count = integer(random, 1, most);
  const span = integer(random, 8, 60);
  const events: LaneEvent[] = [];
  for (let at = 0; at < count; at += 1) {
    const rules = Object.keys(BASES).filter(() => chance(random, 0.3));
    const fields: Record<string, unknown> = {
      u: pick(random, ['p', 'q']),
      v: pick(random, [1, 2, 3, 5, '8', -1]),
    };
    if (chance(random, 0.93)) fields['g'] = pick(random, ['x', 'x', 'y']);
    if (chance(random, 0.05)) fields['v'] = null;
    events.push({
      id: `e${String(at).padStart(3, '0')}`,
      at: integer(random, 0, span * 2) / 2,
      rules: rules.length > 0 ? rules : [pick(random, Object.keys(BASES))],
      fields,
      source: pick(random, ['gateway', 'gateway', 'reasoning']),
    });
  }
  return events;
}
