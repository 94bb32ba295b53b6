/** Journal files: what is exported verifies with the first public key alone, and no tampering passes. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { canonicalJson } from '../../src/model/canonical-json.ts';
import { type Checkpoint, GENESIS, signCheckpoint } from '../../src/record/checkpoint.ts';
import { type JournalRow, journalHash } from '../../src/record/journal.ts';
import { auditFile, type FileAudit, type FileRules } from '../../src/record/journal-file.ts';
import {
  newSigningKey,
  type PublicKey,
  pemOf,
  type Signer,
  signerOf,
} from '../../src/record/signing-key.ts';
import { generator, linesOf, type MadeRecord, makeRecord } from './made-record.ts';
import { verifyByTheBook } from './verifier-by-the-book.ts';

const STRICT: FileRules = { unsealed: false };

/** Lines as a file has them: cut behind each newline. */
function* cut(bytes: Buffer): Generator<Buffer> {
  for (let from = 0; from < bytes.length; ) {
    const at = bytes.indexOf(10, from);
    const to = at < 0 ? bytes.length : at + 1;
    yield bytes.subarray(from, to);
    from = to;
  }
}

const audit = async (
  file: string | Buffer,
  keys: readonly PublicKey[],
  rules = STRICT,
): Promise<FileAudit> => await auditFile(cut(Buffer.from(file)), keys, rules);

const record = makeRecord({ rounds: 8, each: 6, rotateAt: [3, 6], pruneTo: 1, seed: 7 });
const firstKey = record.signers[0] as Signer;
const lastKey = record.signers.at(-1) as Signer;
const lines = await linesOf(record, lastKey);
const file = lines.join('');

test('whoever holds the first public key follows two rotations and a pruning to the signed end', async () => {
  const found = await audit(file, [firstKey]);
  assert.deepEqual(found.fault, null);
  assert.equal(found.ok, true);
  assert.equal(found.sealed, true);
  assert.equal(found.unsigned, 0);
  assert.equal(found.entries, record.entries.length);
  assert.equal(found.exportedAtMs, record.atMs);
  assert.deepEqual(
    found.keys.map(({ keyId, trust }) => [keyId, trust]),
    record.signers.map(({ keyId }, at) => [keyId, at === 0 ? 'given' : 'introduced']),
  );
  assert.deepEqual(
    found.pruned.map(({ lane, n }) => [lane, n]),
    [
      [0, 12],
      [1, 12],
    ],
  );
  assert.deepEqual(
    found.prunings.map(({ by, reason }) => [by, reason]),
    [['housekeeping', 'journal.keep 400d']],
  );
  verifyByTheBook(Buffer.from(file), pemOf(firstKey));
});

test('a later key is enough too: what came before is bound by the hashes it signed', async () => {
  const found = await audit(file, [lastKey]);
  assert.equal(found.ok, true, found.fault?.why);
  assert.deepEqual(
    found.keys.map(({ trust }) => trust),
    ['bound', 'bound', 'given'],
  );
});

test('without a signed end a file passes only where that is asked for, and says what nobody signed', async () => {
  const made = makeRecord({ rounds: 2, each: 5, tail: 4, seed: 3 });
  const open = (await linesOf(made, null)).join('');
  const key = made.signers[0] as Signer;
  const strict = await audit(open, [key]);
  assert.equal(strict.ok, false);
  assert.match(strict.fault?.why ?? '', /no signed end/);
  const lenient = await audit(open, [key], { unsealed: true });
  assert.equal(lenient.ok, true);
  assert.deepEqual([lenient.entries, lenient.unsigned], [28, 8]);
  // Behind the last checkpoint a cut cannot be seen; before it, it is.
  const all = await linesOf(made, null);
  const tail = await audit(all.slice(0, -2).join(''), [key], { unsealed: true });
  assert.deepEqual([tail.ok, tail.unsigned], [true, 6]);
  const gone = await audit(all.slice(0, -5).join(''), [key], { unsealed: true });
  assert.match(gone.fault?.why ?? '', /the last 1 signed entries are missing/);
});

test('a checkpoint that was noted elsewhere has to be in the file', async () => {
  const noted = record.checkpoints[4]?.hash ?? '';
  assert.equal((await audit(file, [firstKey], { unsealed: false, contains: noted })).ok, true);
  const other = await audit(file, [firstKey], { unsealed: false, contains: 'f'.repeat(64) });
  assert.match(other.fault?.why ?? '', /is not among them/);
});

