/** Floods beside a slow attack: they evict by plan, say so, and hide nothing. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TopicPartition } from '../../src/model/ports.ts';
import { stream } from '../../src/simulation/random.ts';
import { Slots } from '../../src/state/slots.ts';
import { THOROUGH } from './amount.ts';
import { END_MS, FLOODS, type Flood, floodLog, MOLE, slowDetectors } from './flood.ts';
import { type Lane, openLane, readInOrder } from './lane.ts';
import { laneOptions } from './lane-options.ts';
import { createLaneStore, type LaneStore } from './lane-store.ts';
import { shippedLibrary } from './library.ts';
import type { MemoryLog } from './memory-log.ts';

const { detectors, inventory } = await shippedLibrary();
const library = [...detectors, ...slowDetectors()];

/** Bounds so small that floods of some hundred records reach them. */
const MAX = {
  maxAgents: 20,
  maxSessions: 40,
  maxSessionsPerAgent: 12,
  maxActsPerSession: 16,
  maxActs: 160,
} as const;
const BUFFERED = { maxBuffered: 60, maxBufferedBytes: 1_000_000 } as const;
const BURST = 110;

function run(name: string, make: Flood | null, perBurst = BURST) {
  const seed = 11;
  const { log, records } = floodLog(make, perBurst, stream(seed, name));
  const settings = laneOptions({ detectors: library, inventory, correlate: MAX });
  const store = createLaneStore();
  const lane = openLane(log, store, { ...settings, ...BUFFERED }, END_MS);
  if (make === null) readInOrder(lane, log);
  else readDying(lane, log);
  return { store, records, seed };
}

/** In the order of arrival. The process dies now and then, with some of its work not yet written. */
function readDying(lane: Lane, log: MemoryLog): void {
  let dies = 150;
  for (let n = 1; ; n += 1) {
    let first: TopicPartition | undefined;
    let firstMs = Number.POSITIVE_INFINITY;
    for (const at of lane.waiting()) {
      const [next] = log.read(at, lane.offset(at), 1);
      if (next === undefined || next.timestampMs >= firstMs) continue;
      first = at;
      firstMs = next.timestampMs;
    }
    if (first === undefined) break;
    lane.read(first, 1);
    if (n % 40 === 0) lane.commit();
    // Further and further apart, or it would read again for ever what it dies of.
    if (n === dies) {
      dies += n;
      lane.crash();
    }
  }
  lane.drain();
}

/** Ids of what was found about the slow attack. */
function found({ detections }: LaneStore): string[] {
  const about = [...detections.values()].filter(({ entity }) => entity.agent === MOLE);
  return about.map(({ id, detector }) => `${detector} ${id}`).sort();
}

/** What the lane holds: entities by space, and bytes of all. */
function held(store: LaneStore): { counts: Map<string, number>; bytes: number } {
  const slots = new Slots();
  const { pages, deltas } = store.load();
  slots.restore(pages, deltas);
  const counts = new Map<string, number>();
  let bytes = 0;
  for (const [space, key, entity] of slots.all()) {
    counts.set(space, (counts.get(space) ?? 0) + 1);
    bytes += key.length + JSON.stringify(entity).length;
  }
  return { counts, bytes };
}

const quiet = run('nothing', null);
const wanted = found(quiet.store);
/** What a flood may add to a state without one: every bounded space filled, and nothing else. */
const BYTES_MAX = 1_500_000;

/** How each flood is told. */
const SAID: Readonly<Record<string, readonly string[]>> = {
  'new sessions of another agent': ['state-flood about:noisy'],
  'sessions that another agent is given and refused in': ['state-flood about:noisy'],
  'new agents': ['state-flood about:agents'],
  'new agents with several records each': ['state-flood about:agents'],
  'records from the future': ['clock-skew about:gateway'],
  'ids used again, with other content': ['forged-record-id about:noisy'],
  'records that cannot be read': ['unreadable-records about:gateway'],
};

/**
 * Floods by an agent that governance knows and that reasons nowhere: three sessions in a row that a book
 * does not tell of are an outage for all anybody can tell, and an absence in it is left undecided.
 */
const BLINDING: ReadonlySet<string> = new Set([
  'new sessions of another agent',
  'sessions that another agent is given and refused in',
  'late records',
  'records from the future',
]);

describe('a slow attack', () => {
  it('is found in all its parts where nothing is beside it', () => {
    const by = new Set(wanted.map((each) => each.split(' ')[0]));
    for (const detector of ['slow-drift', 'slow-trickle', 'denied-then-retried', 'after-close'])
      assert.ok(by.has(detector), `${detector} among ${[...by].join(', ')}`);
    for (const detector of ['ungranted-action', 'unstated-action'])
      assert.ok(by.has(detector), `${detector} among ${[...by].join(', ')}`);
  });

  for (const [name, make] of Object.entries(FLOODS).filter((_, n) => THOROUGH || n % 3 === 0))
    describe(`beside ${name}`, () => {
      const { store, records, seed } = run(name, make);
      const { counters, notices } = store;

      it('is found as if it were alone', () => {
        const isBlinding = BLINDING.has(name);
        const spared = isBlinding
          ? wanted.filter((each) => !/^unstated-action /.test(each))
          : wanted;
        assert.deepEqual(found(store), spared, `seed ${seed}`);
        if (!isBlinding) return;
        // What is left undecided is said: the book is blind just then, and that is a finding too.
        const gaps = [...store.coverage.values()].filter(({ kind }) => kind === 'reasoning');
        assert.ok(gaps.length > 0);
        const raised = [...store.detections.values()].map(({ detector }) => detector);
        assert.ok(raised.includes('silent-source'));
      });

      it('leaves the memory within its bounds', () => {
        const { counts, bytes } = held(store);
        const of = (space: string) => counts.get(space) ?? 0;
        assert.ok(of('A') <= MAX.maxAgents, `${of('A')} agents`);
        assert.ok(of('S') <= MAX.maxSessions, `${of('S')} sessions`);
        assert.ok(of('trace') <= MAX.maxSessions, `${of('trace')} traces`);
        for (const [space, count] of counts)
          assert.ok(count <= 3 * BURST * 13, `${space} holds ${count}`);
        assert.ok(bytes < BYTES_MAX, `${bytes} bytes`);
      });

      it('loses no record that is not counted', () => {
        const count = (counter: string) => counters[counter] ?? 0;
        assert.equal(count('records'), records);
        assert.equal(count('records'), count('events') + count('dead-letters'));
        const folded = ['reasoning', 'gateway', 'governance', 'metrics'].map((kind) =>
          count(`folded-${kind}`),
        );
        const sum = folded.reduce((all, each) => all + each, 0);
        const others = ['repeats', 'forged-ids', 'too-late'].map(count);
        const all = others.reduce((total, each) => total + each, sum);
        // An id that is used again may be told once more after a crash.
        if (count('forged-ids') > 0) assert.ok(all >= count('events'));
        else assert.equal(all, count('events'));
      });

      it('says so', () => {
        const said = new Set(
          [...store.detections.values()].map(
            ({ detector, entity }) => `${detector} ${entity.agent}`,
          ),
        );
        for (const each of SAID[name] ?? []) assert.ok(said.has(each), each);
        const codes = notices.map(({ code }) => code);
        const isSaid = codes.some((code) => /evicted|overflow|late|skew|duplicate/.test(code));
        if (name === 'large records') assert.ok((counters['released-early'] ?? 0) > 0);
        assert.ok(isSaid || (counters['dead-letters'] ?? 0) > 0, 'nothing was said');
      });
    });
});
