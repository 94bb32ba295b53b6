/** Changes of the scale-out benchmark: members join, stop and die while a fixed load is played. */
import { setTimeout as sleep } from 'node:timers/promises';
import { readAlone } from './scale-out-drain.ts';
import { type Addressed, eventsOf, type Fleets, openLog, play, record } from './scale-out-load.ts';
import { assertSame, type Ground, type Outcome, ScaleRun } from './scale-out-run.ts';
import { LaneWatch, type Pauses, type Stretch } from './scale-out-watch.ts';

/** What happens to the fleet of members. */
export interface Change {
  readonly what: string;
  readonly join: number;
  readonly lose: 'SIGTERM' | 'SIGKILL' | null;
}

/** The changes of the whole workload: 1 → 2 → 4 → 2. */
export const CHANGES: readonly Change[] = [
  { what: 'one joins (1 → 2)', join: 1, lose: null },
  { what: 'two join (2 → 4)', join: 2, lose: null },
  { what: 'one is told to stop (4 → 3)', join: 0, lose: 'SIGTERM' },
  { what: 'one is killed (3 → 2)', join: 0, lose: 'SIGKILL' },
];
/** Those of a smoke run. */
export const FEW_CHANGES: readonly Change[] = [
  { what: 'one joins (1 → 2)', join: 1, lose: null },
  { what: 'one is killed (2 → 1)', join: 0, lose: 'SIGKILL' },
];

/** A change and what came of it. */
export interface Changed {
  readonly what: string;
  readonly pauses: Pauses;
  /** The most the slowest lane was behind after it, and in the calm before the first change, records. */
  readonly behindMost: number;
  readonly behindCalm: number;
  /** Until it was behind no further than half as much again as in the calm, ms; null: not before the next. */
  readonly settledMs: number | null;
}

/** A stretch at the end of which nothing had happened for long. */
export interface Calm {
  readonly members: number;
  readonly pauses: Pauses;
  readonly events: number;
  readonly cpuMs: number;
}

/** All of it. */
export interface Played {
  readonly rate: number;
  readonly events: number;
  readonly detections: number;
  readonly changed: readonly Changed[];
  readonly calm: readonly Calm[];
}

/** How it is played. */
export interface PlayOptions extends Fleets {
  readonly changes: readonly Change[];
  /** Between two changes, ms. */
  readonly everyMs: number;
  /** Event time that is recorded before the first member starts, ms: a fleet at work, not one that begins. */
  readonly historyMs: number;
}

/** A stretch counts as calm in so much of it, at its end. */
const CALM_SHARE = 1 / 3;

/** Plays it, then has one member alone read the same; throws where the two differ. */
export async function playChanges(options: PlayOptions, ground: Ground, prefix: string) {
  const log = await openLog(ground.brokers, prefix);
  const run = await ScaleRun.open('changing', prefix, ground);
  let played: Omit<Played, 'detections'>;
  let outcome: Outcome;
  try {
    const events = eventsOf(options);
    const startMs = { now: Number.NaN };
    const history = await record(log, events, ({ atMs }, count) => {
      if (count === 0) startMs.now = atMs;
      return atMs < startMs.now + options.historyMs;
    });
    await run.join(1);
    await run.read(log.ends());
    const playing = (next: Addressed, forMs: number) => play(log, events, next, forMs);
    played = await changing(options, run, { ...history, byLane: log.byLane() }, playing);
    await run.read(log.ends());
    await run.stopAll();
    run.check();
    outcome = await run.outcome();
  } catch (cause) {
    throw new Error(`changing: ${cause}\n${await run.logTail()}`, { cause });
  } finally {
    await log.close();
    await run.close();
  }
  const expected = await readAlone('changing-alone', prefix, ground);
  assertSame('what members that came and went found', expected, outcome);
  return { ...played, detections: Object.keys(expected['detections'] ?? {}).length };
}

type Play = (next: Addressed, forMs: number) => ReturnType<typeof play>;

async function changing(
  { changes, everyMs, rate }: PlayOptions,
  run: ScaleRun,
  history: {
    readonly events: number;
    readonly next: Addressed;
    readonly byLane: readonly number[];
  },
  begin: Play,
): Promise<Omit<Played, 'detections'>> {
  const calmMs = everyMs * CALM_SHARE;
  const playing = begin(history.next, (changes.length + 1) * everyMs);
  // A lane without a tenant is told how far sources go, and records that when it has time.
  const busy = new Set(history.byLane.flatMap((count, lane) => (count > 0 ? lane : [])));
  const watch = new LaneWatch(run, busy, () => history.events + playing.due());
  const marks: { what: string; ms: number }[] = [];
  const calm: (Omit<Calm, 'pauses'> & { stretch: Stretch })[] = [];
  const rest = async (): Promise<void> => {
    await sleep(everyMs - calmMs);
    const [fromMs, events, cpu] = [Date.now(), playing.due(), run.cpu().members];
    await sleep(calmMs);
    run.check();
    calm.push({
      ...{ members: run.members.length, stretch: { fromMs, toMs: Date.now() } },
      ...{ events: playing.due() - events, cpuMs: run.cpu().members - cpu },
    });
  };
  const leaving: Promise<void>[] = [];
  await rest();
  for (const { what, join, lose } of changes) {
    marks.push({ what, ms: Date.now() });
    await run.join(join);
    // The oldest stays: it has been through everything.
    const last = run.members.at(-1);
    if (lose !== null && last !== undefined) leaving.push(run.lose(last, lose));
    await rest();
  }
  const endMs = Date.now();
  await Promise.all(leaving);
  const events = await playing.ended;
  await watch.stop();
  const firstMs = marks[0]?.ms ?? endMs;
  // Of the first calm, before anything happened: what follows may not have come to rest.
  const behindCalm = watch.most({ fromMs: firstMs - calmMs, toMs: firstMs });
  const changed = marks.map(({ what, ms }, at): Changed => {
    const stretch = { fromMs: ms, toMs: marks[at + 1]?.ms ?? endMs };
    return {
      ...{ what, pauses: watch.pauses(stretch), behindMost: watch.most(stretch), behindCalm },
      settledMs: watch.settled(stretch, behindCalm * 1.5),
    };
  });
  return {
    ...{ rate, events: history.events + events, changed },
    calm: calm.map(({ stretch, ...one }) => ({ ...one, pauses: watch.pauses(stretch) })),
  };
}