test('a key that is lost makes a break that shows, until the new key is given as well', async () => {
  const made = makeRecord({ rounds: 3, each: 4, seed: 5 });
  const next = signerOf(newSigningKey(), 'test');
  const last = JSON.parse(made.checkpoints.at(-1)?.body ?? '') as Checkpoint;
  const anew = signCheckpoint(next, {
    ...{ v: 1, type: 'begin', n: last.n + 1, prev: made.checkpoints.at(-1)?.hash ?? '' },
    ...{ atMs: last.atMs, instance: 'test', keyId: next.keyId, lanes: last.lanes },
    ...{ key: { keyId: next.keyId, spki: next.spki }, by: 'a person', reason: 'disk lost' },
  });
  const broken = { ...made, checkpoints: [...made.checkpoints, anew] };
  const text = (await linesOf(broken, next)).join('');
  const [first] = made.signers as [Signer];
  assert.match((await audit(text, [first])).fault?.why ?? '', /begins anew with key/);
  assert.equal((await audit(text, [first, next])).ok, true);
});

/** What somebody can do to a file who does not hold the private key. Null: nothing was changed. */
type Tampering = (random: () => number) => Promise<Buffer | null> | Buffer | null;

const whole = (at: number, most: number): number => Math.floor(at * most);
const entryLines = lines.flatMap((line, at) => (line.includes('"type":"entry"') ? [at] : []));
const checkpointLines = lines.flatMap((line, at) =>
  line.includes('"type":"checkpoint"') ? [at] : [],
);
const pick = (from: readonly number[], random: () => number): number =>
  from[whole(random(), from.length)] ?? 0;
const joined = (changed: readonly string[]): Buffer => Buffer.from(changed.join(''));
const stranger = signerOf(newSigningKey(), 'test');

/** Chains the entries anew from a changed one on, as somebody does who knows the rule. */
const rehashed = (entries: readonly JournalRow[], from: number): JournalRow[] => {
  const out = [...entries];
  const lane = out[from]?.lane;
  let prev = out[from]?.prev ?? '';
  for (let at = from; at < out.length && out[at]?.lane === lane; at += 1) {
    const row = { ...(out[at] as JournalRow), prev };
    if (at === from) Object.assign(row, { body: '{"forged":true}' });
    prev = journalHash(row);
    out[at] = { ...row, hash: prev };
  }
  return out;
};

/** Signs every checkpoint anew with another key, over whatever entries there are. */
const resigned = (made: MadeRecord, entries: readonly JournalRow[], keepKeyIds: boolean) => {
  let prev = GENESIS;
  const hashes = new Map(entries.map((row) => [`${row.lane} ${row.n}`, row.hash]));
  return made.checkpoints.map(({ body }) => {
    const said = JSON.parse(body) as Checkpoint;
    const lanes = said.lanes.map((head) => ({
      ...head,
      hash: hashes.get(`${head.lane} ${head.n}`) ?? head.hash,
    }));
    const own = { keyId: stranger.keyId, spki: stranger.spki };
    const key = said.key === undefined || keepKeyIds ? {} : { key: own };
    const keyId = keepKeyIds ? said.keyId : stranger.keyId;
    const signed = signCheckpoint(stranger, { ...said, prev, lanes, keyId, ...key });
    prev = signed.hash;
    return signed;
  });
};

