/** Oracle: correlations evaluated naively over the full list of hits, as definitions say it. */
import type { CorrelationRule } from '../../../../src/detect/sigma/correlation/definition.ts';
import type { LaneEvent } from './lane.ts';
import { inOrder } from './lane.ts';

/** What the definition demands: event ids in canonical order, when it is decided, and how surely. */
export interface Demanded {
  readonly group: string;
  readonly ids: readonly string[];
  readonly decidedMs: number;
  readonly uncertain: boolean;
}

/** One hit of one rule, in canonical order. */
interface Point {
  readonly place: number;
  readonly ms: number;
  readonly id: string;
  readonly source: string;
  readonly value: string | number | null;
}

/** Evaluates one correlation over base rules; nothing is late, nothing is blind, nothing is bounded. */
export function demanded(rule: CorrelationRule, events: readonly LaneEvent[]): Demanded[] {
  const groups = new Map<string, Point[]>();
  for (const event of [...events].sort(inOrder))
    for (const name of event.rules) {
      const place = rule.rules.indexOf(name);
      if (place < 0) continue;
      const values = rule.groupBy.map((field) => fieldOf(rule, event, field, place));
      if (values.includes(null) && rule.missingGroup === 'skip') continue;
      const key = JSON.stringify(values);
      const points = groups.get(key) ?? [];
      const value = addedBy(rule, event, place);
      // Where events are measured each counts once, however many rules it matches.
      const isMeasured = rule.range !== null && rule.type !== 'temporal';
      if (isMeasured && (value === null || points.some(({ id }) => id === event.id))) continue;
      points.push({
        place,
        ms: Math.round(event.at * 1000),
        id: event.id,
        source: event.source ?? 'gateway',
        value,
      });
      groups.set(key, points);
    }
  return [...groups].flatMap(([group, points]) =>
    (rule.range === null
      ? orders(rule, points)
      : figures(
          rule,
          points.filter(({ value }) => value !== null),
        )
    ).map((one) => ({ group, ...one })),
  );
}

type Found = Omit<Demanded, 'group'>;

function fieldOf(rule: CorrelationRule, event: LaneEvent, field: string, place: number) {
  const own = rule.aliases[field]?.[rule.rules[place] as string] ?? field;
  const value = event.fields?.[own];
  return value === undefined || value === null ? null : String(value);
}

function addedBy(rule: CorrelationRule, event: LaneEvent, place: number): string | number | null {
  if (rule.type === 'event_count') return 1;
  if (rule.type === 'temporal') return place;
  if (rule.type === 'value_count') {
    const values = rule.fields.map((field) => fieldOf(rule, event, field, place));
    return values.includes(null) ? null : JSON.stringify(values);
  }
  const text = fieldOf(rule, event, rule.fields[0] as string, place);
  return text === null || text.trim() === '' || Number.isNaN(Number(text)) ? null : Number(text);
}

function isTrue(rule: CorrelationRule, window: readonly Point[]): boolean {
  if (window.length === 0) return false;
  const figure = figureOf(rule, window);
  const { gt, gte, lt, lte, eq, neq } = rule.range ?? {};
  return (
    (gt === undefined || figure > gt) &&
    (gte === undefined || figure >= gte) &&
    (lt === undefined || figure < lt) &&
    (lte === undefined || figure <= lte) &&
    (eq === undefined || figure === eq) &&
    (neq === undefined || figure !== neq)
  );
}

function figureOf(rule: CorrelationRule, window: readonly Point[]): number {
  const numbers = window.map(({ value }) => Number(value));
  if (rule.type === 'event_count') return window.length;
  if (rule.type === 'value_count' || rule.type === 'temporal')
    return new Set(window.map(({ value }) => value)).size;
  const sum = numbers.reduce((a, b) => a + b, 0);
  if (rule.type === 'value_sum') return sum;
  if (rule.type === 'value_avg') return sum / numbers.length;
  const sorted = numbers.sort((a, b) => a - b);
  const rank = ((rule.percentile ?? 50) / 100) * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(rank)] as number, sorted[Math.ceil(rank)] as number];
  return low + (high - low) * (rank - Math.floor(rank));
}

/** Evidence: every event of the window, or the newest of each value where values are counted. */
function idsOf(rule: CorrelationRule, window: readonly Point[]): readonly string[] {
  const isDistinct = rule.type === 'value_count' || rule.type === 'temporal';
  const kept = window.filter(
    ({ value }, at) => !isDistinct || !window.some((o, later) => later > at && o.value === value),
  );
  return [...new Set(kept.map(({ id }) => id))];
}

