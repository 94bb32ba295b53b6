/** Storm: members join, leave, die, stall, and lose the database, by a seed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { integer, pick, type Random, stream } from '../../../src/simulation/random.ts';
import type { MemberProcess, Stage } from './stage.ts';

/** What happened. */
export interface Stormed {
  readonly joined: number;
  readonly killed: number;
  readonly stopped: number;
  /** Stood still for longer than the session: went on as one that is no member any more. */
  readonly stalled: number;
  /** Times all connections to the database were cut, some in the middle of a commit. */
  readonly cut: number;
  /** Ended by themselves, with a code: fenced too often, or told so by the broker. */
  readonly gaveUp: readonly string[];
  readonly tookMs: number;
}

/** How it blows. */
export interface StormOptions {
  readonly seed: string;
  readonly most: number;
  /** Between two events, ms. */
  readonly everyMs: readonly [number, number];
  /** Above the session time-out, ms. */
  readonly stallMs: number;
  /** What was read so far, as it is recorded: the next event waits until it has grown, for a while. */
  readonly progress: () => Promise<number>;
  /** Everything that was written was read, by all lanes. */
  readonly isDone: () => Promise<boolean>;
  readonly limitMs: number;
}

const PATIENCE_MS = 30_000;
/** Apart by less than a step takes, so that commits are hit. */
const CUTS = 12;
const CUT_EVERY_MS = 40;

/** Lets it blow until everything is read; then tells all members to stop. Rejects beyond the limit. */
export async function storm(stage: Stage, options: StormOptions): Promise<Stormed> {
  const random = stream(options.seed, 'storm');
  const alive = new Set<MemberProcess>();
  const stalled = new Set<MemberProcess>();
  const counts = { joined: 0, killed: 0, stopped: 0, stalled: 0, cut: 0 };
  const gaveUp: string[] = [];
  const startedMs = Date.now();
  const join = async (): Promise<void> => {
    const member = await stage.start(false);
    alive.add(member);
    counts.joined += 1;
    void member.ended.then(({ code, signal }) => {
      const wasAlive = alive.delete(member);
      stalled.delete(member);
      if (wasAlive) gaveUp.push(`${member.name}: ${code ?? signal}`);
    });
  };
  const lose = async (member: MemberProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    alive.delete(member);
    stalled.delete(member);
    member.child.kill(signal);
    await member.ended;
  };
  const stall = (member: MemberProcess): void => {
    stalled.add(member);
    counts.stalled += 1;
    member.child.kill('SIGSTOP');
    void sleep(options.stallMs).then(() => {
      stalled.delete(member);
      if (alive.has(member)) member.child.kill('SIGCONT');
    });
  };
  const cut = async (): Promise<void> => {
    for (let times = 0; times < CUTS; times += 1) {
      counts.cut += 1;
      await stage.cut();
      await sleep(CUT_EVERY_MS);
    }
  };
  await join();
  try {
    while (!(await options.isDone())) {
      if (Date.now() - startedMs > options.limitMs)
        throw new Error(`the storm lasted longer than ${options.limitMs} ms`);
      const before = await options.progress();
      await sleep(integer(random, ...options.everyMs));
      // A machine that is busy with other things takes longer to start a member than to lose one.
      const endMs = Date.now() + PATIENCE_MS;
      while ((await options.progress()) === before && Date.now() < endMs) await sleep(250);
      await blow(random, { alive, stalled, most: options.most, counts, join, lose, stall, cut });
    }
  } finally {
    for (const member of [...alive]) {
      member.child.kill('SIGCONT');
      await lose(member, 'SIGTERM');
    }
  }
  return { ...counts, gaveUp, tookMs: Date.now() - startedMs };
}

interface Weather {
  readonly alive: ReadonlySet<MemberProcess>;
  readonly stalled: ReadonlySet<MemberProcess>;
  readonly most: number;
  readonly counts: { killed: number; stopped: number; stalled: number };
  readonly join: () => Promise<void>;
  readonly lose: (member: MemberProcess, signal: 'SIGKILL' | 'SIGTERM') => Promise<void>;
  readonly stall: (member: MemberProcess) => void;
  readonly cut: () => Promise<void>;
}

async function blow(random: Random, weather: Weather): Promise<void> {
  const { alive, stalled, most, counts } = weather;
  const awake = [...alive].filter((member) => !stalled.has(member));
  if (alive.size === 0 || (alive.size < most && integer(random, 1, 2) === 1))
    return await weather.join();
  if (integer(random, 1, 2) === 1) await weather.cut();
  if (awake.length < 2) return await (alive.size < most ? weather.join() : Promise.resolve());
  const member = pick(random, awake);
  const what = pick(random, ['kill', 'kill', 'stop', 'stall'] as const);
  if (what === 'kill') {
    counts.killed += 1;
    await weather.lose(member, 'SIGKILL');
  } else if (what === 'stop') {
    counts.stopped += 1;
    await weather.lose(member, 'SIGTERM');
  } else weather.stall(member);
}