const TAMPERINGS: Readonly<Record<string, Tampering>> = {
  'a byte flipped': (random) => {
    const bytes = Buffer.from(file);
    const at = whole(random(), bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << whole(random(), 8));
    return bytes;
  },
  'a byte removed': (random) => {
    const bytes = Buffer.from(file);
    const at = whole(random(), bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
  },
  'a byte inserted': (random) => {
    const bytes = Buffer.from(file);
    const at = whole(random(), bytes.length + 1);
    const byte = Buffer.from([whole(random(), 256)]);
    return Buffer.concat([bytes.subarray(0, at), byte, bytes.subarray(at)]);
  },
  'a line removed': (random) => joined(lines.toSpliced(whole(random(), lines.length), 1)),
  'a run of lines removed': (random) =>
    joined(lines.toSpliced(whole(random(), lines.length), 1 + whole(random(), 12))),
  'two lines swapped': (random) => {
    const [a, b] = [whole(random(), lines.length), whole(random(), lines.length)];
    return a === b ? null : joined(lines.with(a, lines[b] as string).with(b, lines[a] as string));
  },
  'a line told twice': (random) => {
    const at = whole(random(), lines.length);
    return joined(lines.toSpliced(whole(random(), lines.length + 1), 0, lines[at] as string));
  },
  'an entry invented': (random) => {
    const at = pick(entryLines, random);
    const said = JSON.parse(lines[at] as string) as JournalRow;
    const row = { ...said, n: said.n + 1, prev: said.hash, body: '{"invented":true}' };
    const invented = { ...row, hash: journalHash(row), type: 'entry' };
    return joined(lines.toSpliced(at + 1, 0, `${canonicalJson(invented)}\n`));
  },
  'cut off behind a line': (random) =>
    joined(lines.slice(0, 1 + whole(random(), lines.length - 1))),
  'cut off within a line': (random) =>
    Buffer.from(file).subarray(0, 1 + whole(random(), Buffer.byteLength(file) - 1)),
  'a checkpoint replaced by another of ours': (random) => {
    const [a, b] = [pick(checkpointLines, random), pick(checkpointLines, random)];
    return a === b ? null : joined(lines.with(a, lines[b] as string));
  },
  'a checkpoint signed by a stranger': (random) => {
    const at = pick(checkpointLines, random);
    const { body } = JSON.parse(lines[at] as string) as { body: string };
    const said = JSON.parse(body) as Checkpoint;
    const forged = signCheckpoint(stranger, { ...said, atMs: said.atMs + 1 });
    return joined(lines.with(at, `${canonicalJson({ ...forged, type: 'checkpoint' })}\n`));
  },
  'a checkpoint of a stranger appended': (random) => {
    const last = checkpointLines.at(-1) as number;
    const { hash: prev } = JSON.parse(lines[last] as string) as { hash: string };
    const said = JSON.parse((JSON.parse(lines[last] as string) as { body: string }).body);
    const forged = signCheckpoint(stranger, {
      ...{ v: 1, type: random() < 0.5 ? 'begin' : 'checkpoint', n: said.n + 1, prev },
      ...{ atMs: said.atMs, instance: 'test', keyId: stranger.keyId, lanes: said.lanes },
      key: { keyId: stranger.keyId, spki: stranger.spki },
    });
    return joined(
      lines.toSpliced(last + 1, 0, `${canonicalJson({ ...forged, type: 'checkpoint' })}\n`),
    );
  },
  'a suffix hashed anew': async (random) => {
    const entries = rehashed(record.entries, whole(random(), record.entries.length));
    return joined(await linesOf({ ...record, entries }, stranger));
  },
  'a suffix hashed anew under the old end': async (random) => {
    const entries = rehashed(record.entries, whole(random(), record.entries.length));
    const forged = await linesOf({ ...record, entries }, null);
    return joined([...forged, lines.at(-1) as string]);
  },
  'all signed anew by a stranger': async (random) => {
    const entries = rehashed(record.entries, whole(random(), record.entries.length));
    const checkpoints = resigned(record, entries, false);
    return joined(await linesOf({ ...record, entries, checkpoints }, stranger));
  },
  'all signed anew by a stranger under our key ids': async (random) => {
    const entries = rehashed(record.entries, whole(random(), record.entries.length));
    const checkpoints = resigned(record, entries, true);
    return joined(await linesOf({ ...record, entries, checkpoints }, stranger));
  },
  'the end signed by a stranger over a shorter file': async (random) => {
    const n = 1 + whole(random(), record.checkpoints.length - 1);
    const checkpoints = record.checkpoints.slice(0, n);
    return joined(await linesOf({ ...record, checkpoints }, stranger));
  },
  'the end signed by a key that was rotated out': async (random) => {
    const n = 1 + whole(random(), record.checkpoints.length - 1);
    const checkpoints = record.checkpoints.slice(0, n);
    const says = JSON.parse(checkpoints.at(-1)?.body ?? '') as Checkpoint;
    // Where the first key is in force it may sign what it likes: whoever holds a key can.
    if (says.keyId === firstKey.keyId && says.type !== 'rotation') return null;
    return joined(await linesOf({ ...record, checkpoints }, firstKey));
  },
};

const SEED = 20_261_129;
const TRIALS = 1000;

test(`${TRIALS} random tamperings of an export are all found, by us and by a verifier of the document`, async (t) => {
  t.diagnostic(`seed ${SEED}`);
  const random = generator(SEED);
  const names = Object.keys(TAMPERINGS);
  const pem = pemOf(firstKey);
  const original = hash('sha256', file, 'hex');
  let tried = 0;
  for (let n = 0; tried < TRIALS; n += 1) {
    const name = names[n % names.length] ?? '';
    const tampered = await TAMPERINGS[name]?.(random);
    if (tampered === null || tampered === undefined) continue;
    if (hash('sha256', tampered, 'hex') === original) continue;
    tried += 1;
    const found = await audit(tampered, [firstKey]);
    assert.equal(found.ok, false, `seed ${SEED}, trial ${n}: ${name} was not found`);
    assert.ok(found.fault?.at !== undefined && found.fault.why !== '', name);
    assert.throws(() => verifyByTheBook(tampered, pem), `trial ${n}: ${name} passes the book`);
  }
  assert.equal((await audit(file, [firstKey])).ok, true);
});

test('the key of another record is told from a forgery', async () => {
  const found = await audit(file, [stranger], { unsealed: true });
  assert.equal(found.ok, false);
  const signedOnly = (await linesOf(record, null)).join('');
  const other = await audit(signedOnly, [stranger], { unsealed: true });
  assert.match(other.fault?.why ?? '', /no checkpoint is signed by the key given/);
});