function figures(rule: CorrelationRule, points: readonly Point[]): Found[] {
  const { lt, lte, eq, neq } = rule.range ?? {};
  const onArrival = [lt, lte, eq, neq].every((one) => one === undefined);
  if (onArrival && rule.window === 'sliding') return slides(rule, points);
  return windows(rule, points).flatMap(({ points: own, endMs }) => {
    if (!onArrival)
      return isTrue(rule, own)
        ? [{ ids: idsOf(rule, own), decidedMs: endMs, uncertain: false }]
        : [];
    for (let count = 1; count <= own.length; count += 1) {
      const window = own.slice(0, count);
      if (!isTrue(rule, window)) continue;
      const decidedMs = (window.at(-1) as Point).ms;
      return [{ ids: idsOf(rule, window), decidedMs, uncertain: false }];
    }
    return [];
  });
}

function slides(rule: CorrelationRule, points: readonly Point[]): Found[] {
  const found: Found[] = [];
  let firedMs: number | null = null;
  points.forEach((point, at) => {
    const within = ({ ms }: Point) => ms > point.ms - rule.timespanMs;
    const before = points.slice(0, at).filter(within);
    if (firedMs !== null && (point.ms >= firedMs + rule.timespanMs || !isTrue(rule, before)))
      firedMs = null;
    const window = [...before, point];
    if (firedMs !== null || !isTrue(rule, window)) return;
    firedMs = point.ms;
    found.push({ ids: idsOf(rule, window), decidedMs: point.ms, uncertain: false });
  });
  return found;
}

interface Window {
  readonly points: Point[];
  endMs: number;
}

/** Windows that have an end, in their order. */
function windows(rule: CorrelationRule, points: readonly Point[]): Window[] {
  const all: (Window & { startMs: number })[] = [];
  for (const point of points) {
    const last = all.at(-1);
    const newest = last?.points.at(-1)?.ms ?? 0;
    const isIn =
      last !== undefined &&
      point.ms < last.startMs + rule.timespanMs &&
      (rule.gapMs === null || point.ms <= newest + rule.gapMs);
    const startMs =
      rule.window === 'tumbling'
        ? Math.floor(point.ms / rule.timespanMs) * rule.timespanMs
        : point.ms;
    const window = isIn ? last : { points: [], startMs, endMs: 0 };
    if (!isIn) all.push(window);
    window.points.push(point);
    const capMs = window.startMs + rule.timespanMs;
    window.endMs = rule.gapMs === null ? capMs : Math.min(capMs, point.ms + rule.gapMs);
  }
  return all;
}

interface Tuple {
  /** Places in the list of points, by step. */
  readonly at: readonly number[];
  readonly uncertain: boolean;
}

interface Candidate {
  readonly points: readonly Point[];
  readonly timeMs: number;
  readonly minMs: number;
  readonly uncertain: boolean;
  readonly decidedMs: number;
  readonly segment: number;
  readonly rank: number;
}

function orders(rule: CorrelationRule, points: readonly Point[]): Found[] {
  const segments =
    rule.window === 'sliding' ? [points] : windows(rule, points).map((w) => w.points);
  const candidates = segments.flatMap((own, segment) =>
    own.flatMap((_, at) =>
      (rule.conjuncts ?? []).flatMap((conjunct, number) => {
        const tuple = tightest(rule, conjunct, own, at);
        if (tuple === null) return [];
        const one = candidateOf(rule, conjunct, own, at, tuple);
        return one === null ? [] : [{ ...one, segment, rank: at * 100 + number }];
      }),
    ),
  );
  // What needs no deadline is decided with its event, before deadlines of the same instant.
  candidates.sort(
    (a, b) =>
      a.decidedMs - b.decidedMs ||
      Number(a.decidedMs > a.timeMs) - Number(b.decidedMs > b.timeMs) ||
      a.segment - b.segment ||
      a.rank - b.rank,
  );
  return episodes(rule, candidates);
}

function episodes(rule: CorrelationRule, candidates: readonly Candidate[]): Found[] {
  const found: Found[] = [];
  let segment = -1;
  let firedMs: number | null = null;
  let trueUntilMs = 0;
  let onlyUncertain = false;
  for (const one of candidates) {
    if (one.segment !== segment) firedMs = null;
    segment = one.segment;
    const isRunning =
      firedMs !== null &&
      Math.abs(one.timeMs - firedMs) < rule.timespanMs &&
      (rule.window !== 'sliding' || one.timeMs < trueUntilMs);
    if (isRunning) {
      trueUntilMs = Math.max(trueUntilMs, one.minMs + rule.timespanMs);
      if (!onlyUncertain || one.uncertain) continue;
      onlyUncertain = false;
    } else if (firedMs === null || one.timeMs >= firedMs) {
      firedMs = one.timeMs;
      trueUntilMs = one.minMs + rule.timespanMs;
      onlyUncertain = one.uncertain;
    }
    const ids = [...new Set(one.points.map(({ id }) => id))];
    found.push({ ids, decidedMs: one.decidedMs, uncertain: one.uncertain });
  }
  return found;
}

