/** The spine: whatever the order, the cuts and the crashes, the same verdicts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCollector } from '../src/baseline/collect.ts';
import { learnProfile } from '../src/baseline/learn.ts';
import { forceOf, NO_BASELINE } from '../src/commands/baseline-force.ts';
import { bookmarkOf } from '../src/model/bookmark.ts';
import type { Mode } from '../src/model/decision.ts';
import type { Kind, WireEvent } from '../src/model/event.ts';
import type { Rec, TopicPartition } from '../src/model/ports.ts';
import type { BaselineOptions, PipelineOptions } from '../src/pipeline/options.ts';
import { createPipeline } from '../src/pipeline.ts';
import type { RungPlan } from '../src/score/budget.ts';
import { MISBEHAVIOURS } from '../src/simulation/emission.ts';
import { chance, integer, pick, stream } from '../src/simulation/random.ts';
import { encodeEvent } from '../src/source/canonical.ts';
import { verdictOf } from './detectors/run.ts';
import { fleetOf, LARGE_EVERY, readWildly, START_MS } from './sim/disorder.ts';
import { disordered, inOrder, recordsOf, withHeartbeats } from './sim/fleet-log.ts';
import { finish, openLane, readInOrder } from './sim/lane.ts';
import { LATENESS_MS, laneOptions } from './sim/lane-options.ts';
import { createLaneStore, type LaneStore } from './sim/lane-store.ts';
import { shippedLibrary } from './sim/library.ts';
import { createMemoryLog, type MemoryLog } from './sim/memory-log.ts';

const NOW_MS = START_MS + 86_400_000;
/** How many fleets; .ci/run takes 1,000, and a person may take more. */
// biome-ignore lint/style/noProcessEnv: the number of seeds is the one thing a person may raise.
const SEEDS = Number(process.env['PLUMBLINE_SEEDS'] ?? 200);

const { detectors, inventory } = await shippedLibrary();

/** The same detectors with other prose. */
const edited = detectors.map((one) => ({ ...one, triage: `${one.triage} Edited.` }));

/** A baseline of the fleet as it behaves while it is sound, with a tight budget: it fires often. */
function baselineOf(): BaselineOptions {
  const collector = createCollector({ inventory });
  for (let seed = 1; seed <= 8; seed += 1) {
    const sent = recordsOf({ ...fleetOf(seed), badShare: 0, sessions: 30 }).sent;
    const collecting = { ...NO_BASELINE, onEvent: collector.see };
    inOneGo(inOrder(sent), laneOptions({ inventory, baseline: collecting }));
  }
  const scope = { level: 'fleet', subject: '*' } as const;
  const profile = learnProfile(collector.finish(), scope, { rehearsal: null, seed: 1 });
  return forceOf([profile], { plans: BASELINE_PLAN });
}

/** Settings that let every rung, brake and refusal come up. */
function settingsOf(seed: number): PipelineOptions {
  const random = stream(seed, 'settings');
  const modes: readonly Mode[] = ['observe', 'advise', 'constrained', 'autonomous'];
  const mode = pick<Mode>(random, [...modes, 'autonomous', 'autonomous']);
  return laneOptions({
    detectors,
    inventory,
    baseline,
    modeOf: () => mode,
    guardrails: {
      breakerFleetShare: pick(random, [0.2, 1]),
      breakerRoleShare: 1,
      coolDownMs: pick(random, [1_000, 300_000]),
      leaseMaxMs: pick(random, [20_000, 900_000]),
    },
  });
}

const BASELINE_PLAN: readonly RungPlan[] = [
  {
    rung: 'alert',
    budget: { count: 1, scope: 'unit', per: 20, words: '5 % of sessions' },
    table: 'marginal',
    sources: 1,
    lanes: 'both',
  },
];
const baseline = baselineOf();

function inOneGo(log: MemoryLog, options: PipelineOptions): LaneStore {
  const store = createLaneStore();
  readInOrder(openLane(log, store, options, NOW_MS), log);
  return store;
}

