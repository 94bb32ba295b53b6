/** Series: what a counter that only grows has added since its last reading, by agent. */
import type { Event } from '../model/event.ts';
import type { Metric } from '../model/event-metric.ts';
import { newTable } from '../model/table.ts';
import type { Entity } from '../state/slot.ts';
import type { Slots } from '../state/slots.ts';

/** Series of one agent at most; above it the longest quiet are forgotten, and counted. */
export const SERIES_PER_AGENT_MAX = 1000;
/** Agents that have series at most; above it one of the longest quiet is forgotten with all of its. */
export const SERIES_AGENTS_MAX = 5000;

/** Last reading of a series: when it began to count, what it showed, and when; ms since 1970. */
type Reading = [startMs: number, value: number, count: number, atMs: number];

/** Series of one agent. */
interface SeriesEntity extends Entity {
  lastMs: number;
  /** How many there are: counting them each time would take as long as a flood wants it to. */
  held: number;
  readonly series: Record<string, Reading>;
}

/** What became of readings. */
export type SeriesCount = 'series-first' | 'series-reset' | 'series-late' | 'series-evicted';

/** What series need of the fold. */
export interface SeriesParts {
  readonly slots: Slots;
  readonly count: (name: SeriesCount, by?: number) => void;
  /** Event time of the first event of all, ms: what was counted before it is not ours to tell. */
  readonly sinceMs: number;
}

const SPACE = 'M';
/** Kept when too many are held: forgetting one at a time would look at all of them each time. */
const KEPT = 900;
const SAMPLED = 16;

/** Declares how series are stored: each reading by itself. Before anything is put or restored. */
export function declareSeries(slots: Slots): void {
  slots.split(SPACE, ['series']);
}

/**
 * The event with what was added since the last reading, for a counter or histogram that adds up; others as
 * they are. A lower reading, or a later beginning, is a restart: all it shows was added since. A first
 * reading gives a value only where the series began after we did; one that is older than the last gives
 * none. Such events keep their place and have no value. `key` names the agent and its tenant.
 */
export function addedBy(parts: SeriesParts, key: string, event: Event): Event {
  const { metric } = event;
  if (metric?.temporality !== 'cumulative' || metric.series === undefined) return event;
  const ms = event.time.eventMs;
  const entity = entityOf(parts, key, ms);
  const last = entity.series[metric.series];
  const made: Reading = [metric.startMs ?? 0, metric.value ?? 0, metric.count ?? 0, ms];
  const added = addedSince(parts, last, made);
  if (added !== 'late') {
    entity.series[metric.series] = made;
    entity.lastMs = Math.max(entity.lastMs, ms);
    parts.slots.touch(SPACE, key);
    parts.slots.touchPart(SPACE, key, 'series', metric.series);
    if (last === undefined) {
      entity.held += 1;
      if (entity.held > SERIES_PER_AGENT_MAX) prune(parts, key, entity);
    }
  }
  return { ...event, metric: deltaOf(metric, typeof added === 'object' ? added : null) };
}

function addedSince(
  { count, sinceMs }: SeriesParts,
  last: Reading | undefined,
  [startMs, value, counted, atMs]: Reading,
): { readonly value: number; readonly count: number } | 'first' | 'late' {
  const whole = { value, count: counted };
  if (last === undefined) {
    if (startMs >= sinceMs && startMs > 0) return whole;
    count('series-first');
    return 'first';
  }
  const [lastStartMs, lastValue, lastCount, lastMs] = last;
  if (atMs < lastMs || startMs < lastStartMs) {
    count('series-late');
    return 'late';
  }
  if (startMs > lastStartMs || value < lastValue || counted < lastCount) {
    count('series-reset');
    return whole;
  }
  return { value: value - lastValue, count: counted - lastCount };
}

function deltaOf(
  { value: _value, count: _count, ...rest }: Metric,
  added: { readonly value: number; readonly count: number } | null,
): Metric {
  const metric: Metric = { ...rest, temporality: 'delta' };
  if (added === null) return metric;
  return _count === undefined
    ? { ...metric, value: added.value }
    : { ...metric, value: added.value, count: added.count };
}

function entityOf({ slots, count }: SeriesParts, key: string, ms: number): SeriesEntity {
  const known = slots.get<SeriesEntity>(SPACE, key);
  if (known !== undefined) return known;
  if (slots.count(SPACE) >= SERIES_AGENTS_MAX) {
    let [oldest] = slots.sample<SeriesEntity>(SPACE, SAMPLED);
    for (const one of slots.sample<SeriesEntity>(SPACE, SAMPLED))
      if (oldest === undefined || one[1].lastMs < oldest[1].lastMs) oldest = one;
    if (oldest !== undefined) {
      count('series-evicted', oldest[1].held);
      slots.remove(SPACE, oldest[0]);
    }
  }
  const entity: SeriesEntity = { lastMs: ms, held: 0, series: newTable() };
  slots.put(SPACE, key, entity);
  return entity;
}

/** The longest quiet go, by time and then by name: the same whatever order a restore left them in. */
function prune({ slots, count }: SeriesParts, key: string, entity: SeriesEntity): void {
  const names = Object.keys(entity.series);
  const atOf = (name: string) => entity.series[name]?.[3] ?? 0;
  names.sort((a, b) => atOf(a) - atOf(b) || (a < b ? -1 : 1));
  const gone = names.slice(0, names.length - KEPT);
  for (const name of gone) delete entity.series[name];
  entity.held = names.length - gone.length;
  count('series-evicted', gone.length);
  slots.put(SPACE, key, entity);
}
