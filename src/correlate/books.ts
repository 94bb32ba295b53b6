/** Books: when each of the four was last heard, and what its silence may be taken to mean. */

import type { CoverageGap } from '../model/detection.ts';
import type { Kind } from '../model/event.ts';
import { idOf } from '../model/ids.ts';
import { naming } from '../state/names.ts';
import type { Entity } from '../state/slot.ts';
import type { Slots } from '../state/slots.ts';

/** An act whose witness in this book is missing. */
export interface Missing {
  readonly session: string;
  readonly act: string;
}

/** A stretch between two records of a book that some act fell into. */
export interface Gap {
  readonly fromMs: number;
  /** First record after it; null while open. */
  toMs: number | null;
  /** Acts in it that are not decided yet. */
  refs: number;
  missing: Missing[];
  sessions: string[];
  /** Said to be blind already. */
  announced: boolean;
  /** It began before the book ever spoke. */
  readonly unheard: boolean;
}

interface Book extends Entity {
  lastMs: number;
  /** It spoke at least once: before that, its silence has no proof of life on one side. */
  spoke: boolean;
  /** Number of the current gap. */
  gap: number;
  gaps: Record<string, Gap>;
  /** A look at its silence is due then, ms; only where a rhythm is expected. */
  watch?: number;
}

/** What decides whether silence is an answer. */
export interface BookOptions {
  /** Longest silence within which absence proves something, ms. */
  readonly quietMaxMs: number;
  /** So many sessions in a row unseen: the book is blind, whatever the time. */
  readonly blindSessions: number;
  /** Witnesses of one act lie at most so far apart, ms. */
  readonly joinWindowMs: number;
  /** Name used in coverage reports. */
  readonly name: string;
  /** Silence longer than quietMax is blindness by itself, whether or not anybody acted. */
  readonly expected: boolean;
}

/** What a closed or overdue gap turned out to be. */
export interface Verdict {
  readonly gap: Gap;
  readonly blind: boolean;
  /** Proof of life after the gap, ms; the end of the stream where nothing followed. */
  readonly toMs: number;
}

/** What `settle` found; `again`: when to look again for an expected rhythm. */
export interface Settled {
  readonly verdicts: Verdict[];
  readonly announce: Gap[];
  readonly again: number | null;
}

const MISSING_MAX = 10_000;

/** Whom events without a tenant belong to. */
const NO_TENANT = '-';

/** Key of a tenant's book in its space; that of events without a tenant bears the kind's name alone. */
export function bookKey(kind: Kind, tenant: string): string {
  return tenant === NO_TENANT ? kind : ofTenant(kind, tenant);
}

const ofTenant = naming((kind, tenant) => `${kind} ${tenant}`);

/** Kind and tenant of a key that `bookKey` made. */
export function bookOf(key: string): { readonly kind: Kind; readonly tenant: string } {
  const at = key.indexOf(' ');
  if (at < 0) return { kind: key as Kind, tenant: NO_TENANT };
  return { kind: key.slice(0, at) as Kind, tenant: key.slice(at + 1) };
}

/** When a gap that was just looked at has to be looked at again, or null. */
function dueOf(gap: Gap, options: BookOptions, nowMs: number): number | null {
  if (gap.toMs !== null) return Math.max(nowMs + 1, gap.toMs + options.joinWindowMs + 1);
  if (gap.announced || gap.missing.length === 0) return null;
  return Math.max(nowMs + 1, gap.fromMs + options.quietMaxMs + 1);
}

/**
 * So many sessions unseen in a row make a gap blind: blindSessions where the book spoke before and
 * after it, one fewer where it spoke on one side only, none where it never spoke.
 */
function unseenMax(gap: Gap, { blindSessions }: BookOptions, final: boolean): number {
  const isOpen = final && gap.toMs === null;
  if (gap.unheard && isOpen) return 0;
  return gap.unheard || isOpen ? blindSessions - 1 : blindSessions;
}