const REASONING: TopicPartition = { topic: 'reasoning', partition: 0 };

/** A turn of session s at `atMs` after the start, that states one call. */
function turn(seq: number, atMs: number, tool: string): WireEvent {
  return {
    ...about('reasoning', 'model_call', seq, atMs),
    reasoning: { intents: [{ toolCallId: `c${seq}`, tool, args: { seq } }], claims: [] },
  };
}

/** Turns of many sessions, each with so many arguments that its digests fill some kilobytes. */
function bulky(count: number): WireEvent[] {
  const names = Array.from({ length: 64 }, (_, n) => `argument-${n}-${'x'.repeat(100)}`);
  return Array.from({ length: count }, (_, n) => ({
    ...turn(n, n * 500, 'read_record'),
    session: { id: `s${n % 300}` },
    reasoning: {
      intents: [{ tool: 'write', args: Object.fromEntries(names.map((name) => [name, n])) }],
      claims: [],
    },
  }));
}

/** A call of session s at the gateway. */
function call(seq: number, atMs: number, tool: string): WireEvent {
  return {
    ...about('gateway', 'tool_call', seq, atMs),
    action: { phase: 'result', tool, decision: 'allow', outcome: 'ok' },
  };
}

function about(kind: Kind, category: string, seq: number, atMs: number): WireEvent {
  return {
    kind,
    category,
    order: { seq, of: 'session' },
    time: { eventNs: `${START_MS + atMs}000000` },
    agent: { id: 'a' },
    session: { id: 's' },
  };
}

function append(log: MemoryLog, event: WireEvent, timestampMs?: number): void {
  const eventMs = Number(event.time.eventNs.slice(0, -6));
  const value = encodeEvent(event);
  log.append({ topic: event.kind, partition: 0, value, timestampMs: timestampMs ?? eventMs });
}

/** A lane over a log that holds these records, each at its own time or at the one beside it. */
function lab(
  records: readonly (WireEvent | readonly [WireEvent, number])[],
  changes: Partial<PipelineOptions> = {},
) {
  const log = createMemoryLog();
  for (const record of records)
    if ('kind' in record) append(log, record);
    else append(log, ...record);
  const store = createLaneStore();
  const options: PipelineOptions = { ...laneOptions({ detectors, inventory }), ...changes };
  return { log, store, options, lane: openLane(log, store, options, NOW_MS) };
}

/** What was said of single events; that no gateway ever spoke is another matter. */
function aboutEvents(store: LaneStore): string[] {
  return store.notices.map(({ code }) => code).filter((code) => code.startsWith('event.'));
}

/** Turns of session s, one a second. */
function turns(count: number): WireEvent[] {
  return Array.from({ length: count }, (_, n) => turn(n, n * 1000, 'read_record'));
}

