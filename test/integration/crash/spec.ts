/** What the crash test tells its child processes, and what they leave behind. */
import type { DaemonStep } from '../../../src/commands/daemon.ts';
import type { Config } from '../../../src/model/config.ts';

/** Every point a child may be killed at. */
export const STEPS = [
  'loaded',
  'slice-received',
  'stepped',
  'store-committed',
  'slice-done',
  'broker-committed',
  'action-sending',
  'action-sent',
  'outcome-recorded',
] as const satisfies readonly DaemonStep[];

/** Where a child kills itself: the `count`-th time it comes to `step`. */
export interface KillPoint {
  readonly step: DaemonStep;
  readonly count: number;
}

/** How a child is run; written to a file whose path is its only argument. */
export interface ChildSpec {
  readonly config: Config;
  readonly databaseUrl: string;
  readonly controlSecret: string;
  /** Clock: `baseMs` at the moment `zeroMs` of the real one, going on at its pace. */
  readonly clock: { readonly baseMs: number; readonly zeroMs: number };
  /** True: read to the end and exit. False: until SIGTERM. */
  readonly untilCaughtUp: boolean;
  /** Where the tally is written, at the kill and at the end. */
  readonly report: string;
}

/** How often a child came to each step. */
export type Tally = Partial<Record<DaemonStep, number>>;

/** Environment variable that names the kill point, for example `store-committed:17`. */
export const CRASH_VARIABLE = 'PLUMBLINE_CRASH';

/** The kill point as the variable bears it. */
export function writeKillPoint({ step, count }: KillPoint): string {
  return `${step}:${count}`;
}

/** Reads it; null where there is none. Throws on anything else. */
export function readKillPoint(text: string | undefined): KillPoint | null {
  if (text === undefined || text === '') return null;
  const [name, times] = text.split(':');
  const step = STEPS.find((known) => known === name);
  const count = Number(times);
  if (step === undefined || !Number.isSafeInteger(count) || count < 1)
    throw new Error(`${CRASH_VARIABLE}=${text}: write <step>:<count>, steps: ${STEPS.join(', ')}`);
  return { step, count };
}
