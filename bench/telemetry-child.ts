/** Rounds of the core from memory in pairs: as it is, and counted, timed and scraped. */
import { createTelemetry } from '../src/adapters/telemetry.ts';
import { observedBroker, observedStore } from '../src/commands/observed.ts';
import { createMeter } from '../src/commands/self.ts';
import { Standing } from '../src/commands/standing.ts';
import type { Broker, LaneHandler } from '../src/model/ports.ts';
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
  readonly scrapes: number;
  readonly samples: number;
}

const SLICE = 500;
/** Slices between two scrapes: 25,000 events, a second or two of work. Prometheus asks each 15 s. */
const SCRAPE_EVERY = 50;
const SAMPLE_EVERY = 509;

const { events, pairs } = input<TelemetryInput>();
const options = await benchLane();
const logs = fleetRecords(fleetEvents(events));
const ends = new Map([...logs].map(([name, log]) => [name, log.length]));
const slices = [...slicesOf(logs, SLICE)];
const done: TelemetryPair[] = [];
// The first pair warms the code up and is not counted.
for (let pair = 0; pair <= pairs; pair += 1) {
  // Whoever goes second finds another heap: they take turns.
  const first = await play(pair % 2 === 0);
  const second = await play(pair % 2 !== 0);
  const [bare, observed] = pair % 2 === 0 ? [second, first] : [first, second];
  if (pair > 0)
    done.push({
      ...{ bareUs: bare.us, observedUs: observed.us, counted: observed.counted },
      ...{ scrapes: observed.scrapes, samples: observed.samples },
    });
}
answer({ pairs: done });

async function play(
  isObserved: boolean,
): Promise<{ us: number; counted: number; scrapes: number; samples: number }> {
  globalThis.gc?.();
  const telemetry = createTelemetry();
  const now = () => performance.now() / 1000;
  const meter = createMeter(telemetry, now, SAMPLE_EVERY);
  const pipeline = createPipeline(isObserved ? { ...options, meter } : options);
  const clock = { nowMs: () => 0, sleep: async () => undefined };
  const standing = new Standing(0);
  const observing = { telemetry, standing, clock, now, sourceOf: (topic: string) => topic };
  const nothing: LaneStore = {
    claim: async () => ({
      ...{ watermarkMs: null, counters: {} },
      state: { positions: [], pages: [], deltas: [], seq: 0 },
    }),
    commit: async () => 'done',
    requests: async () => [],
  };
  const store = isObserved ? observedStore(nothing, observing) : nothing;
  const { promise, resolve } = Promise.withResolvers<LaneHandler>();
  const broker: Broker = {
    start: async (handler) => resolve(handler),
    ...{ pause: () => undefined, resume: () => undefined },
    ...{ lag: async () => [], stop: async () => undefined },
  };
  let sliced = 0;
  const own: LaneHandler = {
    assigned: async (lags) => pipeline.assign(lags, 0),
    ...{ revoked: () => undefined, progress: () => undefined, failed: () => undefined },
    slice: async (records, control) => {
      pipeline.slice(records, control.next ?? 0, control.end, 0);
      sliced += 1;
      if (sliced % SLICES_PER_COMMIT !== 0) return 'held';
      const outcome = await store.commit(pipeline.commit());
      pipeline.committed();
      return outcome;
    },
  };
  await (isObserved ? observedBroker(broker, observing) : broker).start(own);
  const handler = await promise;
  await handler.assigned(partitionLags(ends));
  const read = new Map<string, number>();
  let scrapes = 0;
  const start = cpuUs();
  for (const slice of slices) {
    const [head] = slice;
    if (head === undefined) continue;
    const name = `${head.topic}/${head.partition}`;
    const next = (read.get(name) ?? 0) + slice.length;
    read.set(name, next);
    const control = { heartbeat: async () => undefined, live: () => true };
    await handler.slice(slice, { ...control, next, end: ends.get(name) ?? next });
    if (!isObserved || sliced % SCRAPE_EVERY !== 0) continue;
    await telemetry.text();
    scrapes += 1;
  }
  const us = cpuUs() - start;
  pipeline.drain();
  pipeline.commit();
  const text = await telemetry.text();
  const sum = (metric: string) =>
    [...text.matchAll(new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
      (total, [, value]) => total + Number(value),
      0,
    );
  const samples = sum('plumbline_detector_samples_total');
  return { us, counted: sum('plumbline_records_total'), scrapes, samples };
}
