/** Rounds of rules from memory: CPU per event for each number of rules, alone and in the core. */
import { createHash } from 'node:crypto';
import { createSigmaStage, findingOf } from '../src/detect/sigma/stage.ts';
import type { Detector } from '../src/model/detector.ts';
import type { WireEvent } from '../src/model/event.ts';
import type { EventFact } from '../src/model/fact.ts';
import type { PipelineOptions } from '../src/pipeline/options.ts';
import { createPipeline } from '../src/pipeline.ts';
import { integer, stream } from '../src/simulation/random.ts';
import { answer, cpuUs, input } from './child.ts';
import { benchLane, partitionLags } from './lane.ts';
import { loadOf, type Vocabulary } from './rule-load.ts';
import {
  fleetEvents,
  fleetRecords,
  SEED,
  type Sent,
  SLICES_PER_COMMIT,
  slicesOf,
} from './workload.ts';

/** What to do. */
export interface RulesInput {
  readonly events: number;
  readonly rounds: number;
  /** Bytes that each event is filled up to. */
  readonly bytes: number;
  /** Numbers of rules beside those of the library. */
  readonly counts: readonly number[];
}

/** What was measured for one number of rules, µs of CPU a round. */
export interface RulesRow {
  /** Beside the library's. */
  readonly rules: number;
  /** Matching alone; the library's own rules are not among these. */
  readonly ruleUs: readonly number[];
  /** Making the findings of what matched, explanations included: µs each; null where nothing did. */
  readonly findingUs: number | null;
  /** Decode, correlate, detect and decide, with the library and these rules. */
  readonly coreUs: readonly number[];
  readonly compileMs: number;
  readonly matches: number;
  readonly heapMiB: number;
  /** Outcomes of equal rounds: must be 1. */
  readonly outcomes: number;
}

/** All of it. */
export interface RulesOutcome {
  readonly rows: readonly RulesRow[];
  readonly bytesPerEvent: number;
  readonly libraryRules: number;
  readonly libraryUs: readonly number[];
  readonly libraryDetectors: number;
}

/** Prose that a call carries among its arguments, in characters: the same to whoever speaks of it. */
const NOTE = 256;

const { events: wanted, rounds, bytes, counts } = input<RulesInput>();
const options = await benchLane();
const events = fleetEvents(wanted).map((event, at) => filled(event, at));
const logs = fleetRecords(events);
const ends = new Map([...logs].map(([name, log]) => [name, log.length]));
const slices = [...slicesOf(logs, 500)];
const facts: EventFact[] = [];
play({ ...options, baseline: { ...options.baseline, onEvent: (fact) => facts.push(fact) } });
const names = vocabularyOf(facts);
const quiet = () => undefined;
const rows: RulesRow[] = [];
for (const count of counts) rows.push(measure(loadOf(count, names)));
const own = options.detectors.filter(({ sigma }) => sigma !== null);
answer({
  rows,
  bytesPerEvent: events.reduce((sum, { value }) => sum + value.length, 0) / events.length,
  libraryRules: own.reduce((sum, { sigma }) => sum + (sigma?.rules.length ?? 0), 0),
  libraryUs: Array.from({ length: rounds + 1 }, () => alone(own).us).slice(1),
  libraryDetectors: options.detectors.length,
} satisfies RulesOutcome);

/**
 * The event filled up with prose. Arguments of a call are the same where it is announced, claimed and
 * made, or every call would contradict itself; what is missing then goes into its text or its result.
 */
function filled(sent: Sent, at: number): Sent {
  if (Buffer.byteLength(sent.value) + 24 >= bytes) return sent;
  const event = JSON.parse(sent.value) as Record<string, Record<string, unknown>> & WireEvent;
  const { action, reasoning } = event;
  for (const call of [...(reasoning?.intents ?? []), ...(reasoning?.claims ?? [])])
    if (call.args !== undefined) call.args = { ...call.args, note: prose(call.toolCallId, NOTE) };
  if (action?.args !== undefined)
    action.args = { ...action.args, note: prose(event.keys?.toolCallId, NOTE) };
  const missing = bytes - Buffer.byteLength(JSON.stringify(event)) - 24;
  const note = prose(String(at % 64), Math.max(0, missing));
  if (action !== undefined) action.result = note;
  else if (reasoning !== undefined) reasoning.text = `${reasoning.text ?? ''} ${note}`;
  else if (event.metric !== undefined) event.metric.attrs = { ...event.metric.attrs, note };
  else if (event.governance !== undefined) event.governance.actor = note.slice(0, 400);
  return { ...sent, value: JSON.stringify(event) };
}

