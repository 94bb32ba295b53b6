/** Runs a detector's case: as written, and in every way in which the answer must not change. */

import { forceOf } from '../../src/commands/baseline-force.ts';
import type { DetectorCase, Expected, Labelled } from '../../src/commands/case-file.ts';
import { canonicalJson } from '../../src/model/canonical-json.ts';
import type { Detection } from '../../src/model/detection.ts';
import type { Detector } from '../../src/model/detector.ts';
import { KINDS, type Kind } from '../../src/model/event.ts';
import type { Inventory } from '../../src/model/expectation.ts';
import { eventId } from '../../src/model/ids.ts';
import type { BaselineOptions, PipelineOptions } from '../../src/pipeline/options.ts';
import { integer, type Random, stream } from '../../src/simulation/random.ts';
import { encodeEvent } from '../../src/source/canonical.ts';
import { type Lane, openLane, readInOrder } from '../sim/lane.ts';
import { LATENESS_MS, laneOptions } from '../sim/lane-options.ts';
import { createLaneStore, type LaneStore } from '../sim/lane-store.ts';
import { createMemoryLog, type MemoryLog } from '../sim/memory-log.ts';
import { SCRIBE_PLAN, scribeProfile } from '../sim/profile.ts';
import { DESK_LEVELS } from './levels.ts';

/** What a case is run with. */
export interface CaseRun {
  readonly detectors: readonly Detector[];
  readonly inventory: Inventory;
}

/** A case that is ready to be run again and again. */
export interface Runner {
  readonly options: PipelineOptions;
  readonly events: readonly Labelled[];
  /** Where the log of each book begins. */
  readonly begins?: DetectorCase['begins'];
}

const NOW_MS = 2_100_000_000_000;

/** What every case is judged by; made once, for it depends on nothing that a case says. */
let baseline: BaselineOptions | undefined;

/** Prepares a case. Its own library goes before the inventory. */
export function prepare(one: DetectorCase, run: CaseRun): Runner {
  const own = new Map(one.library.map((facts) => [facts.tool, facts]));
  const inventory: Inventory = {
    ...run.inventory,
    ...(one.zone === null ? {} : { zone: one.zone }),
    tool: (name) => own.get(name) ?? run.inventory.tool(name),
  };
  baseline ??= forceOf([scribeProfile()], { plans: SCRIBE_PLAN });
  const options = laneOptions({
    detectors: run.detectors,
    ...{ inventory, baseline, levels: DESK_LEVELS, correlate: one.bounds },
  });
  return { options, events: one.events, begins: one.begins };
}

function logOf({ begins }: Runner, events: readonly Labelled[]): MemoryLog {
  const log = createMemoryLog(({ topic }) => begins?.[topic as Kind] ?? 0);
  for (const { event, receivedMs, raw } of events)
    log.append({
      topic: event.kind,
      partition: 0,
      value: raw ?? encodeEvent(event),
      timestampMs: receivedMs,
    });
  return log;
}

function open(runner: Runner, log: MemoryLog): { lane: Lane; store: LaneStore } {
  const store = createLaneStore();
  return { store, lane: openLane(log, store, runner.options, NOW_MS) };
}

/** In the order of time, one record a slice. */
export function runPlain(runner: Runner): LaneStore {
  const log = logOf(runner, runner.events);
  const { lane, store } = open(runner, log);
  readInOrder(lane, log);
  return store;
}

/** Reads in an order of the seed, in slices of `most` records, and commits after each. */
function readAnyhow(lane: Lane, random: Random, most: number): void {
  for (let waiting = lane.waiting(); waiting.length > 0; waiting = lane.waiting()) {
    const at = waiting[integer(random, 0, waiting.length - 1)];
    if (at !== undefined) lane.read(at, most);
    lane.commit();
  }
  lane.drain();
}

/** Arrival shuffled, by up to the lateness a source may have. */
export function runShuffled(runner: Runner, seed: number): LaneStore {
  const random = stream(seed, 'shuffle');
  const arrivals = runner.events
    .map((each) => ({ each, at: each.ms + integer(random, 0, LATENESS_MS) }))
    .sort((a, b) => a.at - b.at);
  const { lane, store } = open(
    runner,
    logOf(
      runner,
      arrivals.map(({ each }) => each),
    ),
  );
  readAnyhow(lane, random, 3);
  return store;
}

/** Every record twice, the second some records later. */
export function runDuplicated(runner: Runner): LaneStore {
  const twice = runner.events.flatMap((each, at) => {
    const before = runner.events[at - 2];
    return before === undefined ? [each] : [each, before];
  });
  const log = logOf(runner, [...twice, ...runner.events.slice(-2)]);
  const { lane, store } = open(runner, log);
  for (const at of log.partitions()) while (lane.offset(at) < at.end) lane.read(at, 1);
  lane.drain();
  return store;
}

/** Cut into slices of `most` records. */
export function runSliced(runner: Runner, most: number): LaneStore {
  const { lane, store } = open(runner, logOf(runner, runner.events));
  readAnyhow(lane, stream(most, 'slices'), most);
  return store;
}

