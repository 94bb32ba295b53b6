/** Pull route: executors fetch their work and say what came of it; the rest comes again. */
import type { Clock } from '../model/ports.ts';
import { type ApiRequest, type ApiResponse, json, problem, type Route } from './route.ts';

/** Work as it waits. */
export interface Work {
  /** Hands out what is open of these drivers, oldest first, at most `limit`. */
  take(
    drivers: readonly string[],
    limit: number,
    nowMs: number,
  ): Promise<readonly { readonly key: string; readonly item: Readonly<Record<string, unknown>> }[]>;
  /** Keeps what was said of one piece; `failure` null: it was done. */
  settle(
    drivers: readonly string[],
    key: string,
    failure: string | null,
    nowMs: number,
  ): Promise<void>;
}

/** What the route is made of. */
export interface PullParts {
  readonly work: Work;
  readonly clock: Clock;
  /** Names of the pull drivers that a consumer fetches for. */
  readonly driversOf: (consumer: string) => readonly string[];
}

interface Asked {
  readonly max: number;
  readonly waitMs: number;
  readonly ack: readonly string[];
  readonly failed: readonly (readonly [string, string])[];
}

const MAX_DEFAULT = 20;
const MAX_MAX = 100;
const WAIT_SECONDS_MAX = 30;
const SAID_MAX = 1000;
const KEY_MAX = 512;
const LOOK_MS = 500;

/** `POST /v1/control/poll`. */
export function pullRoutes(parts: PullParts): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/control/poll',
      scope: 'control.poll',
      handle: async (request) => await poll(request, parts),
    },
  ];
}

async function poll(request: ApiRequest, parts: PullParts): Promise<ApiResponse> {
  const drivers = parts.driversOf(request.caller ?? '');
  if (drivers.length === 0)
    return problem(403, 'Forbidden', 'no driver of type pull names this consumer');
  const asked = askedOf(request.body);
  if (typeof asked === 'string') return problem(400, 'Bad request', asked);
  const { work, clock } = parts;
  // What was said before is kept before anything is handed out: it must not be among it again.
  for (const key of asked.ack) await work.settle(drivers, key, null, clock.nowMs());
  for (const [key, why] of asked.failed) await work.settle(drivers, key, why, clock.nowMs());
  const untilMs = clock.nowMs() + asked.waitMs;
  for (;;) {
    const found = await work.take(drivers, asked.max, clock.nowMs());
    const leftMs = untilMs - clock.nowMs();
    if (found.length > 0 || leftMs <= 0 || request.signal.aborted) {
      const items = Object.fromEntries(found.map(({ key, item }) => [key, item]));
      return json(200, { items, more: found.length === asked.max });
    }
    await clock.sleep(Math.min(LOOK_MS, leftMs), request.signal);
  }
}

/** What is asked for, or what is wrong with it in one sentence. */
function askedOf(body: string): Asked | string {
  const given = objectIn(body === '' ? '{}' : body);
  if (given === null) return 'the body is no JSON object';
  const { max = MAX_DEFAULT, wait = 0, ack = [], failed = {} } = given;
  if (!isWhole(max, 1, MAX_MAX)) return `max is a number from 1 to ${MAX_MAX}`;
  if (!isWhole(wait, 0, WAIT_SECONDS_MAX)) return `wait is seconds from 0 to ${WAIT_SECONDS_MAX}`;
  if (!Array.isArray(ack) || ack.length > SAID_MAX || !ack.every(isKey))
    return `ack is a list of at most ${SAID_MAX} ids`;
  if (typeof failed !== 'object' || failed === null || Array.isArray(failed))
    return 'failed is an object by id';
  const failures = Object.entries(failed);
  if (failures.length > SAID_MAX || !failures.every(([key]) => isKey(key)))
    return `failed has at most ${SAID_MAX} ids`;
  return {
    max,
    waitMs: wait * 1000,
    ack: ack as string[],
    failed: failures.map(([key, why]) => [key, wordsOf(why)] as const),
  };
}

/** `code: message`, of what an executor says; its words go to a record that people read escaped. */
function wordsOf(why: unknown): string {
  const { code, message } = (typeof why === 'object' && why !== null ? why : {}) as Readonly<
    Record<string, unknown>
  >;
  const named = typeof code === 'string' && /^[a-z][a-z0-9_]{0,31}$/.test(code) ? code : 'failed';
  return typeof message === 'string' && message !== ''
    ? `${named}: ${message.slice(0, 200)}`
    : named;
}

function objectIn(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const parsed: unknown = JSON.parse(text);
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
    return isObject ? (parsed as Readonly<Record<string, unknown>>) : null;
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function isKey(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= KEY_MAX;
}