type Conjunct = NonNullable<CorrelationRule['conjuncts']>[number];

/** Of all tuples whose last point is `last`: certain ones first, then the newest from the end. */
function tightest(
  rule: CorrelationRule,
  conjunct: Conjunct,
  points: readonly Point[],
  last: number,
): Tuple | null {
  const all = tuples(rule, conjunct, points, last).filter((at) => at.includes(last));
  const valid = all.flatMap((at) => {
    const surely = judged(rule, conjunct, points, at);
    return surely === null ? [] : [{ at, uncertain: !surely }];
  });
  valid.sort((a, b) => {
    if (a.uncertain !== b.uncertain) return a.uncertain ? 1 : -1;
    for (let step = a.at.length - 1; step >= 0; step -= 1) {
      const difference = (b.at[step] as number) - (a.at[step] as number);
      if (difference !== 0) return difference;
    }
    return 0;
  });
  return valid[0] ?? null;
}

function tuples(
  rule: CorrelationRule,
  { seen }: Conjunct,
  points: readonly Point[],
  last: number,
): number[][] {
  const fromMs = (points[last] as Point).ms - rule.timespanMs;
  let all: number[][] = [[]];
  for (const place of seen)
    all = all.flatMap((before) =>
      points.flatMap((point, at) =>
        point.place === place && at <= last && point.ms > fromMs ? [[...before, at]] : [],
      ),
    );
  return all;
}

/** Is the tuple in order and free of what must be absent before its last point? True: surely. */
function judged(
  rule: CorrelationRule,
  { seen, absent }: Conjunct,
  points: readonly Point[],
  at: readonly number[],
): boolean | null {
  const own = at.map((one) => points[one] as Point);
  const firstMs = Math.min(...own.map(({ ms }) => ms));
  const lastAt = Math.max(...at);
  const isOther = (point: Point, ...others: (Point | undefined)[]) =>
    others.every((other) => other?.id !== point.id);
  if (rule.type === 'temporal') {
    const isSpoilt = points.some(
      (point, index) =>
        absent.includes(point.place) && index <= lastAt && point.ms >= firstMs - rule.timespanMs,
    );
    return isSpoilt ? null : true;
  }
  let surely = true;
  for (let step = 0; step + 1 < at.length; step += 1) {
    const [a, b] = [own[step] as Point, own[step + 1] as Point];
    const [x, y] = [at[step] as number, at[step + 1] as number];
    if (a.id === b.id) return null;
    const isNear = a.source !== b.source && Math.abs(a.ms - b.ms) < rule.toleranceMs;
    if (!isNear && x > y) return null;
    if (isNear) surely = false;
    const between = absent.filter(
      (place) => place > (seen[step] as number) && place < (seen[step + 1] as number),
    );
    const isSpoilt = points.some(
      (point, index) =>
        between.includes(point.place) &&
        index > Math.min(x, y) &&
        index < Math.max(x, y) &&
        isOther(point, a, b),
    );
    if (isSpoilt) return null;
  }
  const leading = absent.filter((place) => place < (seen[0] as number));
  const first = own[0] as Point;
  const isPreceded = points.some(
    (point, index) =>
      leading.includes(point.place) &&
      index < (at[0] as number) &&
      point.ms >= first.ms - rule.timespanMs &&
      isOther(point, first),
  );
  return isPreceded ? null : surely;
}

/** The tuple with its deadline, or null where something spoils it before that passes. */
function candidateOf(
  rule: CorrelationRule,
  { seen, absent }: Conjunct,
  points: readonly Point[],
  last: number,
  { at, uncertain }: Tuple,
): Omit<Candidate, 'segment' | 'rank'> | null {
  const own = at.map((one) => points[one] as Point);
  const timeMs = (points[last] as Point).ms;
  const minMs = Math.min(...own.map(({ ms }) => ms));
  const isUnordered = rule.type === 'temporal';
  const trailing = absent.filter((place) => isUnordered || place > (seen.at(-1) as number));
  const deadlineMs = isUnordered ? timeMs + rule.timespanMs : minMs + rule.timespanMs;
  const isSpoilt = points.some(
    (point, index) =>
      trailing.includes(point.place) &&
      index > last &&
      point.ms <= deadlineMs &&
      (isUnordered || own.every(({ id }) => id !== point.id)),
  );
  if (isSpoilt) return null;
  const sorted = [...at].sort((a, b) => a - b).map((one) => points[one] as Point);
  const decidedMs = trailing.length > 0 ? deadlineMs : timeMs;
  return { points: sorted, timeMs, minMs, uncertain, decidedMs };
}