function lengthOf(ms: number): string {
  const isHours = ms >= 7_200_000;
  return isHours ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 1000)} s`;
}

/** Why nothing is inferred from a gap, in words. */
function reasonOf(gap: Gap, toMs: number | null, options: BookOptions | undefined): string {
  if (options !== undefined && toMs !== null && toMs - gap.fromMs > options.quietMaxMs) {
    return `no record for longer than ${lengthOf(options.quietMaxMs)} while sessions acted`;
  }
  const many = gap.sessions.length >= (options?.blindSessions ?? 0);
  if (gap.unheard && !many) return 'it had not spoken once when sessions acted';
  return `${gap.sessions.length} sessions in a row left no record here while others saw them act`;
}

/**
 * Absence needs proof of life (ADR 0006). Each act that waits for a witness of this book notes the
 * gap it fell into. When the gap is closed by a next record and all its acts have had their time, it
 * is judged: unseen sessions in a row, or a silence longer than quietMax, mean that the book was
 * blind and nothing is inferred; otherwise each missing witness is a finding. Less proof of life,
 * as before its first word, means that fewer unseen sessions are enough.
 *
 * Each tenant has books of its own: what one does or leaves undone proves nothing about another.
 */
export class Books {
  readonly #slots: Slots;
  readonly #options: ReadonlyMap<Kind, BookOptions>;

  constructor(slots: Slots, options: ReadonlyMap<Kind, BookOptions>) {
    this.#slots = slots;
    this.#options = options;
  }

  /** Can absence in this book mean anything at all? False where no source carries it, or it is sampled. */
  judges(kind: Kind): boolean {
    return this.#options.has(kind);
  }

  /**
   * The stream begins at `ms`: books that are expected to speak are watched from now on, also those
   * that never say a word. Returns which, and when to `settle` them.
   */
  begin(ms: number, tenant = NO_TENANT): (readonly [Kind, number])[] {
    const watched: (readonly [Kind, number])[] = [];
    for (const [kind, options] of this.#options) {
      if (!options.expected) continue;
      const book = this.#book(kind, ms, tenant);
      book.watch = ms + options.quietMaxMs + 1;
      watched.push([kind, book.watch]);
    }
    return watched;
  }

  /** A record of this book was folded at `ms`: closes the current gap. Returns when to `settle`. */
  heard(kind: Kind, ms: number, tenant = NO_TENANT): number | null {
    const options = this.#options.get(kind);
    if (options === undefined) return null;
    const book = this.#book(kind, ms, tenant);
    const gap = book.gaps[book.gap];
    book.lastMs = Math.max(book.lastMs, ms);
    book.spoke = true;
    this.#slots.touch('B', bookKey(kind, tenant));
    if (gap !== undefined) {
      gap.toMs = ms;
      if (gap.refs === 0 && gap.missing.length === 0 && !gap.announced) delete book.gaps[book.gap];
      book.gap += 1;
      if (gap.refs > 0 || gap.missing.length > 0 || gap.announced)
        return ms + options.joinWindowMs + 1;
    }
    if (!options.expected || book.watch !== undefined) return null;
    book.watch = ms + options.quietMaxMs + 1;
    return book.watch;
  }

  /** An act at `ms` waits for a witness of this book. Returns the number of its gap. */
  expect(kind: Kind, ms: number, tenant = NO_TENANT): number {
    const book = this.#book(kind, ms, tenant);
    this.#current(book).refs += 1;
    this.#slots.touch('B', bookKey(kind, tenant));
    return book.gap;
  }

  /** The witness came. */
  found(kind: Kind, number: number, tenant = NO_TENANT): void {
    const book = this.#book(kind, 0, tenant);
    const gap = book.gaps[number];
    if (gap === undefined) return;
    gap.refs -= 1;
    this.#slots.touch('B', bookKey(kind, tenant));
    if (gap.refs === 0 && gap.missing.length === 0 && gap.toMs !== null) delete book.gaps[number];
  }

  /**
   * The act's time is over and no witness came. Returns when to `settle` the gap. `counts`: false for
   * sessions of agents that this book never told of and that nobody knows: its silence about them is no
   * sign that it is blind, or anybody could blind it with names that he makes up.
   */
  missed(
    kind: Kind,
    number: number,
    missing: Missing,
    nowMs: number,
    { tenant = NO_TENANT, counts = true }: { tenant?: string; counts?: boolean } = {},
  ): number {
    const options = this.#options.get(kind);
    const book = this.#book(kind, nowMs, tenant);
    const gap = book.gaps[number];
    if (gap === undefined || options === undefined) return nowMs;
    if (gap.missing.length < MISSING_MAX) gap.missing.push(missing);
    if (
      (counts || gap.unheard) &&
      gap.sessions.length < 1000 &&
      !gap.sessions.includes(missing.session)
    )
      gap.sessions.push(missing.session);
    this.#slots.touch('B', bookKey(kind, tenant));
    if (gap.toMs !== null) return Math.max(nowMs, gap.toMs + options.joinWindowMs + 1);
    return gap.sessions.length >= unseenMax(gap, options, false)
      ? nowMs
      : Math.max(nowMs, gap.fromMs + options.quietMaxMs + 1);
  }

  /**
   * Judges what is due at `nowMs`. `verdicts`: gaps that are over, with their missing acts;
   * `announce`: gaps that are known to be blind while they still last.
   */
  settle(kind: Kind, nowMs: number, final: boolean, tenant = NO_TENANT): Settled {
    const options = this.#options.get(kind);
    const verdicts: Verdict[] = [];
    const announce: Gap[] = [];
    if (options === undefined) return { verdicts, announce, again: null };
    const book = this.#book(kind, nowMs, tenant);
    const key = bookKey(kind, tenant);
    let again = final ? null : this.#watch(key, book, options, nowMs);
    for (const number of Object.keys(book.gaps)) {
      const gap = book.gaps[number] as Gap;
      const over = gap.toMs !== null && nowMs > gap.toMs + options.joinWindowMs;
      if (over || final) {
        const toMs = gap.toMs ?? Math.max(gap.fromMs, nowMs);
        if (gap.missing.length > 0 || gap.announced)
          verdicts.push({ gap, blind: this.#isBlind(gap, toMs, options, final), toMs });
        gap.refs -= gap.missing.length;
        delete book.gaps[number];
        if (gap.toMs === null) book.gap += 1;
        this.#slots.touch('B', key);
      } else if (
        !gap.announced &&
        (gap.missing.length > 0 || options.expected) &&
        this.#isBlind(gap, nowMs, options, false)
      ) {
        gap.announced = true;
        announce.push(gap);
        this.#slots.touch('B', key);
      }
      const next = book.gaps[number] === undefined ? null : dueOf(gap, options, nowMs);
      if (next !== null) again = again === null ? next : Math.min(again, next);
    }
    return { verdicts, announce, again };
  }

  /** Is the book known to be blind at this moment? */
  blindNow(kind: Kind, tenant = NO_TENANT): boolean {
    const book = this.#slots.get<Book>('B', bookKey(kind, tenant));
    return book?.gaps[book.gap]?.announced === true;
  }

  /** Coverage report of a gap. */
  coverage(kind: Kind, gap: Gap, toMs: number | null, tenant = NO_TENANT): CoverageGap {
    const options = this.#options.get(kind);
    const isOwn = tenant === NO_TENANT;
    return {
      id: isOwn ? idOf('coverage', kind, gap.fromMs) : idOf('coverage', kind, gap.fromMs, tenant),
      ...(isOwn ? {} : { tenant }),
      source: options?.name ?? kind,
      kind,
      fromMs: gap.fromMs,
      toMs,
      reason: reasonOf(gap, toMs, options),
      sessions: gap.sessions.length,
    };
  }

  /** Where a rhythm is expected: a silence longer than quietMax becomes a gap of its own. */
  #watch(key: string, book: Book, options: BookOptions, nowMs: number): number | null {
    if (!options.expected || book.watch === undefined || nowMs < book.watch) return null;
    const due = book.lastMs + options.quietMaxMs + 1;
    if (nowMs >= due) {
      this.#current(book);
      delete book.watch;
    } else book.watch = due;
    this.#slots.touch('B', key);
    return book.watch ?? null;
  }

  #current(book: Book): Gap {
    let gap = book.gaps[book.gap];
    if (gap === undefined) {
      gap = {
        fromMs: book.lastMs,
        toMs: null,
        refs: 0,
        missing: [],
        sessions: [],
        announced: false,
        unheard: !book.spoke,
      };
      book.gaps[book.gap] = gap;
    }
    return gap;
  }

  #isBlind(gap: Gap, toMs: number, options: BookOptions, final: boolean): boolean {
    if (gap.announced || toMs - gap.fromMs > options.quietMaxMs) return true;
    return gap.sessions.length >= unseenMax(gap, options, final);
  }

  #book(kind: Kind, ms: number, tenant: string): Book {
    const key = bookKey(kind, tenant);
    let book = this.#slots.get<Book>('B', key);
    if (book === undefined) {
      book = { lastMs: ms, spoke: false, gap: 1, gaps: {} };
      this.#slots.put('B', key, book);
    }
    return book;
  }
}