function prose(seed: string | undefined, length: number): string {
  const random = stream(SEED, `prose ${seed ?? ''}`);
  const words =
    'the record of this customer was read and a note about it is kept for later use'.split(' ');
  let note = '';
  while (note.length < length) note += `${words[integer(random, 0, words.length - 1)]} `;
  return note.slice(0, length);
}

function vocabularyOf(seen: readonly EventFact[]): Vocabulary {
  const [tools, keys, metrics] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const { event } of seen) {
    if (event.action !== undefined) tools.add(event.action.tool);
    for (const key of Object.keys(event.action?.args ?? {})) keys.add(key);
    if (event.metric !== undefined) metrics.add(event.metric.name);
  }
  return { tools: [...tools], keys: [...keys], metrics: [...metrics] };
}

function measure(load: readonly Detector[]): RulesRow {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  const start = cpuUs();
  const first = alone(load);
  const compileMs = (cpuUs() - start - alone(load).us) / 1000;
  globalThis.gc?.();
  const after = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  const outcomes = new Set([first.outcome]);
  const ruleUs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const one = alone(load);
    ruleUs.push(one.us);
    outcomes.add(one.outcome);
  }
  const coreUs: number[] = [];
  const detectors = [...options.detectors, ...load];
  for (let round = 0; round <= rounds; round += 1) {
    globalThis.gc?.();
    coreUs.push(play({ ...options, detectors }));
  }
  return {
    rules: load.length,
    ruleUs,
    findingUs: findingsOf(load),
    coreUs: coreUs.slice(1),
    compileMs: Math.max(0, compileMs),
    matches: first.matches,
    heapMiB: (after - before) / 2 ** 20,
    outcomes: outcomes.size,
  };
}

/** The rules alone, over all events. */
function alone(load: readonly Detector[]): { us: number; matches: number; outcome: string } {
  const hash = createHash('sha256');
  let matches = 0;
  const start = cpuUs();
  const stage = createSigmaStage(load, options.correlate.inventory, quiet);
  for (const fact of facts)
    stage.see(fact, (hit) => {
      matches += 1;
      hash.update(`${hit.owned.detector.stem} ${fact.event.nativeId} `);
    });
  return { us: cpuUs() - start, matches, outcome: hash.digest('hex') };
}

/** What one finding costs beyond its match, µs. */
function findingsOf(load: readonly Detector[]): number | null {
  const stage = createSigmaStage(load, options.correlate.inventory, quiet);
  let made = 0;
  let us = 0;
  // The first pass compiles what explanations need.
  for (let pass = 0; pass < 2; pass += 1) {
    made = 0;
    us = 0;
    for (const fact of facts)
      stage.see(fact, (hit) => {
        const start = cpuUs();
        for (let n = 0; n < 20; n += 1) findingOf(hit);
        us += (cpuUs() - start) / 20;
        made += 1;
      });
  }
  return made === 0 ? null : us / made;
}

/** The core over all records; µs of CPU. */
function play(lane: PipelineOptions): number {
  const start = cpuUs();
  const pipeline = createPipeline(lane);
  pipeline.assign(partitionLags(ends), 0);
  const read = new Map<string, number>();
  let nowMs = 0;
  for (const [at, slice] of slices.entries()) {
    const [first] = slice;
    if (first === undefined) continue;
    const name = `${first.topic}/${first.partition}`;
    const next = (read.get(name) ?? 0) + slice.length;
    read.set(name, next);
    // The clock goes with the records: none of them comes from the future.
    nowMs = Math.max(nowMs, slice.at(-1)?.timestampMs ?? 0);
    pipeline.slice(slice, next, ends.get(name) ?? next, nowMs);
    if ((at + 1) % SLICES_PER_COMMIT !== 0) continue;
    pipeline.commit();
    pipeline.committed();
  }
  pipeline.drain();
  pipeline.commit();
  pipeline.committed();
  return cpuUs() - start;
}