/** The process dies after `step` slices, once without and once with its last commit. */
export function runCrashed(runner: Runner, step: number): LaneStore {
  const log = logOf(runner, runner.events);
  const { lane, store } = open(runner, log);
  const random = stream(step, 'crash');
  for (let done = 0; ; done += 1) {
    const waiting = lane.waiting();
    const at = waiting[integer(random, 0, Math.max(0, waiting.length - 1))];
    if (at === undefined) break;
    lane.read(at, 1);
    if (done === step) lane.crash();
    else if (done % 3 === 0) lane.commit();
    if (done === step + 1) {
      lane.commit();
      lane.crash();
    }
  }
  lane.crash();
  readInOrder(lane, log);
  return store;
}

/**
 * A source is not there at all. Nobody waits for governance and metrics unless their configuration
 * says how often they speak; here it does.
 */
export function runWithout(runner: Runner, kind: Kind): LaneStore {
  const events = runner.events.filter(({ event }) => event.kind !== kind);
  const { correlate } = laneOptions({ expectEvery: { [kind]: '5m' } });
  const isLookedUp = kind === 'metrics' || kind === 'governance';
  const books = isLookedUp ? correlate.books : runner.options.correlate.books;
  const options = {
    ...runner.options,
    correlate: { ...runner.options.correlate, books },
  };
  return runPlain({ ...runner, options, events });
}

/** Everything that must be the same however the records came: findings, decisions, intentions. */
export function verdictOf(store: LaneStore): string[] {
  const detections = [...store.detections.values()].map((each) => {
    const witnesses = each.witnesses.map(({ position: _position, ...rest }) => rest);
    return canonicalJson({ ...each, witnesses });
  });
  const decisions = [...store.decisions.values()].map(canonicalJson);
  const intentions = [...store.intentions.values()].map(canonicalJson);
  const amendments = store.amendments.map(canonicalJson);
  const coverage = [...store.coverage.values()].map(canonicalJson);
  const seen = [...store.cases.values(), ...store.chains.values(), ...store.announcements.values()];
  const people = [...seen.map(canonicalJson), ...store.members];
  const units = [...store.units].map(([role, n]) => `${role}: ${n} sessions closed`);
  const acts = [...decisions, ...intentions, ...amendments, ...coverage];
  return [...detections, ...acts, ...people, ...units].sort();
}

/** Labels by the id of their event. */
function labelsOf(runner: Runner): Map<string, string> {
  const labels = new Map<string, string>();
  for (const { label, ms, event } of runner.events) {
    const value = Buffer.from(encodeEvent(event));
    const rec = { topic: event.kind, partition: 0, offset: 0, timestampMs: ms, key: null, value };
    for (const decoded of runner.options.decode(rec).events) labels.set(eventId(decoded), label);
  }
  return labels;
}

/** Records of the case that could not be read; a case is to be free of them. */
export function unreadable(store: LaneStore): string[] {
  return store.deadLetters.map(({ reason, detail }) => `${reason}: ${detail}`);
}

function described(detection: Detection, labels: ReadonlyMap<string, string>): Required<Expected> {
  const { detector, entity, seq, tool, witnesses } = detection;
  return {
    detector,
    agent: entity.agent,
    session: entity.session,
    seq,
    tool,
    evidence: witnesses.map(({ eventId: id }) => labels.get(id) ?? 'unknown').sort(),
  };
}

/** Detections beside the expectations, cut to the keys each expectation names. */
export function compare(
  runner: Runner,
  store: LaneStore,
  expect: readonly Expected[],
): { readonly found: Expected[]; readonly wanted: Expected[] } {
  const labels = labelsOf(runner);
  const rest = [...store.detections.values()].map((each) => described(each, labels));
  const found: Expected[] = [];
  const wanted = expect.map((each) =>
    each.evidence === undefined ? each : { ...each, evidence: [...each.evidence].sort() },
  );
  for (const want of wanted) {
    const cut = (each: Required<Expected>) =>
      Object.fromEntries(
        Object.keys(want).map((key) => [key, each[key as keyof Expected]]),
      ) as unknown as Expected;
    const at = rest.findIndex((each) => canonicalJson(cut(each)) === canonicalJson(want));
    const near = at >= 0 ? at : rest.findIndex(({ detector }) => detector === want.detector);
    const [taken] = near >= 0 ? rest.splice(near, 1) : [];
    if (taken !== undefined) found.push(cut(taken));
  }
  return { found: [...found, ...rest], wanted };
}

/** Was anything said, where a source was withheld: a finding, a blind book, a question left open? */
export function saidAnything(store: LaneStore): string | null {
  if (store.detections.size > 0) return 'fired';
  if (store.coverage.size > 0) return 'blind';
  if ((store.counters['undecided'] ?? 0) > 0) return 'undecided';
  const owned = store.notices.find(({ code }) =>
    ['agent.uninstrumented', 'agent.grants-unknown', 'source.blind'].includes(code),
  );
  return owned?.code ?? null;
}

/** Books a detector names that can be withheld. */
export function needed(detector: Detector): readonly Kind[] {
  return KINDS.filter((kind) => detector.needs.sources.includes(kind));
}
