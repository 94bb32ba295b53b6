/** One topic as a growing file of lines: positions, rotation, truncation, long lines. */
import path from 'node:path';
import { OperatingError } from '../model/errors.ts';
import type { Clock, Log, PartitionLag, Rec } from '../model/ports.ts';
import { type Chunks, type Found, lookAt, openChunks, sizeOf } from './jsonl-chunks.ts';

/** What a JSON-lines broker reads, and how. */
export interface JsonlOptions {
  /** A folder with one file per topic, or one file for a single topic. */
  readonly path: string;
  readonly topics: readonly string[];
  /** True: keep reading as files grow, rotate and appear. False: read to the end, then finish. */
  readonly follow: boolean;
  readonly log: Log;
  readonly clock: Clock;
  /** Where `timestampMs` comes from: the clock when a slice is read (default), or the file's mtime. */
  readonly observed?: 'clock' | 'mtime';
  /** Pause between looks at quiet files, ms. Default 200. */
  readonly pollMs?: number;
}

/**
 * A line longer than this is delivered cut to one byte more, which the decoder names `too-large`.
 * The rest of it is skipped without being held.
 */
const LINE_BYTES_MAX = 1024 * 1024;
const SLICE_RECORDS_MAX = 500;
const SLICE_BYTES_MAX = 1024 * 1024;
const NEWLINE = 10;
const RETURN = 13;
/**
 * Offsets of one file: generation × 2^38 + byte. A file that takes the place of another (rotation,
 * truncation) begins the next generation, so that offsets of a topic only grow: 256 GiB a file,
 * 32,767 replacements.
 */
const GENERATION = 2 ** 38;
const GENERATIONS_MAX = 2 ** 15;
const NOTHING = Buffer.alloc(0);

/** One line as read: where it begins, and its bytes without the newline. */
interface Line {
  readonly at: number;
  readonly bytes: Buffer;
}

/** The file of one topic, through rotations. */
export class TopicFile {
  readonly topic: string;
  /** True once everything was delivered and nothing more will come (never while following). */
  isDone = false;
  readonly #options: JsonlOptions;
  #found: Found | null = null;
  #chunks: Chunks | null = null;
  #size = 0;
  #generation = 0;
  /** Byte at which `#pending` begins: a line start unless a line is being skipped. */
  #at = 0;
  #pending: Buffer = NOTHING;
  /** Bytes of `#pending` known to hold no newline. */
  #searched = 0;
  #isSkipping = false;
  /** What is kept of the line that is being skipped; null where it was delivered before. */
  #cut: Line | null = null;
  /** Offset one past the last record delivered. */
  #next = 0;
  #isAtEnd = false;
  /** Looks in a row that found another file under the name. */
  #replacedLooks = 0;
  #failure: Error | null = null;
  #hasWarned = false;

  constructor(topic: string, options: JsonlOptions) {
    this.topic = topic;
    this.#options = options;
  }

  /** Looks for the file, and says whether it is there. */
  async look(): Promise<boolean> {
    const found = await this.#find();
    if (found === null) return false;
    this.#size = await sizeOf(found);
    const isFolder = !found.isGzip && found.file !== this.#options.path;
    if (isFolder && (await lookAt(`${found.file}.gz`)) !== null) {
      const fields = { topic: this.topic, file: `${found.file}.gz` };
      this.#options.log.warn(fields, 'not read: the same topic has a plain file');
    }
    return true;
  }

  /** Sets where reading begins: at the first record whose offset is `offset` or more. */
  seek(offset: number): void {
    this.#generation = Math.floor(offset / GENERATION);
    this.#at = offset % GENERATION;
    this.#next = offset;
  }

  /** How far this topic has been read. The end is exact once it was reached. */
  lag(): PartitionLag {
    const low = this.#generation * GENERATION;
    const end =
      this.#isAtEnd || this.isDone ? this.#next : Math.max(low + this.#size, this.#next + 1);
    const isEmpty = this.#size === 0 && this.#chunks === null;
    return {
      topic: this.topic,
      partition: 0,
      next: this.#next,
      end: isEmpty ? this.#next : end,
      low,
    };
  }

