/** Drains of the scale-out benchmark: a full log read by so many members. */
import type { SourceLog } from './scale-out-load.ts';
import { type Ground, type Outcome, ScaleRun } from './scale-out-run.ts';

/** A log drained. */
export interface Drain {
  readonly members: number;
  /** Events that were left when they were let go. */
  readonly events: number;
  readonly wallMs: number;
  /** Of all members together, from when they were let go. */
  readonly cpuMs: number;
  readonly brokerCpuMs: number | null;
  readonly databaseCpuMs: number | null;
  /** The same of the second half: by then the code of all members is compiled. */
  readonly warm: { readonly events: number; readonly cpuMs: number };
  /** How often a statement ran into the lock time-out, or the like, and its commit was tried again. */
  readonly transients: number;
  /** Share of all events that were folded by the member with the most. */
  readonly busiest: number;
}

/**
 * Has so many members come to their lanes, lets them go, and waits until everything is read. What is left
 * waiting is then decided by one more member, who is not counted.
 */
export async function drain(
  name: string,
  members: number,
  { prefix, log }: { readonly prefix: string; readonly log: SourceLog },
  ground: Ground,
): Promise<{ readonly drain: Drain; readonly outcome: Outcome }> {
  const run = await ScaleRun.open(name, prefix, ground);
  try {
    await run.holdBack();
    await run.join(members);
    await run.shared();
    const byLane = log.byLane();
    const all = byLane.reduce((sum, count) => sum + count, 0);
    const read = await run.progress();
    const before = run.cpu();
    const startedMs = performance.now();
    await run.letGo();
    const readWarm = await run.passed(read + (all - read) / 2);
    const warmMs = run.cpu().members;
    await run.read(log.ends());
    const wallMs = performance.now() - startedMs;
    const after = run.cpu();
    const held = await run.holders();
    const shares = run.members.map(({ name: owner }) =>
      (held.get(owner) ?? []).reduce((sum, lane) => sum + (byLane[lane] ?? 0), 0),
    );
    await run.stopAll();
    run.check();
    return {
      drain: {
        ...{ members, events: all - read, wallMs, cpuMs: after.members - before.members },
        warm: { events: all - readWarm, cpuMs: after.members - warmMs },
        brokerCpuMs: since(before.broker, after.broker),
        databaseCpuMs: since(before.database, after.database),
        transients: await run.transients(),
        busiest: Math.max(...shares) / all,
      },
      outcome: await run.outcome(),
    };
  } catch (cause) {
    throw new Error(`${name}: ${cause}\n${await run.logTail()}`, { cause });
  } finally {
    await run.close();
  }
}

/** What one member alone makes of a log, unhurried and unmeasured. */
export async function readAlone(name: string, prefix: string, ground: Ground): Promise<Outcome> {
  const run = await ScaleRun.open(name, prefix, ground);
  try {
    return await run.outcome();
  } finally {
    await run.close();
  }
}

function since(before: number | null, after: number | null): number | null {
  return before === null || after === null ? null : after - before;
}
