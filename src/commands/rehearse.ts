/** Rehearsal: one folder through the same core as the daemon, with fresh state and no hands. */
import { systemClock } from '../adapters/clock.ts';
import { createJsonlBroker } from '../adapters/jsonl.ts';
import type { ControlPlan } from '../decide/chain.ts';
import type { SourceConfig } from '../model/config/source.ts';
import type { Config } from '../model/config.ts';
import { type Decision, VERBS } from '../model/decision.ts';
import type { CoverageGap, Detection, Maturity } from '../model/detection.ts';
import { noEffects } from '../model/effects.ts';
import { OperatingError } from '../model/errors.ts';
import type { Event, EvidenceLevel } from '../model/event.ts';
import type { Fact } from '../model/fact.ts';
import type { Broker, Clock, Log } from '../model/ports.ts';
import { createObserver, type LaneStore } from '../observer.ts';
import type { BaselineOptions } from '../pipeline/options.ts';
import { createPipeline } from '../pipeline.ts';
import type { Decode } from '../source/source.ts';
import { problemLines } from './config.ts';
import { isTold } from './findings.ts';
import { laneOptions } from './lane.ts';
import type { Library } from './library.ts';
import { sourcesIn } from './sniff.ts';

/** What came out. */
export interface Rehearsed {
  readonly sessions: ReadonlyMap<string, string>;
  /** Standing detections: retracted ones are left out, blind books added. */
  readonly detections: readonly Detection[];
  /** Detections that reached nobody: of detectors in shadow, or excused by an exception. */
  readonly silent: readonly Detection[];
  readonly decisions: readonly Decision[];
  readonly coverage: readonly CoverageGap[];
  readonly counters: Readonly<Record<string, number>>;
  /** How far event time was followed, ms; null: there was no record with a time. */
  readonly untilMs: number | null;
  /** First few records that could not be read, for people. */
  readonly deadLetters: readonly string[];
  /** Detections beyond `detectionsMax`, by detector: counted and not kept. */
  readonly unkept: Readonly<Record<string, number>>;
}

/** Where records come from, where that is no folder of files. */
export interface Feed {
  readonly sources: readonly SourceConfig[];
  /** Where the sources' own decoders are not to be used. */
  readonly decode?: Decode;
  /** A broker that delivers all there is and then says that it is finished. */
  open(parts: { readonly clock: Clock; readonly log: Log }): Broker & {
    readonly finished: Promise<void>;
  };
}

/** What is rehearsed. */
export interface RehearsalInput {
  readonly dir: string;
  readonly library: Library;
  /** Sources to use where the folder has their files; else the four streams are looked for. */
  readonly config: Config | null;
  readonly evidence: EvidenceLevel;
  readonly log: Log;
  readonly progress: (records: number) => void;
  /** What behaviour is judged by, and who is told of it. Default: nothing. */
  readonly baseline?: BaselineOptions;
  /** Instead of the files of `dir`, which then only names what is read. */
  readonly feed?: Feed;
  /** Maturity by stem, or `hard` for that class. Default: hard evidence may ask for actions. */
  readonly maturity?: Readonly<Record<string, Maturity>>;
  /** Told of every event that is decoded, and of every fact that is put before detectors. */
  readonly onEvent?: (event: Event) => void;
  readonly onFact?: (fact: Fact) => void;
  /** Detections kept of each detector. Default: all. */
  readonly detectionsMax?: number;
  /** Ends it early; it then rejects. */
  readonly signal?: AbortSignal;
}

/** Everything could be done, by nobody in particular. */
const REHEARSED: ControlPlan = {
  chains: new Map(VERBS.map((verb) => [verb, ['rehearsal']])),
  approvals: new Map(),
};

/** Runs a folder from beginning to end. Every call starts with fresh state, watermark and clock. */
export async function rehearse(input: RehearsalInput): Promise<Rehearsed> {
  const feed = input.feed ?? (await folderFeed(input));
  const { sources } = feed;
  const config: Config = {
    ...(input.config ?? {}),
    sources: [...sources],
    detectors: { ...input.config?.detectors, maturity: input.maturity ?? { hard: 'enforce' } },
    // The brakes of the whole fleet would hide what each session by itself would have led to.
    guardrails: {
      ...input.config?.guardrails,
      ...{ breakerFleetShare: 1, breakerRoleShare: 1, agentPerHour: 1e6, fleetPerMinute: 1e6 },
    },
  };
  const lane = laneOptions(config, input.library, {
    file: input.dir,
    digestKey: 'rehearsal',
    control: REHEARSED,
    mode: 'autonomous',
    ...(input.baseline === undefined ? {} : { baseline: input.baseline }),
  });
  if (lane.problems.length > 0)
    throw new OperatingError('CONFIG_INVALID', problemLines(lane.problems).join('\n'), {
      retryable: false,
    });
  const { store, result } = collector(input.detectionsMax ?? Number.POSITIVE_INFINITY);
  const sessions = new Map<string, string>();
  const noted = noting(feed.decode ?? lane.options.decode, sessions, input.evidence);
  const decode = input.onEvent === undefined ? noted : telling(noted, input.onEvent);
  const clock = stoppedClock();
  const broker = feed.open({ clock, log: input.log });
  // What was read to its end brings nothing more. The clock stands still, so waiting would never end:
  // one short file would hold back the watermark until the buffer is full, and then everything.
  const timings = lane.options.timings.map((timing) => ({ ...timing, idleAfterMs: 0 }));
  const told = input.onFact === undefined ? {} : { onFact: input.onFact };
  let shown = 0;
  const observer = createObserver(
    {
      broker,
      store,
      pipeline: () => createPipeline({ ...lane.options, ...told, timings, decode }),
      actor: null,
      clock,
      log: input.log,
    },
    {
      untilCaughtUp: true,
      finished: broker.finished,
      onCommit: ({ counters }) => {
        const records = counters['records'] ?? 0;
        if (records - shown < 10_000) return;
        shown = records;
        input.progress(records);
      },
    },
  );
  const signal = input.signal ?? new AbortController().signal;
  await observer.run(signal);
  // What was read of it so far must not pass for the whole.
  if (signal.aborted)
    throw new OperatingError('SOURCE_UNREADABLE', `${input.dir}: stopped before its end`, {
      retryable: true,
    });
  return { sessions, ...result() };
}