  /** The next records, at most a slice; none where nothing is new. */
  async read(): Promise<readonly Rec[]> {
    if (this.#failure !== null) throw this.#failure;
    const lines: Line[] = [];
    if (this.#chunks === null) await this.#enter();
    else if (this.#isAtEnd) await this.#revisit(lines);
    if (this.#chunks !== null && !this.isDone) await this.#fill(this.#chunks, lines);
    return this.#recordsOf(lines);
  }

  async close(): Promise<void> {
    const chunks = this.#chunks;
    this.#chunks = null;
    await chunks?.close();
  }

  #recordsOf(lines: readonly Line[]): Rec[] {
    const { clock, observed } = this.#options;
    const mtimeMs = observed === 'mtime' ? this.#found?.mtimeMs : undefined;
    const timestampMs = mtimeMs ?? clock.nowMs();
    const low = this.#generation * GENERATION;
    const records = lines.map(({ at, bytes }) => ({
      topic: this.topic,
      partition: 0,
      offset: low + at,
      timestampMs,
      key: null,
      value: bytes,
    }));
    const last = records.at(-1);
    if (last !== undefined) this.#next = last.offset + 1;
    return records;
  }

  async #fill(chunks: Chunks, lines: Line[]): Promise<void> {
    let bytes = 0;
    while (lines.length < SLICE_RECORDS_MAX && bytes < SLICE_BYTES_MAX) {
      const line = this.#take();
      if (line !== null) {
        lines.push(line);
        bytes += line.bytes.length;
      } else if (!(await this.#more(chunks, lines))) return;
    }
  }

  /** Reads on; false at the end of what is there. */
  async #more(chunks: Chunks, lines: Line[]): Promise<boolean> {
    let chunk: Buffer | null = null;
    try {
      chunk = await chunks.next();
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      // A compressed file that is still being written ends in the middle: it is looked at again
      // when it has grown. What came before the fault is delivered first.
      if (!this.#options.follow) this.#failure = cause;
      else this.#warn('file cannot be read to its end yet');
    }
    if (chunk !== null) {
      this.#isAtEnd = false;
      this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
      return true;
    }
    this.#isAtEnd = true;
    if (!this.#options.follow && this.#failure === null) {
      this.#takeTail(lines);
      this.isDone = true;
    }
    if (this.#failure !== null && lines.length === 0) throw this.#failure;
    return false;
  }

  /** The next whole line; null where more bytes are needed. Blank lines are passed over. */
  #take(): Line | null {
    for (;;) {
      const end = this.#pending.indexOf(NEWLINE, this.#searched);
      if (end < 0) {
        this.#searched = this.#pending.length;
        if (this.#isSkipping || this.#pending.length > LINE_BYTES_MAX) this.#skip();
        return null;
      }
      const line = this.#isSkipping ? this.#cut : this.#lineOf(this.#pending.subarray(0, end));
      this.#isSkipping = false;
      this.#cut = null;
      this.#advance(end + 1);
      if (line !== null) return line;
    }
  }

  /** Forgets the bytes of a line that is too long, all but those that are delivered. */
  #skip(): void {
    if (!this.#isSkipping) this.#cut = this.#lineOf(Buffer.from(this.#pending));
    this.#isSkipping = true;
    this.#advance(this.#pending.length);
  }

  #advance(bytes: number): void {
    this.#at += bytes;
    this.#pending = this.#pending.subarray(bytes);
    this.#searched = 0;
    if (this.#at >= GENERATION) {
      throw new OperatingError(
        'SOURCE_UNREADABLE',
        `topic ${this.topic}: the file is larger than 256 GiB; rotate it`,
        { retryable: false },
      );
    }
  }

  #lineOf(content: Buffer): Line | null {
    const length = content.at(-1) === RETURN ? content.length - 1 : content.length;
    if (length === 0) return null;
    return { at: this.#at, bytes: content.subarray(0, Math.min(length, LINE_BYTES_MAX + 1)) };
  }

  /** Takes a last line that no newline ends. */
  #takeTail(lines: Line[]): void {
    const line = this.#isSkipping ? this.#cut : this.#lineOf(this.#pending);
    if (line !== null) lines.push(line);
    this.#at += this.#pending.length;
    this.#pending = NOTHING;
    this.#searched = 0;
    this.#isSkipping = false;
    this.#cut = null;
  }

  /** Opens the file where reading is to begin, once it is there. */
  async #enter(): Promise<void> {
    const found = await this.#find();
    if (found === null) {
      this.isDone = !this.#options.follow;
      return;
    }
    const wanted = this.#at;
    // Two bytes earlier: they tell whether the place is a line start, or one past a line's first byte.
    const from = Math.max(0, wanted - 2);
    await this.#open(found, from);
    let head = NOTHING as Buffer;
    while (head.length < wanted - from) {
      const chunk = (await this.#chunks?.next()) ?? null;
      if (chunk === null) break;
      head = Buffer.concat([head, chunk]);
    }
    const byte = (at: number) => (at < 0 ? NEWLINE : head[at - from]);
    const isLineStart = byte(wanted - 1) === NEWLINE;
    const isPastFirst = byte(wanted - 2) === NEWLINE;
    if (head.length < wanted - from || !(isLineStart || isPastFirst)) {
      await this.#replace(found, 'another file is in the place of the one that was left');
      return;
    }
    this.#pending = head.subarray(wanted - from);
    // The record before `wanted` was delivered: the rest of its line is passed over.
    this.#isSkipping = !isLineStart;
  }

  /** At the end of the file: has it grown, was it truncated, is there another one? */
  async #revisit(lines: Line[]): Promise<void> {
    const found = await this.#find();
    const known = this.#found;
    if (found === null || known === null || this.#chunks === null) return;
    if (found.identity !== known.identity) {
      // Its writer may still hold the old file: it is read once more before it is left.
      this.#replacedLooks += 1;
      if (this.#replacedLooks === 1) {
        this.#isAtEnd = false;
        return;
      }
      this.#takeTail(lines);
      if (lines.length === 0) await this.#replace(found, null);
      return;
    }
    this.#replacedLooks = 0;
    const end = this.#at + this.#pending.length;
    if (found.isGzip) {
      if (found.diskBytes === known.diskBytes) return;
      await this.close();
      this.#pending = NOTHING;
      this.#searched = 0;
      await this.#open(found, this.#at);
      return;
    }
    const isShorter = found.diskBytes < end;
    if (isShorter || (found.diskBytes > end && !(await this.#chunks.endsLine(this.#lineStart())))) {
      await this.#replace(found, 'the file was truncated');
    } else if (found.diskBytes > end) {
      this.#size = found.diskBytes;
      this.#isAtEnd = false;
      this.#found = found;
    }
  }

  /** Start of the line at hand, or 0 where that is unknown because it is being skipped. */
  #lineStart(): number {
    return this.#isSkipping ? 0 : this.#at;
  }

  /** Begins the next generation at the first byte of a file. A reason is reported. */
  async #replace(found: Found, reason: string | null): Promise<void> {
    await this.close();
    this.#generation += 1;
    if (this.#generation >= GENERATIONS_MAX) {
      throw new OperatingError(
        'SOURCE_UNREADABLE',
        `topic ${this.topic}: its file was replaced too often to count; start with a fresh database`,
        { retryable: false },
      );
    }
    this.#at = 0;
    this.#pending = NOTHING;
    this.#searched = 0;
    this.#isSkipping = false;
    this.#cut = null;
    const { log } = this.#options;
    const fields = { topic: this.topic, file: found.file, generation: this.#generation };
    if (reason === null) log.info(fields, 'the file was rotated; reading the new one');
    else log.warn(fields, `${reason}; reading it from its first byte`);
    await this.#open(found, 0);
  }

  async #open(found: Found, from: number): Promise<void> {
    const chunks = await openChunks(found, from);
    this.#chunks = chunks;
    this.#found = found;
    this.#size = await sizeOf(found);
    this.#isAtEnd = false;
    this.#replacedLooks = 0;
    this.#hasWarned = false;
  }

  async #find(): Promise<Found | null> {
    const { path: place, topics } = this.#options;
    if (topics.length === 1) {
      const alone = await lookAt(place);
      if (alone !== null) return alone;
    }
    const plain = await lookAt(path.join(place, `${this.topic}.jsonl`));
    if (plain === null) return lookAt(path.join(place, `${this.topic}.jsonl.gz`));
    return plain;
  }

  #warn(message: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#options.log.warn({ topic: this.topic, file: this.#found?.file ?? null }, message);
  }
}
