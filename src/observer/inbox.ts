/** Inbox: what others say and ask between two ticks, until the core hears of it. */
import type { OperatorRequest } from '../model/decision.ts';
import { OperatingError } from '../model/errors.ts';
import type { Log, Standstill, TopicPartition } from '../model/ports.ts';
import type { Pipeline } from '../pipeline.ts';

/** Where operators leave what they ask for. */
export interface Asked {
  /** What operators asked for and no commit has taken up. */
  requests(): Promise<readonly OperatorRequest[]>;
}

const REQUESTS_EVERY_MS = 1000;

/** Keeps it. What the broker says is kept here; what operators ask for is in the store. */
export class Inbox {
  readonly #asked: Asked;
  readonly #log: Log;
  readonly #missing: [
    at: TopicPartition,
    from: number,
    to: number,
    undecodable: string | undefined,
  ][] = [];
  /** Partitions that came to stand still, and such as go on (true). */
  readonly #standing: [partitions: readonly Standstill[], isOver: boolean][] = [];
  #requestsMs = Number.NEGATIVE_INFINITY;

  constructor(asked: Asked, log: Log) {
    this.#asked = asked;
    this.#log = log;
  }

  /** Records `from` up to but without `to` are gone; or cannot be read, where `undecodable` says why. */
  missing(at: TopicPartition, from: number, to: number, undecodable?: string): void {
    this.#missing.push([at, from, to, undecodable]);
  }

  /** Partitions came to stand still, or go on again. */
  standstill(partitions: readonly Standstill[], isOver: boolean): void {
    this.#standing.push([partitions, isOver]);
  }

  /** The core hears what was said, once. */
  deliver(pipeline: Pipeline, nowMs: number): void {
    for (const [at, from, to, undecodable] of this.#missing.splice(0))
      pipeline.missing(at, from, to, nowMs, undecodable);
    for (const [partitions, isOver] of this.#standing.splice(0))
      pipeline.standstill(partitions, isOver, nowMs);
  }

  /** Is it time to look what operators ask for? */
  isDue(nowMs: number): boolean {
    return nowMs - this.#requestsMs >= REQUESTS_EVERY_MS;
  }

  /** The core hears what operators ask for. */
  async operate(pipeline: Pipeline, nowMs: number): Promise<void> {
    this.#requestsMs = nowMs;
    for (const request of await this.#requests()) pipeline.operate(request);
  }

  /** Nothing while the database is away: it is asked again in a second. */
  async #requests(): Promise<readonly OperatorRequest[]> {
    try {
      return await this.#asked.requests();
    } catch (cause) {
      if (!(cause instanceof OperatingError && cause.retryable)) throw cause;
      this.#log.warn({ code: cause.code }, 'the database is away; requests of operators wait');
      return [];
    }
  }
}
