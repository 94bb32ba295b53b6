/** Release: which events that wait may go to the fold, and which must before their time. */
import type { Reorder } from '../correlate/reorder.ts';
import type { Watermarks } from '../correlate/watermark.ts';
import type { Event } from '../model/event.ts';
import type { TopicPartition } from '../model/ports.ts';
import type { Draft } from './draft.ts';
import type { Notices } from './notices.ts';
import { freshMsOf, type PipelineOptions } from './options.ts';

/** Some 25 ms of work: what comes meanwhile may be something that is asked for early. */
const RELEASE_MAX = 500;
/** So many times its bound the buffer may hold before events are released early; twice that where pausing helps. */
const EARLY_AT = 2;
/** A partition that is further in front of W than this may pause, ms. */
const AHEAD_MS = 1000;
/** Records that are older than this when they come have waited for us, and others behind them still do, ms. */
const HURRY_MS = 250;
/** Nothing is released for so long after such records came, ms. */
const HOLD_MS = 50;
/** So many records may be taken in on end without releasing anything: a second or two of folding. */
const POSTPONED_MAX = 10_000;

/** Where events wait, and where they go. */
export interface ReleaseParts {
  readonly watermarks: Watermarks;
  readonly reorder: Reorder;
  readonly draft: Draft;
  readonly notices: Notices;
  /** Folds these events, and passes time on to `ms`. */
  readonly fold: (events: readonly Event[], ms: number) => void;
}

type ReleaseOptions = Pick<
  PipelineOptions,
  'maxBuffered' | 'maxBufferedBytes' | 'releaseMax' | 'freshMs' | 'timings'
>;

/** Moves W, and what is ripe with it, a step of bounded work at a time. */
export class Release {
  readonly #options: ReleaseOptions;
  readonly #parts: ReleaseParts;
  /** What is older than this has nothing early done about it, ms. */
  readonly #freshMs: number;
  /** Until then nothing is released, ms on the clock of whoever calls. */
  #holdMs = Number.NEGATIVE_INFINITY;
  /** Records taken in since all that was ripe had been released. */
  #postponed = 0;

  constructor(options: ReleaseOptions, parts: ReleaseParts) {
    this.#options = options;
    this.#parts = parts;
    this.#freshMs = freshMsOf(options);
  }

  /**
   * So many records came, `ageMs` after their time, and `left` more lie behind them. Where we lag behind, all that waits is taken in
   * before anything is released: something that is asked for early may be in it, and is found when it is taken
   * in, while what is released has waited for the watermark anyway. What is found, and decided, is the same.
   * Their time alone would not do: a producer whose clock is slow would hold everything up for ever.
   */
  came(records: number, ageMs: number, left: number, nowMs: number): void {
    const lags = left > 0 && ageMs > HURRY_MS && ageMs < this.#freshMs;
    if (!lags || this.#postponed >= POSTPONED_MAX || this.#fullness() > 1) {
      this.#holdMs = Number.NEGATIVE_INFINITY;
      return;
    }
    this.#postponed += records;
    this.#holdMs = nowMs + HOLD_MS;
  }

  /** When W leaps, all that the buffer holds is ripe at once: W goes as far as one step releases. */
  advance(nowMs: number): void {
    if (nowMs < this.#holdMs) return;
    const { watermarks, reorder, fold } = this.#parts;
    const ripeMs = watermarks.advance(nowMs);
    const events = reorder.take(ripeMs, this.#options.releaseMax ?? RELEASE_MAX);
    const last = events.at(-1);
    const isCut = (reorder.nextMs() ?? Number.POSITIVE_INFINITY) <= ripeMs;
    if (isCut && last !== undefined) watermarks.hold(last.time.eventMs);
    if (!isCut) this.#postponed = 0;
    fold(events, watermarks.effectiveMs);
    const fullness = this.#fullness();
    const canPause = fullness > EARLY_AT && this.ahead().length > 0;
    // What is read again must find W where it was, or it would be taken for released.
    if (fullness > (canPause ? 2 * EARLY_AT : EARLY_AT) && !watermarks.isCatchingUp) this.#early();
  }

  /** Is more ripe than one step releases? */
  isBehind(): boolean {
    const { watermarks, reorder } = this.#parts;
    return (reorder.nextMs() ?? Number.POSITIVE_INFINITY) <= watermarks.ripeMs;
  }

  /** Partitions that run ahead of W. */
  ahead(): TopicPartition[] {
    return this.#parts.watermarks.ahead(AHEAD_MS);
  }

  /** Must they pause? */
  isFull(): boolean {
    return this.#fullness() > 1;
  }

  /** May all go on that paused? */
  hasRoom(): boolean {
    return this.#fullness() <= 0.5;
  }

  /** How full the buffer is: 1 where sources that run ahead are to pause. */
  #fullness(): number {
    const { maxBuffered, maxBufferedBytes } = this.#options;
    const { reorder } = this.#parts;
    return Math.max(reorder.size / maxBuffered, reorder.bytes / maxBufferedBytes);
  }

  /**
   * What waits is more than back-pressure can help: one source alone sends too much within its own
   * lateness. The oldest go before their time, and what comes behind them is late, and says so.
   */
  #early(): void {
    const { watermarks, reorder, draft, notices, fold } = this.#parts;
    const early: Event[] = [];
    while (this.#fullness() > 1) {
      const ms = reorder.nextMs();
      if (ms === undefined) break;
      early.push(...reorder.take(ms, Number.POSITIVE_INFINITY));
    }
    const last = early.at(-1);
    if (last === undefined) return;
    const { eventMs } = last.time;
    draft.count('released-early', early.length);
    const detail = `${early.length} events released before their time: more wait than there is room for`;
    notices.say('state.evicted', 'reorder-buffer', detail, eventMs);
    watermarks.hasten(eventMs);
    fold(early, watermarks.effectiveMs);
  }
}
