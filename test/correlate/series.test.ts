/** Series: what counters have added, through restarts, repeats, lateness and floods. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addedBy,
  declareSeries,
  SERIES_AGENTS_MAX,
  SERIES_PER_AGENT_MAX,
  type SeriesCount,
} from '../../src/correlate/series.ts';
import type { Event } from '../../src/model/event.ts';
import type { Metric } from '../../src/model/event-metric.ts';
import { PAGES, Slots } from '../../src/state/slots.ts';

const BEGUN = 1_000_000;

function bench(slots = new Slots()) {
  declareSeries(slots);
  const counts: Partial<Record<SeriesCount, number>> = {};
  const parts = {
    slots,
    sinceMs: BEGUN,
    count: (name: SeriesCount, by = 1) => {
      counts[name] = (counts[name] ?? 0) + by;
    },
  };
  const metricAt = (ms: number, metric: Partial<Metric>, agent = 'a'): Metric => {
    const whole = {
      name: 'tokens',
      type: 'counter',
      temporality: 'cumulative',
      series: 's',
      ...metric,
    };
    const event = { metric: whole, time: { eventMs: ms } } as unknown as Event;
    return addedBy(parts, agent, event).metric as Metric;
  };
  /** Value that is told of a reading; undefined where none is. */
  const read = (ms: number, value: number, startMs = BEGUN - 5, more: Partial<Metric> = {}) =>
    metricAt(ms, { value, startMs, ...more }).value;
  return { slots, counts, read, metricAt };
}

describe('a counter that only grows', () => {
  it('adds what it grew by; of what it counted before we looked nothing is told', () => {
    const { read, counts } = bench();
    assert.deepEqual(
      [read(1, 100), read(2, 130), read(3, 130), read(4, 131)],
      [undefined, 30, 0, 1],
    );
    assert.deepEqual(counts, { 'series-first': 1 });
  });

  it('adds all it shows where it began after we did', () => {
    const { read } = bench();
    assert.deepEqual([read(1, 100, BEGUN + 1), read(2, 150, BEGUN + 1)], [100, 50]);
  });

  it('was restarted where it shows less, or says that it began later', () => {
    const { read, counts } = bench();
    assert.deepEqual([read(1, 100), read(2, 40), read(3, 60)], [undefined, 40, 20]);
    assert.deepEqual([read(4, 500, BEGUN + 9), read(5, 510, BEGUN + 9)], [500, 10]);
    assert.deepEqual(counts, { 'series-first': 1, 'series-reset': 2 });
  });

  it('gives nothing for what is older than its last reading, and counts it', () => {
    const { read, counts } = bench();
    assert.deepEqual([read(10, 100), read(5, 60), read(11, 110)], [undefined, undefined, 10]);
    assert.deepEqual([read(12, 1, BEGUN + 9), read(13, 120)], [1, undefined]);
    assert.equal(counts['series-late'], 2);
  });

  it('counts the values of a histogram along', () => {
    const { metricAt } = bench();
    metricAt(1, { type: 'histogram', value: 10, count: 2, startMs: 5 });
    const added = metricAt(2, { type: 'histogram', value: 16, count: 5, startMs: 5 });
    assert.deepEqual([added.value, added.count, added.temporality], [6, 3, 'delta']);
    // Fewer values than before is a restart, though their sum is higher.
    const again = metricAt(3, { type: 'histogram', value: 20, count: 1, startMs: 5 });
    assert.deepEqual([again.value, again.count], [20, 1]);
  });
});

it('leaves everything else as it is', () => {
  const { metricAt } = bench();
  const delta = metricAt(1, { temporality: 'delta', value: 3 });
  assert.deepEqual([delta.value, delta.temporality], [3, 'delta']);
  const { series: _series, ...unnamed } = metricAt(1, { value: 3, series: undefined as never });
  assert.deepEqual([unnamed.value, unnamed.temporality], [3, 'cumulative']);
});

it('keeps agents and series apart', () => {
  const { metricAt } = bench();
  const read = (agent: string, series: string, value: number, ms: number) =>
    metricAt(ms, { series, value, startMs: 5 }, agent).value;
  read('a', 's', 10, 1);
  read('b', 's', 50, 1);
  read('a', '__proto__', 7, 1);
  assert.deepEqual(
    [read('a', 's', 11, 2), read('b', 's', 52, 2), read('a', '__proto__', 10, 2)],
    [1, 2, 3],
  );
});

it('forgets the longest quiet in a flood of series, says how many, and keeps who reads on', () => {
  const { metricAt, counts, slots } = bench();
  metricAt(1, { series: 'kept', value: 5, startMs: 5 });
  for (let n = 0; n < 5 * SERIES_PER_AGENT_MAX; n += 1) {
    metricAt(2 + n, { series: `flood-${n}`, value: 1, startMs: 5 });
    if (n % 50 === 0) metricAt(2 + n, { series: 'kept', value: 6 + n, startMs: 5 });
  }
  assert.equal(metricAt(9000, { series: 'kept', value: 7000, startMs: 5 }).value, 7000 - 4956);
  const held = Object.keys(
    slots.get<{ wake?: number; series: object }>('M', 'a')?.series ?? {},
  ).length;
  assert.ok(held <= SERIES_PER_AGENT_MAX, String(held));
  assert.equal((counts['series-evicted'] ?? 0) + held, 5 * SERIES_PER_AGENT_MAX + 1);
});

it('bounds the agents, too', () => {
  const { metricAt, slots, counts } = bench();
  for (let n = 0; n < SERIES_AGENTS_MAX + 100; n += 1)
    metricAt(n, { value: 1, startMs: 5 }, `agent-${n}`);
  assert.equal(slots.count('M'), SERIES_AGENTS_MAX);
  assert.equal(counts['series-evicted'], 100);
});

it('goes on the same after it was stored and loaded', () => {
  const first = bench();
  const pages = () =>
    Array.from({ length: PAGES }, (_, page) => ({
      ...{ page, uptoSeq: 0, bytes: first.slots.pageBytes(page) },
    }));
  first.read(1, 100);
  first.slots.takeDelta();
  const stored = pages();
  first.read(2, 130);
  first.metricAt(2, { series: 't', value: 9, startMs: BEGUN + 1 });
  const delta = first.slots.takeDelta();
  assert.ok(delta !== null);
  const slots = new Slots();
  declareSeries(slots);
  slots.restore(stored, [{ seq: 1, bytes: delta }]);
  const second = bench(slots);
  assert.equal(second.read(3, 131), 1);
  assert.equal(second.metricAt(3, { series: 't', value: 11, startMs: BEGUN + 1 }).value, 2);
});
