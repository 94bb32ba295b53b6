/** Pages: how often state is written in full, and which of it may rest as bytes. */
import type { LaneCommit, LaneState } from '../model/effects.ts';
import { PAGES, type Slots } from '../state/slots.ts';

/**
 * Deltas are folded into pages so often that recovery reads about twice the state, or this: a second or two
 * of reading. Less would write a state of some ten thousand agents as often as it changes.
 */
const PAGE_EVERY_BYTES = 256 * 1024 * 1024;
/** Or so many of them: each is a row of its own to be read, however small it is. */
const PAGE_EVERY_DELTAS = 8192;
/** All pages may go to rest in so much event time, one after the other, ms. */
const REST_PAGE_EACH_MS = 600_000 / PAGES;
const REST_PAGES = 4;
/**
 * With more entities awake than this, pages take their turns sooner. Each is a dozen objects on the heap, one
 * or two KB that a collector marks again and again. One that is asked for where it rests is read anew, which
 * takes longer than what a collector has with it: where that happens to many, more may stay awake.
 */
const AWAKE_MIN = 196_608;
/** And never more than this: some 1.2 GB, a third of what Node lets a process have. */
const AWAKE_MAX = 4 * AWAKE_MIN;
const AWAKE_STEP = 2;
/** One in so many that rested in a round was read again: too many; and one in so many: there is room. */
const READ_OFTEN = 3;
const READ_SELDOM = 10;
/** With too many awake, so many pages go to rest with a commit. */
const REST_PAGES_CROWDED = 16;
/** Bytes of rows that are packed with a commit or a tick: two or three milliseconds. */
const PACK_BYTES = 1024 * 1024;

/** Pages of a lane's state take turns, round after round: in being written, and in going to rest. */
export class Pages {
  readonly #slots: Slots;
  readonly #everyBytes: number;
  /** The page whose turn it is to be written. */
  #cursor = 0;
  /** Pages that the deltas written so far call for, and that are not written yet. */
  #budget = 0;
  #stateBytes = 0;
  /** By page that was loaded: the last delta it contains. */
  readonly #upto = new Array<number>(PAGES).fill(0);
  /** Stretches of event time in each of which a page may go to rest. */
  #restedTo = 0;
  /** The page whose turn it is to go to rest. */
  #resting = 0;
  /** How many may stay awake, for as long as this is a round of pages that go to rest for want of room. */
  #awakeMax = AWAKE_MIN;
  #round = { pages: 0, rested: 0, reads: 0 };

  /** `everyBytes`: bytes of deltas in which every page is written once, at least. Default 256 MiB. */
  constructor(slots: Slots, everyBytes = PAGE_EVERY_BYTES) {
    this.#slots = slots;
    this.#everyBytes = everyBytes;
  }

  /**
   * Goes on after a restart, where each page is told of once. Next is the page that was written longest
   * ago, or the first that never was: else frequent restarts would let the deltas grow without end. Pages
   * say how large the state is; deltas say only how much changed.
   */
  restore(pages: LaneState['pages']): void {
    for (const { page, uptoSeq, bytes } of pages) {
      this.#stateBytes += bytes.length;
      this.#upto[page] = uptoSeq;
    }
    this.#cursor = this.#upto.indexOf(Math.min(...this.#upto));
  }

  /** Pages to write with a delta of so many bytes: spread evenly over the deltas written. */
  due(deltaBytes: number): LaneCommit['pages'] {
    const every = Math.max(this.#everyBytes, this.#stateBytes);
    if (deltaBytes > 0) this.#budget += PAGES * Math.max(deltaBytes / every, 1 / PAGE_EVERY_DELTAS);
    const pages: { page: number; bytes: Buffer }[] = [];
    for (; this.#budget >= 1 && pages.length < PAGES; this.#budget -= 1) {
      const bytes = this.#slots.pageBytes(this.#cursor);
      pages.push({ page: this.#cursor, bytes });
      this.#stateBytes += (bytes.length * PAGES - this.#stateBytes) / PAGES;
      this.#cursor = (this.#cursor + 1) % PAGES;
    }
    return pages;
  }

  /**
   * What nobody asked for in ten to twenty minutes of event time goes on as bytes, by the watermark, and sooner
   * where too much is awake. What nobody asked for in as much time again is packed.
   */
  rest(watermarkMs: number): void {
    const due = Math.floor(Math.max(0, watermarkMs) / REST_PAGE_EACH_MS);
    if (this.#restedTo === 0) this.#restedTo = due;
    const turn = Math.floor(this.#restedTo / PAGES);
    // Where time leaps, the rest of it waits for the next commits: none of them is to be long.
    for (let left = REST_PAGES; left > 0 && this.#restedTo < due; left -= 1) {
      this.#restedTo = Math.max(this.#restedTo + 1, due - PAGES + 1);
      this.#restNext();
    }
    for (let left = REST_PAGES_CROWDED; left > 0 && this.#slots.awake > this.#awakeMax; left -= 1)
      this.#crowded();
    if (Math.floor(this.#restedTo / PAGES) > turn) this.#slots.turn();
    this.#slots.pack(PACK_BYTES);
  }

  /** One more page for want of room. After a round of them it is seen whether too much of it was read again. */
  #crowded(): void {
    const round = this.#round;
    round.pages += 1;
    round.rested += this.#restNext();
    if (round.pages < PAGES) return;
    const reads = this.#slots.reads - round.reads;
    if (reads * READ_OFTEN > round.rested)
      this.#awakeMax = Math.min(AWAKE_MAX, this.#awakeMax * AWAKE_STEP);
    else if (reads * READ_SELDOM < round.rested)
      this.#awakeMax = Math.max(AWAKE_MIN, this.#awakeMax / AWAKE_STEP);
    this.#round = { pages: 0, rested: 0, reads: this.#slots.reads };
  }

  /** Returns how many went to rest. */
  #restNext(): number {
    const rested = this.#slots.rest(this.#resting);
    this.#resting = (this.#resting + 1) % PAGES;
    return rested;
  }
}
