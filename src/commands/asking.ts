/** Asking: what an operator wants of a running daemon, written down for it to take up. */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../adapters/clock.ts';
import type { OperatorRequest } from '../model/decision.ts';
import type { Database } from '../model/ports.ts';
import { insertOperatorRequest, isTakenUp } from '../record/operator.ts';
import { type Given, usage } from './arguments.ts';

const LOOK_MS = 200;
/** A running daemon looks once a second, and its control plane answers soon after. */
const TAKEN_UP_MS = 6000;

/** Said where no daemon took a request up in time. */
export const WAITS = 'no daemon has taken it up yet; it takes effect as soon as one runs.';

/** A request without what is added when it is written down. */
export type Asked = OperatorRequest extends infer Each
  ? Each extends OperatorRequest
    ? Omit<Each, 'id' | 'atMs'>
    : never
  : never;

/** Writes a request down; returns its id. */
export async function ask(db: Database, request: Asked): Promise<string> {
  const id = randomUUID();
  await insertOperatorRequest(db, { ...request, id, atMs: systemClock.nowMs() } as OperatorRequest);
  return id;
}

/** Waits until every lane took the request up. False: not all did within a few seconds. */
export async function takenUp(db: Database, id: string, signal: AbortSignal): Promise<boolean> {
  return await until(async () => await isTakenUp(db, id), signal);
}

/** Waits for something a daemon does. False: it was not done within a few seconds. */
export async function until(done: () => Promise<boolean>, signal: AbortSignal): Promise<boolean> {
  const endMs = systemClock.nowMs() + TAKEN_UP_MS;
  for (;;) {
    if (await done()) return true;
    if (signal.aborted || systemClock.nowMs() > endMs) return false;
    await systemClock.sleep(LOOK_MS, signal);
  }
}

/** Who gave a command, and why. CONFIG_INVALID where either is missing. */
export function signed(given: Given, why = 'reason'): { by: string; reason: string } {
  const by = given.value('by');
  const reason = given.value(why);
  if (by === undefined || reason === undefined || by === '' || reason === '')
    throw usage(
      `say who you are and why: --by WHO --${why} ${why === 'note' ? 'WHAT' : 'WHY'}; both go into the journal`,
    );
  return { by, reason };
}
