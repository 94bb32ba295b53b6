/** Legibility: whether too many records of a partition cannot be read, in order of its log. */
import type { Entity, Slots } from '../state/slots.ts';

/** Too many could not be read. */
export interface Illegible {
  readonly source: string;
  readonly lost: number;
  readonly of: number;
  /** Append time at which it was seen, ms. */
  readonly timeMs: number;
}

interface Window extends Entity {
  /** Append time of its first record, ms; null before the first. */
  fromMs: number | null;
  of: number;
  lost: number;
  /** How many the window before it had: so many are to be expected. */
  before: number;
}

const SPACE = 'Q';
const WINDOW_MS = 300_000;
/** More than this share is too much. */
const SHARE = 0.01;
/** So few may be an accident whatever their share; they wait for company. */
const LOST_MIN = 3;

/**
 * Counts records in windows of five minutes of append time, partition by partition: what it says is a
 * function of each log alone, however the logs are interleaved, cut or read again. One or two that are
 * lost are kept for the next window, so that neither a quiet source nor stamps that leap about hide them.
 */
export class Legibility {
  readonly #slots: Slots;
  readonly #say: (found: Illegible) => void;
  #lastKey = '';
  #last: Window | null = null;

  constructor(slots: Slots, say: (found: Illegible) => void) {
    this.#slots = slots;
    this.#say = say;
  }

  /** A record, once, in the order of its log. `lostOf`: its source, where it could not be read whole. */
  read(topic: string, partition: number, appendMs: number, lostOf: string | null): void {
    const key = `${topic}/${partition}`;
    const window = this.#windowOf(key);
    window.fromMs ??= appendMs;
    if (appendMs >= window.fromMs + WINDOW_MS) {
      const isOver = window.lost === 0 || window.of * SHARE >= LOST_MIN;
      window.before = window.of;
      if (isOver) clear(window);
      window.fromMs = appendMs;
    } else if (appendMs < window.fromMs - WINDOW_MS) window.fromMs = appendMs;
    window.of += 1;
    if (lostOf !== null) window.lost += 1;
    this.#slots.touch(SPACE, key);
    // Three among the first hundred of ten thousand are no share of them.
    const expected = Math.max(window.of, window.before);
    if (lostOf === null || window.lost < LOST_MIN || window.lost <= expected * SHARE) return;
    // Said when it is too much, not when the window ends: a source that goes on like this is said again.
    this.#say({ source: lostOf, lost: window.lost, of: window.of, timeMs: appendMs });
    clear(window);
  }

  #windowOf(key: string): Window {
    if (this.#last !== null && this.#lastKey === key) return this.#last;
    let window = this.#slots.get<Window>(SPACE, key);
    if (window === undefined) {
      window = { fromMs: null, of: 0, lost: 0, before: 0 };
      this.#slots.put(SPACE, key, window);
    }
    this.#lastKey = key;
    this.#last = window;
    return window;
  }
}

function clear(window: Window): void {
  window.of = 0;
  window.lost = 0;
}
