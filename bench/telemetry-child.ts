/** What observing ourselves costs: the core in pairs of rounds, and the observing by itself. */
import { createTelemetry } from '../src/adapters/telemetry.ts';
import { observedBroker, observedStore } from '../src/commands/observed.ts';
import { createMeter } from '../src/commands/self.ts';
import { Standing } from '../src/commands/standing.ts';
import type { Meter } from '../src/detect/meter.ts';
import type { LaneCommit } from '../src/model/effects.ts';
import type { Broker, LaneHandler, Rec } from '../src/model/ports.ts';
import type { LaneStore } from '../src/observer.ts';
import { createPipeline } from '../src/pipeline.ts';
import { answer, cpuUs, input } from './child.ts';
import { benchLane, partitionLags } from './lane.ts';
import { fleetEvents, fleetRecords, SLICES_PER_COMMIT, slicesOf } from './workload.ts';

/** What to do. */
export interface TelemetryInput {
  readonly events: number;
  readonly pairs: number;
}

/** CPU of one pair of rounds, µs. */
export interface TelemetryPair {
  readonly bareUs: number;
  readonly observedUs: number;
  /** What was counted of the events: all of them. */
  readonly counted: number;
  readonly samples: number;
  /** The same slices, facts and commits through the same ports, and no core behind them, µs. */
  readonly emptyUs: number;
  readonly observingUs: number;
}

/** How the work of a slice is done: by the core, or by nobody. */
interface Work {
  slice(records: readonly Rec[], next: number, end: number, meter: Meter | null): void;
  commit(): LaneCommit;
}

const SLICE = 500;
/** Slices between two scrapes: 25,000 events, a second or two of work. Prometheus asks each 15 s. */
const SCRAPE_EVERY = 50;
const SAMPLE_EVERY = 509;
/** Without the core a round is short: so many of them are one figure. */
const EMPTY_ROUNDS = 40;

const { events, pairs } = input<TelemetryInput>();
const options = await benchLane();
const logs = fleetRecords(fleetEvents(events));
const ends = new Map([...logs].map(([name, log]) => [name, log.length]));
const slices = [...slicesOf(logs, SLICE)];
const recorded = record();
const done: TelemetryPair[] = [];
// The first pair warms the code up and is not counted.
for (let pair = 0; pair <= pairs; pair += 1) {
  // Whoever goes second finds another heap: they take turns.
  const observedFirst = pair % 2 === 0;
  const first = await play(observedFirst, byCore);
  const second = await play(!observedFirst, byCore);
  const [bare, observed] = observedFirst ? [second, first] : [first, second];
  let [emptyUs, observingUs] = [0, 0];
  for (let round = 0; round < EMPTY_ROUNDS; round += 1) {
    emptyUs += (await play(false, byNobody)).us / EMPTY_ROUNDS;
    observingUs += (await play(true, byNobody)).us / EMPTY_ROUNDS;
  }
  if (pair > 0)
    done.push({
      ...{ bareUs: bare.us, observedUs: observed.us, emptyUs, observingUs },
      ...{ counted: observed.counted, samples: observed.samples },
    });
}
answer({ pairs: done });

/** What a round says and asks: commits, facts of each slice, and how many detectors see a fact. */
function record(): { commits: LaneCommit[]; facts: number[]; timed: number } {
  const commits: LaneCommit[] = [];
  const facts: number[] = [];
  let seen = 0;
  let timed = 0;
  let samples = 0;
  const meter: Meter = {
    due: () => {
      samples += 1;
      return true;
    },
    now: () => 0,
    took: () => {
      timed += 1;
    },
  };
  const pipeline = createPipeline({
    ...{ ...options, meter },
    onFact: () => {
      seen += 1;
    },
  });
  pipeline.assign(partitionLags(ends), 0);
  const read = new Map<string, number>();
  let nowMs = 0;
  for (const slice of slices) {
    const { name, next } = placeOf(slice, read);
    const before = seen;
    // The clock goes with the records: none of them comes from the future.
    nowMs = Math.max(nowMs, slice.at(-1)?.timestampMs ?? 0);
    pipeline.slice(slice, next, ends.get(name) ?? next, nowMs);
    facts.push(seen - before);
    if (facts.length % SLICES_PER_COMMIT !== 0) continue;
    const { counters, effects, ...rest } = pipeline.commit();
    pipeline.committed();
    commits.push({ ...rest, delta: null, pages: [], counters, effects });
  }
  return { commits, facts, timed: timed / Math.max(1, samples) };
}