/** The files of the folder. */
async function folderFeed({ dir, library, config }: RehearsalInput): Promise<Feed> {
  const sources = await sourcesIn(dir, library, config);
  const topics = sources.map(({ topic }) => topic);
  return {
    sources,
    open: ({ clock, log }) => createJsonlBroker({ path: dir, topics, follow: false, log, clock }),
  };
}

function telling(decode: Decode, onEvent: (event: Event) => void): Decode {
  return (record) => {
    const decoded = decode(record);
    for (const event of decoded.events) onEvent(event);
    return decoded;
  };
}

/** Notes every session, and withholds what the evidence level does not have. */
function noting(decode: Decode, sessions: Map<string, string>, level: EvidenceLevel): Decode {
  return (record) => {
    const decoded = decode(record);
    for (const event of decoded.events)
      if (event.session !== undefined && !sessions.has(event.session.id))
        sessions.set(event.session.id, event.agent?.id ?? '');
    if (level === 'L3') return decoded;
    return { ...decoded, events: decoded.events.map((event) => withhold(event, level)) };
  };
}

/** L2: no result bodies, error texts or reasoning text; below L2 also no mandate; L0: no arguments. */
function withhold(event: Event, level: EvidenceLevel): Event {
  const lesser = { ...event };
  if (lesser.action !== undefined) {
    const { result: _result, reason: _reason, ...rest } = lesser.action;
    lesser.action = rest;
    if (level === 'L0') delete lesser.action.args;
  }
  if (lesser.reasoning !== undefined) {
    const { text: _text, ...rest } = lesser.reasoning;
    lesser.reasoning = rest;
    if (level !== 'L2') delete lesser.reasoning.mandate;
    if (level === 'L0')
      lesser.reasoning.intents = lesser.reasoning.intents.map(({ args: _args, ...call }) => call);
  }
  return lesser;
}

/** A clock that stands still: recorded history is judged in its own time. */
function stoppedClock(): Clock {
  const startMs = systemClock.nowMs();
  return { nowMs: () => startMs, sleep: systemClock.sleep };
}

/** A lane store that keeps what comes out and nothing else. */
function collector(detectionsMax: number): {
  store: LaneStore;
  result: () => Omit<Rehearsed, 'sessions'>;
} {
  const all = noEffects();
  const kept = new Map<string, number>();
  const unkept: Record<string, number> = {};
  let counters: Readonly<Record<string, number>> = {};
  let untilMs: number | null = null;
  const store: LaneStore = {
    claim: async () => ({
      state: { positions: [], pages: [], deltas: [], seq: 0 },
      watermarkMs: null,
      counters: {},
    }),
    commit: async (commit) => {
      counters = commit.counters;
      untilMs = commit.watermarkMs < 0 ? null : commit.watermarkMs;
      const { detections, amendments, decisions, coverage, deadLetters } = commit.effects;
      for (const detection of detections) {
        const { detector } = detection;
        const known = kept.get(detector) ?? 0;
        if (known >= detectionsMax) unkept[detector] = (unkept[detector] ?? 0) + 1;
        else {
          all.detections.push(detection);
          kept.set(detector, known + 1);
        }
      }
      all.amendments.push(...amendments);
      all.decisions.push(...decisions);
      all.coverage.push(...coverage);
      for (const letter of deadLetters)
        if (all.deadLetters.length < 5) all.deadLetters.push(letter);
      return 'done';
    },
    requests: async () => [],
  };
  const result = () => {
    const gaps = new Map(all.coverage.map((gap) => [gap.id, gap]));
    const letters = all.deadLetters.map(
      ({ position, reason, detail }) =>
        `${position.topic}@${position.offset}: ${reason}: ${detail}`,
    );
    const standing = amended(all.detections, all.amendments);
    return {
      detections: standing.filter(isTold),
      silent: standing.filter((one) => !isTold(one)),
      decisions: all.decisions,
      coverage: [...gaps.values()],
      counters,
      untilMs,
      deadLetters: letters,
      unkept,
    };
  };
  return { store, result };
}

function amended(
  detections: readonly Detection[],
  amendments: ReturnType<typeof noEffects>['amendments'],
): Detection[] {
  const retracted = new Set<string>();
  const blind = new Map<string, Set<Detection['blind'][number]>>();
  for (const amendment of amendments)
    if (amendment.type === 'retracted') retracted.add(amendment.detectionId);
    else {
      const key = `${amendment.tenant} ${amendment.session}`;
      const books = blind.get(key) ?? new Set();
      blind.set(key, books.add(amendment.source));
    }
  return detections
    .filter(({ id }) => !retracted.has(id))
    .map((detection) => {
      const books = blind.get(`${detection.entity.tenant} ${detection.entity.session}`);
      return books === undefined
        ? detection
        : { ...detection, blind: [...new Set([...detection.blind, ...books])] };
    });
}