describe('pipeline', () => {
  it(`gives the same verdicts in any order, twice, cut anyhow and across crashes: ${SEEDS} seeds`, () => {
    const seen = new Set<string>();
    const told = new Set<string>();
    const steps = new Set<string>();
    let intentions = 0;
    let released = 0;
    let units = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const options = settingsOf(seed);
      const random = stream(seed, 'disorder');
      const fleet = recordsOf(fleetOf(seed)).sent;
      const sent = chance(random, 0.7)
        ? withHeartbeats(fleet, integer(random, 3, seed % LARGE_EVERY === 0 ? 9 : 5))
        : fleet;
      const plain = inOneGo(inOrder(sent), options);
      const log = disordered(sent, random, LATENESS_MS, 5);
      const wild = createLaneStore();
      const releaseMax = pick(random, [1, 20, 5000]);
      // A small pace, so that crashes fall between pages too.
      const pageEveryBytes = pick(random, [16 * 1024, 256 * 1024, 32 * 1024 * 1024]);
      const held = { ...options, releaseMax, pageEveryBytes };
      if (readWildly(log, openLane(log, wild, held, NOW_MS), random, edited)) released += 1;
      assert.deepEqual(verdictOf(wild), verdictOf(plain), `seed ${seed}`);
      assert.equal(wild.counters['late'] ?? 0, 0, `seed ${seed}: nothing came too late`);
      for (const { detector } of plain.detections.values()) seen.add(detector);
      intentions += plain.intentions.size;
      units += plain.counters['baseline.units'] ?? 0;
      for (const { why } of plain.announcements.values()) told.add(why);
      for (const { edges } of plain.chains.values()) for (const { type } of edges) steps.add(type);
    }
    if (SEEDS < 200) return;
    // Lest the property hold because nothing happened.
    for (const misbehaviour of MISBEHAVIOURS) assert.ok(seen.has(misbehaviour), misbehaviour);
    for (const drift of ['hijacked-session', 'unusual-behaviour'])
      assert.ok(seen.has(drift), drift);
    for (const why of ['opened', 'detector', 'level']) assert.ok(told.has(why), why);
    for (const step of ['same-call', 'followed-change', 'answered-by'])
      assert.ok(steps.has(step), step);
    assert.ok(units > SEEDS, `${units} units were judged`);
    assert.ok(intentions > SEEDS / 10, `${intentions} intentions`);
    assert.ok(released > SEEDS / 2, `${released} runs released anything before the end`);
  });

  it('says of every reload what it changes in power, and nothing where a file was only touched', () => {
    const pipeline = createPipeline(laneOptions({ detectors }));
    for (const _ of pipeline.restoring({ pages: [], deltas: [], positions: [], seq: 0 }, null, {}));
    const reload = (change: Partial<Parameters<typeof pipeline.reload>[0]>) => {
      const before = { detectors, exceptions: [] };
      assert.deepEqual(pipeline.reload({ ...before, ...change }, 'a test'), []);
      const { reloads, notices } = pipeline.commit().effects;
      return [reloads.flatMap(({ changes }) => changes.length), notices.map(({ code }) => code)];
    };
    const maturity = detectors[0]?.maturity === 'shadow' ? 'enforce' : 'shadow';
    assert.deepEqual(reload({}), [[], []]);
    assert.deepEqual(reload({ detectors: detectors.map((one) => ({ ...one })) }), [[], []]);
    const [first, ...rest] = detectors;
    const lent = [{ ...(first as (typeof detectors)[number]), maturity } as const, ...rest];
    assert.deepEqual(reload({ detectors: lent }), [[1], ['detectors.reloaded']]);
    const excuse = {
      ...{ id: 'all-of-it', match: { tenant: ['-'] }, detectors: ['call-burst'], expiresMs: 1 },
      ...{ owner: 'ann', reason: 'because it can be', evidence: ['aa'], file: 'x.yaml' },
    };
    assert.deepEqual(reload({ detectors: lent, exceptions: [excuse] }), [
      [1],
      ['detectors.reloaded'],
    ]);
  });

  it('drops a record that comes a second time, however late', () => {
    let late = 0;
    for (let seed = 1; seed <= Math.min(SEEDS, 40); seed += 1) {
      const options = settingsOf(seed);
      const sent = withHeartbeats(recordsOf(fleetOf(seed)).sent, 9);
      const random = stream(seed, 'again');
      const again = sent
        .filter(() => chance(random, 0.2))
        .map((record) => ({
          record,
          at: record.ms + integer(random, 1, 20 * LATENESS_MS),
        }));
      const all = [...sent.map((record) => ({ record, at: record.ms })), ...again];
      const log = inOrder(all.sort((a, b) => a.at - b.at).map(({ record }) => record));
      const store = inOneGo(log, options);
      late += store.counters['late'] ?? 0;
      assert.deepEqual(
        verdictOf(store),
        verdictOf(inOneGo(inOrder(sent), options)),
        `seed ${seed}`,
      );
    }
    assert.ok(late > 100, `${late} records came late`);
  });

  it('keeps the first of two records with one id, and says so', () => {
    const { lane, store } = lab([
      turn(1, 0, 'read_record'),
      turn(1, 0, 'write_record'),
      turn(1, 0, 'read_record'),
    ]);
    lane.read(REASONING, 3);
    lane.drain();
    assert.deepEqual(aboutEvents(store), ['event.duplicate-id']);
    assert.equal(store.counters['repeats'], 1);
    assert.equal(store.counters['forged-ids'], 1);
    assert.equal(store.counters['folded-reasoning'], 1);
  });

  it('lets a stamp from the future move nothing', () => {
    const { lane, store } = lab([
      turn(1, 0, 'read_record'),
      [turn(2, 3_600_000, 'read_record'), START_MS + 1000],
      turn(3, 2_000, 'read_record'),
    ]);
    lane.read(REASONING, 3);
    assert.equal(lane.pipeline.watermarkMs, START_MS + 2_000 - LATENESS_MS - 1);
    lane.drain();
    assert.equal(store.counters['clamped'], 1);
    assert.equal(store.counters['folded-reasoning'], 3);
    assert.deepEqual(aboutEvents(store), ['event.clock-skew']);
  });

  it('evaluates what is late, and says what is too late', () => {
    const records = [turn(1, 3_600_000, 'a'), turn(2, 3_500_000, 'b'), turn(3, 0, 'c')];
    const { lane, store } = lab(records, { tooLateMs: 600_000 });
    lane.read(REASONING, 1);
    lane.read(REASONING, 2);
    lane.drain();
    assert.deepEqual(aboutEvents(store), ['event.late', 'event.too-late']);
    assert.equal(store.counters['folded-reasoning'], 2);
  });

  it('releases a full buffer step by step, at crashes too, and W never overtakes it', () => {
    const records = [
      ...turns(20),
      call(30, 90_000, 'read_record'),
      turn(31, 90_500, 'read_record'),
    ];
    const { lane, log, options, store } = lab(records, { releaseMax: 4 });
    const gateway = { topic: 'gateway', partition: 0 };
    lane.read(REASONING, 21);
    assert.equal(lane.pipeline.buffered, 21, 'nobody knows yet how far the gateway is');
    lane.read(gateway, 1);
    assert.equal(lane.pipeline.buffered, 18);
    assert.deepEqual(lane.pipeline.ahead(), [], 'the rest is ripe: no partition is to wait for it');
    let reachedMs = 0;
    for (let folded = 4; folded < 20; folded += 4) {
      lane.commit();
      assert.equal(store.counters['folded-reasoning'], folded);
      assert.equal(lane.pipeline.watermarkMs, START_MS + (folded - 1) * 1000);
      assert.ok(lane.pipeline.watermarkMs > reachedMs);
      reachedMs = lane.pipeline.watermarkMs;
      if (folded === 8) {
        lane.crash();
        for (const at of lane.waiting()) lane.read(at, 100);
      } else lane.pipeline.tick([], NOW_MS);
    }
    lane.pipeline.tick([], NOW_MS);
    assert.equal(lane.pipeline.watermarkMs, START_MS + 90_000 - LATENESS_MS - 1);
    lane.drain();
    assert.deepEqual(verdictOf(store), verdictOf(inOneGo(log, options)));
  });

  it('asks for a pause when too much waits, and for more when there is room', () => {
    const calls = [call(9, 0, 'read_record'), call(10, 90_000, 'read_record')];
    const { lane, log } = lab([...turns(8), ...calls], { maxBuffered: 4 });
    const gateway = { topic: 'gateway', partition: 0 };
    lane.read(gateway, 1);
    lane.read(REASONING, 8);
    assert.equal(lane.pipeline.buffered, 9);
    assert.deepEqual(lane.pipeline.ahead(), [REASONING]);
    assert.equal(lane.pipeline.isFull(), true);
    assert.equal(lane.pipeline.hasRoom(), false);
    lane.read(gateway, 1);
    append(log, turn(20, 90_000, 'read_record'));
    lane.read(REASONING, 1);
    assert.deepEqual(lane.pipeline.ahead(), []);
    assert.equal(lane.pipeline.isFull(), false);
    assert.equal(lane.pipeline.hasRoom(), true);
  });

  describe('given a record whose producer stamps it, and its event, with the year 2100', () => {
    const aheadMs = 75 * 365 * 86_400_000;
    const ahead = turn(4, aheadMs, 'read_record');
    const records = [...turns(4), ahead, ...turns(8).slice(5)];
    const claimed = records.map((one) =>
      one === ahead ? ([one, START_MS + aheadMs] as const) : one,
    );

    it('keeps its watermark, says so, and what others send is not late, across crashes too', () => {
      const { lane, log, store } = lab(claimed);
      lane.read(REASONING, 5);
      for (const nowMs of [NOW_MS, NOW_MS + 40_000]) {
        lane.pipeline.tick([], nowMs);
        assert.ok(lane.pipeline.watermarkMs < START_MS + 43_000, `${lane.pipeline.watermarkMs}`);
      }
      lane.commit();
      const stored = store.load().positions[0]?.bookmark;
      assert.deepEqual(stored, bookmarkOf(log.read(REASONING, 4, 1)[0] as Rec));
      lane.crash();
      lane.read(REASONING, 10);
      lane.drain();
      assert.deepEqual(aboutEvents(store), ['event.clock-skew']);
      assert.deepEqual(
        ['events', 'clamped', 'late', 'folded-reasoning'].map((name) => store.counters[name] ?? 0),
        [8, 1, 0, 8],
      );
      assert.ok((store.watermarkMs ?? 0) < NOW_MS + 86_400_000);
    });

    it('counts what cannot be read as of the hour in which it was read', () => {
      const { lane, log } = lab(turns(1));
      log.append({ ...REASONING, value: 'rubbish', timestampMs: START_MS + aheadMs });
      lane.read(REASONING, 2);
      const { deadLetters } = lane.pipeline.commit().effects;
      assert.deepEqual(
        deadLetters.map(({ receivedMs }) => receivedMs),
        [NOW_MS],
      );
    });
  });

  it('says that history is missing, and goes on from where there is some', () => {
    const { lane, log, store, options } = lab(turns(6));
    lane.read(REASONING, 4);
    lane.commit();
    const takeOver = (low: number, end: number) => {
      const pipeline = createPipeline(options);
      finish(pipeline.restoring(store.load(), store.watermarkMs, store.counters));
      const starts = pipeline.assign([{ ...REASONING, next: 0, low, end }], NOW_MS);
      return { starts, notices: pipeline.commit().effects.notices.map(({ code }) => code) };
    };
    const proof = bookmarkOf(log.read(REASONING, 3, 1)[0] as Rec);
    const gap = ['history.truncated', 'source.back'];
    assert.deepEqual(takeOver(0, 6), { starts: [{ ...REASONING, offset: 0, proof }], notices: [] });
    assert.deepEqual(takeOver(2, 6), {
      starts: [{ ...REASONING, offset: 2, proof }],
      notices: gap,
    });
    assert.deepEqual(takeOver(0, 2), {
      starts: [{ ...REASONING, offset: 0 }],
      notices: [...gap, 'topic.recreated'],
    });
  });

  it('reads a topic that was made again from its beginning, and says what it does not know', () => {
    const { lane, log, store, options } = lab(turns(6));
    lane.read(REASONING, 6);
    lane.commit();
    const last = log.read(REASONING, 5, 1)[0] as Rec;
    assert.deepEqual(store.load().positions[0]?.bookmark, bookmarkOf(last));
    const pipeline = createPipeline(options);
    finish(pipeline.restoring(store.load(), store.watermarkMs, store.counters));
    const lag = { ...REASONING, next: 0, low: 0, end: 600, isRecreated: true };
    assert.deepEqual(pipeline.assign([lag], NOW_MS), [{ ...REASONING, offset: 0 }]);
    const { moves, effects, counters } = pipeline.commit();
    assert.deepEqual(moves, [{ from: 6, to: { ...REASONING, low: 0, next: 0, incarnation: 2 } }]);
    assert.equal(counters['topics-recreated'], 1);
    const [gap] = effects.coverage;
    assert.deepEqual(
      [gap?.source, gap?.kind, gap?.fromMs, gap?.toMs],
      ['reasoning', 'reasoning', last.timestampMs, NOW_MS],
    );
  });

  it('records what was skipped as a gap and a dead letter, and goes on behind it', () => {
    const { lane, store } = lab(turns(6));
    lane.read(REASONING, 2);
    lane.pipeline.missing(REASONING, 2, 4, NOW_MS, 'a batch packed with zstd: too large');
    lane.commit();
    assert.equal(store.load().positions[0]?.next, 4);
    assert.equal(store.counters['undecodable-offsets'], 2);
    assert.deepEqual(
      store.deadLetters.map(({ reason }) => reason),
      ['codec-unsupported'],
    );
    assert.match([...store.coverage.values()][0]?.reason ?? '', /2 to 4 were skipped: .*zstd/);
  });

  it('is blind where a partition stands still, until it goes on', () => {
    const { lane, store } = lab(turns(6));
    lane.read(REASONING, 2);
    const still = [{ ...REASONING, next: 2, end: 6, sinceMs: NOW_MS }];
    lane.pipeline.standstill(still, false, NOW_MS + 60_000);
    lane.commit();
    const open = [...store.coverage.values()];
    assert.deepEqual([open[0]?.fromMs, open[0]?.toMs], [NOW_MS, null]);
    lane.pipeline.standstill(still, true, NOW_MS + 90_000);
    lane.commit();
    const closed = [...store.coverage.values()];
    assert.equal(closed.length, 1);
    assert.equal(closed[0]?.toMs, NOW_MS + 90_000);
    assert.equal(store.counters['partitions-stuck'], 1);
  });

  it('folds deltas into pages, so that recovery stays short', () => {
    const pageEveryBytes = 4 * 1024 * 1024;
    const { lane, log, store, options } = lab(bulky(800), { pageEveryBytes });
    let crashAt = 250;
    while (lane.waiting().length > 0) {
      lane.read(REASONING, 1);
      lane.commit();
      if (lane.offset(REASONING) !== crashAt) continue;
      lane.crash();
      crashAt += 250;
    }
    const { deltas, pages, seq } = store.load();
    const stateBytes = pages.reduce((sum, { bytes }) => sum + bytes.length, 0);
    assert.ok(deltas.length < seq / 2, `${deltas.length} deltas of ${seq} are left`);
    assert.ok(store.bytes < 5 * stateBytes, `${store.bytes} bytes for ${stateBytes} of state`);
    lane.drain();
    const plain = inOneGo(log, options);
    assert.deepEqual(verdictOf(store), verdictOf(plain));
    assert.equal(store.counters['folded-reasoning'], 800);
  });

  it('goes on over records of others, and writes where it stands once in a while', () => {
    const { lane, store } = lab([turn(1, 0, 'read_record'), turn(2, 1_000, 'read_record')]);
    const { pipeline } = lane;
    lane.read(REASONING, 1);
    lane.commit();
    pipeline.passed(REASONING, 2, 2, START_MS + 1_000, NOW_MS);
    assert.equal(pipeline.watermarkMs, START_MS + 1_000 - LATENESS_MS - 1);
    pipeline.tick([], NOW_MS + 1_999);
    assert.equal(pipeline.dirty(), false);
    pipeline.tick([], NOW_MS + 2_000);
    assert.equal(pipeline.dirty(), true);
    lane.commit();
    const [position] = store.load().positions;
    // The first record still waits for the watermark; the second never was this lane's.
    assert.deepEqual([position?.low, position?.next], [0, 2]);
    lane.crash();
    lane.read(REASONING, 1);
    lane.pipeline.passed(REASONING, 2, 2, null, NOW_MS);
    lane.drain();
    assert.equal(store.counters['folded-reasoning'], 1);
  });
});
