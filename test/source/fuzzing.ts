/** Fuzzing of decoders: inputs by seed from valid ones, and what must hold of every answer. */
import { REJECT_REASONS } from '../../src/model/detection.ts';
import { RECORD_BYTES_MAX } from '../../src/source/json.ts';
import type { Decode } from '../../src/source/source.ts';
import { recordOf } from './records.ts';

/** A decoder to be fuzzed: as a source has it, on its topic, with records that are valid for it. */
export interface Target {
  readonly name: string;
  readonly topic: string;
  readonly decode: Decode;
  readonly corpus: readonly Buffer[];
  /** Items of an input, where something else than the decoder can count them; null where not. */
  readonly itemsIn?: (bytes: Buffer) => number | null;
}

/** What a run did. */
export interface FuzzReport {
  readonly inputs: number;
  readonly events: number;
  readonly deadLetters: number;
  readonly ignored: number;
  /** By reason. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Most bytes that the heap grew by at a look every thousand inputs. */
  readonly heapGrown: number;
  /** What was found wrong; the run stops there. `input` repeats it. */
  readonly failure: { readonly at: number; readonly what: string; readonly input: string } | null;
}

/** A generator of numbers by seed (mulberry32): the same inputs on every machine. */
export function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Random = (below: number) => number;

const JSON_WORDS = [
  'null',
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\u0000',
  '1e999',
  '-0',
  '__proto__',
  '\\ud800',
  ',',
  ':',
];

/** One way to damage a record. */
type Damage = (bytes: Buffer, random: Random, corpus: readonly Buffer[]) => Buffer;

const cutAt = (bytes: Buffer, random: Random) => random(bytes.length + 1);

/** Every way; one of them makes a record too large, which is why it is rare. */
const DAMAGE: readonly Damage[] = [
  (bytes, random) => bytes.subarray(0, cutAt(bytes, random)),
  (bytes, random) => bytes.subarray(cutAt(bytes, random)),
  (bytes, random) => {
    const made = Buffer.from(bytes);
    const flips = 1 + random(4);
    for (let n = 0; n < flips && made.length > 0; n += 1) {
      const at = random(made.length);
      made[at] = (made[at] as number) ^ (1 << random(8));
    }
    return made;
  },
  (bytes, random) => {
    const made = Buffer.from(bytes);
    if (made.length > 0) made[random(made.length)] = random(2) === 0 ? random(256) : 0xff;
    return made;
  },
  (bytes, random, corpus) => {
    const other = corpus[random(corpus.length)] as Buffer;
    return Buffer.concat([
      bytes.subarray(0, cutAt(bytes, random)),
      other.subarray(cutAt(other, random)),
    ]);
  },
  (bytes, random) => {
    const at = cutAt(bytes, random);
    const end = Math.min(bytes.length, at + random(64));
    const part = bytes.subarray(at, end);
    const times = 1 + random(random(20) === 0 ? 2000 : 8);
    return Buffer.concat([
      bytes.subarray(0, end),
      ...new Array(times).fill(part),
      bytes.subarray(end),
    ]);
  },
  (bytes, random) => {
    const at = cutAt(bytes, random);
    const word = Buffer.from(JSON_WORDS[random(JSON_WORDS.length)] as string);
    return Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(at)]);
  },
  (bytes, random) => {
    const at = cutAt(bytes, random);
    const end = Math.min(bytes.length, at + random(16));
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
  },
  (bytes, random) => {
    // A length that lies: protobuf believes it, JSON reads it as text.
    const made = Buffer.from(bytes);
    const at = cutAt(bytes, random);
    for (let n = at; n < Math.min(made.length, at + 1 + random(10)); n += 1)
      made[n] = 0x80 | random(128);
    return made;
  },
  (bytes, random) => {
    const depth = 1 + random(200);
    const [open, close] = random(2) === 0 ? ['[', ']'] : ['{"a":', '}'];
    return Buffer.from(`${open.repeat(depth)}${bytes.toString('latin1')}${close.repeat(depth)}`);
  },
  (_bytes, random) => Buffer.from(Uint8Array.from({ length: random(64) }, () => random(256))),
  (bytes, random) =>
    bytes.length > 0 && random(2000) === 0 ? Buffer.alloc(RECORD_BYTES_MAX + 1, bytes) : bytes,
];

/** The n-th input of a seed: a valid record, damaged up to three times. */
export function inputOf(corpus: readonly Buffer[], random: Random): Buffer {
  let bytes = corpus[random(corpus.length)] as Buffer;
  const times = random(4);
  for (let n = 0; n < times; n += 1) {
    bytes = (DAMAGE[random(DAMAGE.length)] as Damage)(bytes, random, corpus);
    if (bytes.length > RECORD_BYTES_MAX) break;
    if (bytes.length > 256 * 1024) bytes = bytes.subarray(0, 256 * 1024);
  }
  return bytes;
}

const KNOWN: ReadonlySet<string> = new Set(REJECT_REASONS);
const RAW_MAX = 64 * 1024;

/** What is wrong with an answer; null where nothing is. */
function wrongWith(target: Target, bytes: Buffer, tally: Tally): string | null {
  const { events, deadLetters, flags } = target.decode(recordOf(bytes, { topic: target.topic }));
  const told = events.length + deadLetters.length + flags.ignored;
  tally.events += events.length;
  tally.deadLetters += deadLetters.length;
  tally.ignored += flags.ignored;
  if (told === 0) return 'the record was neither decoded, nor refused, nor counted';
  const items = target.itemsIn?.(bytes) ?? null;
  if (items !== null && told !== Math.max(items, 1)) return `${items} items, ${told} accounts`;
  for (const { reason, detail, raw, position } of deadLetters) {
    tally.reasons[reason] = (tally.reasons[reason] ?? 0) + 1;
    if (!KNOWN.has(reason)) return `the reason ${reason} is not on the list`;
    if (detail === '' || detail.length > 256) return `a detail of ${detail.length} characters`;
    if (raw.length > RAW_MAX) return `a dead letter of ${raw.length} bytes`;
    if (position.index < 0 || position.topic !== target.topic)
      return 'a dead letter without a place';
  }
  for (const { nativeId, contentHash, time } of events) {
    if (nativeId === '' || !Number.isSafeInteger(contentHash)) return 'an event without identity';
    if (!(time.eventMs >= 0 && time.nsInMs >= 0 && time.nsInMs < 1_000_000)) return 'no time';
  }
  return null;
}

interface Tally {
  events: number;
  deadLetters: number;
  ignored: number;
  readonly reasons: Record<string, number>;
}

/** Runs `inputs` inputs of a seed. An exception is a failure like any other; a hang ends no run. */
export function fuzz(target: Target, inputs: number, seed: number): FuzzReport {
  const random = numbers(seed);
  const tally: Tally = { events: 0, deadLetters: 0, ignored: 0, reasons: {} };
  const before = process.memoryUsage().heapUsed;
  let heapGrown = 0;
  for (let at = 0; at < inputs; at += 1) {
    const bytes = inputOf(target.corpus, random);
    let what: string | null;
    try {
      what = wrongWith(target, bytes, tally);
    } catch (cause) {
      what = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    }
    if (what !== null) {
      const input = bytes.subarray(0, 4096).toString('base64');
      return { inputs: at + 1, ...tally, heapGrown, failure: { at, what, input } };
    }
    if (at % 1000 === 999) heapGrown = Math.max(heapGrown, process.memoryUsage().heapUsed - before);
  }
  return { inputs, ...tally, heapGrown, failure: null };
}