function placeOf(slice: readonly Rec[], read: Map<string, number>): { name: string; next: number } {
  const name = `${slice[0]?.topic}/${slice[0]?.partition}`;
  const next = (read.get(name) ?? 0) + slice.length;
  read.set(name, next);
  return { name, next };
}

function byCore(meter: Meter | null): Work {
  const pipeline = createPipeline(meter === null ? options : { ...options, meter });
  pipeline.assign(partitionLags(ends), 0);
  let nowMs = 0;
  return {
    slice: (records, next, end) => {
      nowMs = Math.max(nowMs, records.at(-1)?.timestampMs ?? 0);
      pipeline.slice(records, next, end, nowMs);
    },
    commit: () => {
      const commit = pipeline.commit();
      pipeline.committed();
      return commit;
    },
  };
}

/** Asks the meter as often as the core would, and hands out the commits that it made. */
function byNobody(): Work {
  let [sliced, committed] = [0, 0];
  return {
    slice: (_records, _next, _end, meter) => {
      const facts = recorded.facts[sliced] ?? 0;
      sliced += 1;
      if (meter === null) return;
      for (let fact = 0; fact < facts; fact += 1) {
        if (!meter.due()) continue;
        for (let at = 0; at < recorded.timed; at += 1) {
          const began = meter.now();
          meter.took(`detector ${at}`, meter.now() - began);
        }
      }
    },
    commit: () => {
      committed += 1;
      return recorded.commits[committed - 1] ?? (recorded.commits[0] as LaneCommit);
    },
  };
}

async function play(
  isObserved: boolean,
  workOf: (meter: Meter | null) => Work,
): Promise<{ us: number; counted: number; samples: number }> {
  if (workOf === byCore) globalThis.gc?.();
  const telemetry = createTelemetry();
  const now = () => performance.now() / 1000;
  const meter = isObserved ? createMeter(telemetry, now, SAMPLE_EVERY) : null;
  const work = workOf(meter);
  const clock = { nowMs: () => Date.now(), sleep: async () => undefined };
  const sourceOf = (topic: string) => topic;
  const observing = { telemetry, standing: new Standing(0), clock, now, sourceOf, lane: 0 };
  const nothing: LaneStore = {
    claim: async () => ({
      ...{ watermarkMs: null, counters: {} },
      state: { positions: [], pages: [], deltas: [], seq: 0 },
    }),
    ...{ commit: async () => 'done', requests: async () => [] },
  };
  const store = isObserved ? observedStore(nothing, observing) : nothing;
  const started = Promise.withResolvers<LaneHandler>();
  const broker: Broker = {
    start: async (handler) => started.resolve(handler),
    ...{ pause: () => undefined, resume: () => undefined },
    ...{ lag: async () => [], stop: async () => undefined },
  };
  let sliced = 0;
  const own: LaneHandler = {
    assigned: async () => [],
    ...{ revoked: () => undefined, progress: () => undefined, failed: () => undefined },
    slice: async (records, { next = 0, end }) => {
      work.slice(records, next, end, meter);
      sliced += 1;
      if (sliced % SLICES_PER_COMMIT !== 0) return 'held';
      return await store.commit(work.commit());
    },
  };
  await (isObserved ? observedBroker(broker, observing) : broker).start(own);
  const handler = await started.promise;
  await handler.assigned(partitionLags(ends));
  const read = new Map<string, number>();
  const start = cpuUs();
  for (const slice of slices) {
    const { name, next } = placeOf(slice, read);
    const control = { heartbeat: async () => undefined, live: () => true };
    await handler.slice(slice, { ...control, next, end: ends.get(name) ?? next });
    if (isObserved && sliced % SCRAPE_EVERY === 0) await telemetry.text();
  }
  const us = cpuUs() - start;
  const text = await telemetry.text();
  const sum = (metric: string) =>
    [...text.matchAll(new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
      (total, [, value]) => total + Number(value),
      0,
    );
  await telemetry.close();
  const samples = sum('plumbline_detector_samples_total');
  return { us, counted: sum('plumbline_records_total'), samples };
}
