/** One round of the core from memory: CPU per event of decode, fold and detect, and commit. */
import { createHash } from 'node:crypto';
import { createPipeline } from '../src/pipeline.ts';
import type { Decoded } from '../src/source/source.ts';
import { answer, cpuUs, input } from './child.ts';
import { benchLane, partitionLags } from './lane.ts';
import { fleetEvents, fleetRecords, SLICES_PER_COMMIT, slicesOf } from './workload.ts';

/** What to do. */
export interface CoreInput {
  readonly events: number;
  readonly rounds: number;
}

/** What one round cost. */
export interface CoreRound {
  readonly decodeUs: number;
  readonly foldUs: number;
  readonly commitUs: number;
  readonly commits: number;
  readonly deltaBytes: number;
  readonly pageBytes: number;
  readonly detections: number;
  /** Hash over everything that came out: equal in every round. */
  readonly outcome: string;
}

const SLICE = 500;

const { events, rounds } = input<CoreInput>();
const options = await benchLane();
const logs = fleetRecords(fleetEvents(events));
const ends = new Map([...logs].map(([name, log]) => [name, log.length]));
const slices = [...slicesOf(logs, SLICE)];
const done: CoreRound[] = [];
for (let round = 0; round < rounds; round += 1) {
  globalThis.gc?.();
  done.push(play());
}
answer({ rounds: done });

function play(): CoreRound {
  let decoded: Decoded[] = [];
  let at = 0;
  const take = (): Decoded => {
    const one = decoded[at] as Decoded;
    at += 1;
    return one;
  };
  const pipeline = createPipeline({ ...options, decode: take });
  pipeline.assign(partitionLags(ends), 0);
  const outcome = createHash('sha256');
  const cost = { decodeUs: 0, foldUs: 0, commitUs: 0 };
  const sizes = { commits: 0, deltaBytes: 0, pageBytes: 0, detections: 0 };
  const read = new Map<string, number>();
  let sliced = 0;
  let nowMs = 0;
  const commit = () => {
    const start = cpuUs();
    const made = pipeline.commit();
    pipeline.committed();
    cost.commitUs += cpuUs() - start;
    sizes.commits += 1;
    sizes.deltaBytes += made.delta?.length ?? 0;
    for (const page of made.pages) sizes.pageBytes += page.bytes.length;
    sizes.detections += made.effects.detections.length;
    for (const { id } of made.effects.detections) outcome.update(id);
    for (const { id } of made.effects.decisions) outcome.update(id);
    for (const { code, subject } of made.effects.notices) outcome.update(`${code} ${subject}`);
  };
  for (const slice of slices) {
    const first = slice[0];
    if (first === undefined) continue;
    const start = cpuUs();
    decoded = slice.map(options.decode);
    at = 0;
    const between = cpuUs();
    const name = `${first.topic}/${first.partition}`;
    const next = (read.get(name) ?? 0) + slice.length;
    read.set(name, next);
    // The clock goes with the records: none of them comes from the future.
    nowMs = Math.max(nowMs, slice.at(-1)?.timestampMs ?? 0);
    pipeline.slice(slice, next, ends.get(name) ?? next, nowMs);
    const after = cpuUs();
    cost.decodeUs += between - start;
    cost.foldUs += after - between;
    sliced += 1;
    if (sliced % SLICES_PER_COMMIT === 0) commit();
  }
  const start = cpuUs();
  pipeline.drain();
  cost.foldUs += cpuUs() - start;
  commit();
  outcome.update(JSON.stringify(pipeline.counters()));
  return { ...cost, ...sizes, outcome: outcome.digest('hex') };
}
