/** Release: where records have waited for us, all of them are taken in before anything is folded. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Reorder } from '../../src/correlate/reorder.ts';
import { Watermarks } from '../../src/correlate/watermark.ts';
import type { Event } from '../../src/model/event.ts';
import { Draft } from '../../src/pipeline/draft.ts';
import { Notices } from '../../src/pipeline/notices.ts';
import { Release } from '../../src/pipeline/release.ts';
import { pick, stream } from '../../src/simulation/random.ts';
import { Slots } from '../../src/state/slots.ts';
import { eventOf } from '../correlate/events.ts';
import { fleetOf, START_MS } from '../sim/disorder.ts';
import { inOrder, recordsOf, withHeartbeats } from '../sim/fleet-log.ts';
import { clockOfRecords, neverIdle, openLane, readInOrder } from '../sim/lane.ts';
import { laneOptions } from '../sim/lane-options.ts';
import { createLaneStore } from '../sim/lane-store.ts';
import { shippedLibrary } from '../sim/library.ts';

const { detectors, inventory } = await shippedLibrary();
const SEEDS = 40;

const TIMINGS = [{ topic: 'gateway', latenessMs: 30_000, idleAfterMs: 60_000 }];

function lab(maxBuffered = 100_000) {
  const draft = new Draft();
  const watermarks = new Watermarks(new Slots(), TIMINGS);
  const reorder = new Reorder();
  const folded: Event[] = [];
  const release = new Release(
    { maxBuffered, maxBufferedBytes: 1e9, timings: TIMINGS },
    {
      ...{ watermarks, reorder, draft, notices: new Notices(draft, () => undefined) },
      fold: (events) => folded.push(...events),
    },
  );
  watermarks.assign([{ topic: 'gateway', partition: 0, next: 0, low: 0, end: 1e9, until: 0 }], 0);
  let next = 0;
  /** Records of the events' own time come `ageMs` later. */
  const slice = (count: number, ms: number, ageMs: number, left = 1) => {
    for (let n = 0; n < count; n += 1) {
      watermarks.saw('gateway', 0, ms);
      reorder.offer(eventOf({ ms, id: `e${next}` }));
      next += 1;
    }
    watermarks.read('gateway', 0, next, 1e9, ms + ageMs);
    release.came(count, ageMs, left, ms + ageMs);
    release.advance(ms + ageMs);
    return folded.length;
  };
  return { release, slice, folded, reorder };
}

describe('release', () => {
  it('waits while records come that have waited, and goes on with the first that has not', () => {
    const { slice } = lab();
    slice(10, 1_000_000, 5);
    assert.equal(slice(10, 1_040_000, 5), 10);
    assert.equal(slice(10, 1_075_000, 400), 10);
    assert.equal(slice(10, 1_076_000, 300), 10);
    assert.equal(slice(10, 1_077_000, 100), 20);
  });

  it('goes on by itself when nothing comes any more', () => {
    const { slice, release, folded } = lab();
    slice(10, 1_000_000, 5);
    assert.equal(slice(10, 1_040_000, 400), 0);
    release.advance(1_040_449);
    assert.equal(folded.length, 0);
    release.advance(1_040_450);
    assert.equal(folded.length, 10);
  });

  it('does not wait where none lie behind them, however slow the clock of who sent them', () => {
    const { slice } = lab();
    slice(10, 1_000_000, 5);
    assert.equal(slice(10, 1_040_000, 400, 0), 10);
    assert.equal(slice(10, 1_075_000, 400, 0), 20);
  });

  it('does not wait for records that are too old for anything early', () => {
    const { slice } = lab();
    slice(10, 1_000_000, 5);
    assert.equal(slice(10, 1_040_000, 30_000), 10);
  });

  it('postpones no more than some seconds of work, nor where the buffer is full', () => {
    const { slice, folded } = lab();
    slice(10, 1_000_000, 5);
    for (let n = 0; n < 20; n += 1) assert.equal(slice(500, 1_040_000 + n, 400), 0);
    assert.equal(slice(500, 1_040_020, 400), 10);
    // What is ripe is more than one step, and the lag lasts: steps go on all the same.
    for (let n = 0; n < 20; n += 1) slice(500, 1_080_000 + n, 400);
    const before = folded.length;
    assert.equal(slice(1, 1_080_030, 400), before + 500);
    assert.equal(slice(1, 1_080_031, 400), before + 1000);
    const full = lab(100);
    full.slice(10, 1_000_000, 5);
    assert.equal(full.slice(200, 1_040_000, 400), 10);
  });

  it(`finds and decides the same where it waits: ${SEEDS} seeds`, () => {
    let waited = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const random = stream(seed, 'lag');
      const log = inOrder(withHeartbeats(recordsOf(fleetOf(seed)).sent, 40));
      const options = neverIdle(laneOptions({ detectors, inventory }));
      const played = (nowMs: number) => {
        const store = createLaneStore();
        const lane = openLane(log, store, options, clockOfRecords(nowMs));
        readInOrder(lane, log);
        const of = (found: ReadonlyMap<string, unknown>) => [...found.keys()].sort();
        return {
          found: [of(store.detections), of(store.decisions), of(store.cases)],
          events: store.counters['events'],
        };
      };
      const times = log.partitions().flatMap((at) => log.read(at, 0, 1e6));
      // Records of half a minute before that moment have waited for us; until then the clock stands still.
      const nowMs = pick(random, times).timestampMs + 300;
      waited += times.filter(
        ({ timestampMs: ms }) => nowMs - ms > 250 && nowMs - ms < 30_000,
      ).length;
      assert.deepEqual(played(nowMs), played(START_MS), `seed ${seed}`);
    }
    assert.ok(waited > SEEDS, `${waited} records had waited`);
  });
});
