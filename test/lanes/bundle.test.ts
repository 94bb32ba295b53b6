/** Bundles: what went in comes out; whatever else comes is refused, in bounded time and memory. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { crc32 } from 'node:zlib';
import { type Bundle, decodeBundle, encodeBundle, type Unbundled } from '../../src/lanes/bundle.ts';
import type { Rec } from '../../src/model/ports.ts';
import { inputOf, numbers } from '../source/fuzzing.ts';

// biome-ignore lint/style/noProcessEnv: how much is fuzzed is chosen from outside, as for all decoders
const INPUTS = Number(process.env['PLUMBLINE_FUZZ'] ?? 20_000);

function rec(topic: string, partition: number, offset: number, value: string | null): Rec {
  const key = offset % 3 === 0 ? null : Buffer.from(`key-${offset}`);
  return {
    ...{ topic, partition, offset, timestampMs: 1_800_000_000_000 + offset, key },
    value: value === null ? null : Buffer.from(value),
  };
}

const FULL: Bundle = {
  gaps: [{ topic: 'gateway', partition: 2, from: 0, to: 9_007_199_254_740_991 }],
  records: [
    rec('gateway', 2, 10, '{"a":1}'),
    rec('gateway', 2, 11, null),
    rec('gatewäy', 0, 5_000_000_000, ''),
    rec('metrics', 1_000_000, 3, 'x'.repeat(3_000)),
  ],
  marks: [
    { topic: 'gateway', partition: 2, next: 12, newestMs: 1_800_000_000_000 },
    { topic: 'other', partition: 0, next: 0, newestMs: null },
    { topic: 'metrics', partition: 1_000_000, next: 4, newestMs: -5 },
  ],
};

const CORPUS: readonly Bundle[] = [
  FULL,
  { gaps: [], records: [], marks: [] },
  { gaps: [], records: [rec('t', 0, 0, '{}')], marks: [] },
  { gaps: [], records: [{ ...rec('t', 0, 0, '{}'), headers: { ce_id: 'e' } }], marks: [] },
  { gaps: [], records: [], marks: FULL.marks },
  {
    gaps: [],
    records: Array.from({ length: 40 }, (_, n) => rec(`topic-${n % 5}`, n % 3, n, `{"n":${n}}`)),
    marks: [{ topic: 'topic-1', partition: 1, next: 40, newestMs: 1 }],
  },
];

/** The same bytes with a checksum that fits: damage then reaches what lies behind it. */
function resealed(bytes: Buffer): Buffer {
  if (bytes.length < 7) return bytes;
  const made = Buffer.from(bytes);
  made.writeUInt16BE(0x504c, 0);
  made.writeUInt8(2, 2);
  made.writeUInt32BE(crc32(made.subarray(7)), 3);
  return made;
}

/** Puts damaged bundles to a decoder; says what was wrong with its first wrong answer. */
function fuzz(decode: (bytes: Buffer) => Unbundled, inputs: number, seed: number) {
  const random = numbers(seed);
  const corpus = CORPUS.map(encodeBundle);
  const counts = { inputs: 0, read: 0, refused: 0 };
  for (; counts.inputs < inputs; counts.inputs += 1) {
    const damaged = inputOf(corpus, random);
    const bytes = random(4) === 0 ? damaged : resealed(damaged);
    const wrong = wrongWith(decode, bytes, counts);
    if (wrong !== null) return { ...counts, failure: `${wrong}: ${bytes.toString('base64')}` };
  }
  return { ...counts, failure: null };
}

function wrongWith(
  decode: (bytes: Buffer) => Unbundled,
  bytes: Buffer,
  counts: { read: number; refused: number },
): string | null {
  let read: Unbundled;
  try {
    read = decode(bytes);
  } catch (cause) {
    return `it threw ${cause}`;
  }
  if (!read.ok) {
    counts.refused += 1;
    return read.reason === '' ? 'refused without a reason' : null;
  }
  counts.read += 1;
  const { gaps, records, marks } = read.bundle;
  const held = records.reduce(
    (sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0),
    0,
  );
  if (held + records.length * 26 + marks.length * 18 + gaps.length * 18 > bytes.length)
    return 'it holds more than was given';
  // What it took for a bundle is one: the same again, byte for byte but for the order of its table.
  const again = decodeBundle(encodeBundle(read.bundle));
  if (!again.ok) return `what it read cannot be written: ${again.reason}`;
  if (!isDeepStrictEqual(again, read))
    return 'what it read is another when it is written and read again';
  const counted = bytes.readUInt16BE(bytes.length - marks.length * 18 - 2);
  return counted === marks.length ? null : `${counted} marks were written, ${marks.length} read`;
}

function seedOf(t: TestContext): number {
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`seed ${seed}`);
  return seed;
}

describe('bundle', () => {
  it('gives back what it was given', () => {
    for (const bundle of CORPUS) {
      const read = decodeBundle(encodeBundle(bundle));
      assert.ok(read.ok);
      assert.deepEqual(read.bundle, bundle);
    }
  });

  it('keeps the headers of a record: a CloudEvent may be in nothing else', () => {
    const headers = { ce_specversion: '1.0', ce_id: 'é', ['__proto__']: 'x' };
    const record = { ...rec('mesh', 1, 7, '{}'), headers };
    const read = decodeBundle(encodeBundle({ gaps: [], records: [record], marks: [] }));
    assert.ok(read.ok);
    assert.deepEqual(
      Object.entries(read.bundle.records[0]?.headers ?? {}),
      Object.entries(headers),
    );
  });

  it('refuses what is no bundle, and says why', () => {
    const reason = (bytes: Buffer) => {
      const read = decodeBundle(bytes);
      return read.ok ? 'read' : read.reason;
    };
    const bytes = encodeBundle(FULL);
    const changed = Buffer.from(bytes);
    changed[60] = (changed[60] ?? 0) ^ 1;
    const newer = Buffer.from(bytes);
    newer[2] = 3;
    assert.match(reason(Buffer.alloc(0)), /shorter/);
    assert.match(reason(Buffer.from('{"kind":"gateway"}')), /does not begin/);
    assert.match(reason(newer), /version is 3/);
    assert.match(reason(changed), /checksum/);
    assert.match(reason(resealed(bytes.subarray(0, -1))), /do not fit/);
    assert.match(reason(resealed(Buffer.concat([bytes, Buffer.from('x')]))), /left over/);
  });

  it(`answers ${INPUTS} damaged bundles`, (t) => {
    const { failure, ...counts } = fuzz(decodeBundle, INPUTS, seedOf(t));
    t.diagnostic(JSON.stringify(counts));
    assert.equal(failure, null);
    assert.ok(counts.read > INPUTS / 20 && counts.refused > INPUTS / 20, JSON.stringify(counts));
  });

  it('finds a planted exception: a length that is believed', (t) => {
    const broken = (bytes: Buffer): Unbundled => {
      const read = decodeBundle(bytes);
      // As if somebody read the first topic's name without looking how much there is.
      if (bytes.length > 9 && bytes.readUInt16BE(0) === 0x504c)
        bytes.readUInt8(9 + (bytes[9] ?? 0));
      return read;
    };
    assert.match(fuzz(broken, 20_000, seedOf(t)).failure ?? '', /threw RangeError/);
  });

  it('finds a planted loss: the last of several marks is dropped', (t) => {
    const broken = (bytes: Buffer): Unbundled => {
      const read = decodeBundle(bytes);
      if (!read.ok || read.bundle.marks.length < 3) return read;
      return { ok: true, bundle: { ...read.bundle, marks: read.bundle.marks.slice(0, -1) } };
    };
    assert.match(fuzz(broken, 20_000, seedOf(t)).failure ?? '', /marks/);
  });
});
