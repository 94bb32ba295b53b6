/** A record made in memory: chains of two lanes, checkpoints, two rotations and a pruning. */
import {
  type Checkpoint,
  GENESIS,
  type LaneHead,
  type SignedCheckpoint,
  signCheckpoint,
} from '../../src/record/checkpoint.ts';
import { type JournalRow, journalHash } from '../../src/record/journal.ts';
import { journalLines } from '../../src/record/journal-file.ts';
import { newSigningKey, type Signer, signerOf } from '../../src/record/signing-key.ts';

/** Small seeded generator: the same record and the same tamperings at each run. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A record, and the keys that signed it in their order. */
export interface MadeRecord {
  readonly checkpoints: readonly SignedCheckpoint[];
  readonly entries: readonly JournalRow[];
  readonly signers: readonly Signer[];
  readonly atMs: number;
}

const TEXTS = [
  'plain',
  'ünï "quoted" \\ text',
  '\u2028 line',
  '\uD83E\uDD16 robot',
  '{"a":1}',
  '�',
];

/** Continues a chain by `count` entries. */
export function entriesAfter(
  lane: number,
  head: Pick<JournalRow, 'n' | 'hash'>,
  count: number,
  random: () => number,
): JournalRow[] {
  const rows: JournalRow[] = [];
  let { n, hash: prev } = head;
  for (let at = 0; at < count; at += 1) {
    n += 1;
    const text = TEXTS[Math.floor(random() * TEXTS.length)] ?? '';
    const body = JSON.stringify({ id: Math.floor(random() * 1e9), n, text });
    const kind = random() < 0.5 ? 'detection' : 'decision';
    const row = { lane, n, atMs: 1_700_000_000_000 + n * 1000, kind, body, prev };
    prev = journalHash(row);
    rows.push({ ...row, hash: prev });
  }
  return rows;
}

/** How a record is made. */
export interface Making {
  /** Rounds of writing, each ended by a checkpoint. */
  readonly rounds: number;
  /** Entries of each lane and round. */
  readonly each: number;
  /** Rounds before which the key is exchanged. */
  readonly rotateAt?: readonly number[];
  /** Prunes, at the end, up to the checkpoint of this round. */
  readonly pruneTo?: number;
  /** Entries written after the last checkpoint. */
  readonly tail?: number;
  readonly seed: number;
}

/** Makes a record. */
export function makeRecord(making: Making): MadeRecord {
  const random = generator(making.seed);
  const signers = [signerOf(newSigningKey(), 'test')];
  const heads: LaneHead[] = [0, 1].map((lane) => ({ lane, n: 0, hash: GENESIS }));
  const kept: JournalRow[][] = [[], []];
  const checkpoints: SignedCheckpoint[] = [];
  const atRound: { n: number; lanes: readonly LaneHead[] }[] = [];
  let atMs = 1_700_000_000_000;
  const sign = (more: Partial<Checkpoint>): void => {
    const signer = signers.at(more.type === 'rotation' ? -2 : -1) as Signer;
    const n = checkpoints.length + 1;
    atMs += 60_000;
    const lanes = heads.filter((head) => head.n > 0).map((head) => ({ ...head }));
    checkpoints.push(
      signCheckpoint(signer, {
        ...{ v: 1, type: 'checkpoint', n, prev: checkpoints.at(-1)?.hash ?? GENESIS },
        ...{ atMs, instance: 'test', keyId: signer.keyId, lanes },
        ...(n === 1 ? { type: 'begin', key: { keyId: signer.keyId, spki: signer.spki } } : {}),
        ...more,
      }),
    );
    atRound.push({ n, lanes });
  };
  const write = (count: number): void => {
    for (const [lane, head] of heads.entries()) {
      const rows = entriesAfter(lane, head, count, random);
      kept[lane]?.push(...rows);
      const last = rows.at(-1);
      if (last !== undefined) heads[lane] = { lane, n: last.n, hash: last.hash };
    }
  };
  for (let round = 1; round <= making.rounds; round += 1) {
    if (making.rotateAt?.includes(round) === true) {
      const { keyId, spki, ...next } = signerOf(newSigningKey(), 'test');
      signers.push({ keyId, spki, ...next });
      sign({ type: 'rotation', key: { keyId, spki }, by: 'a person', reason: 'due' });
    }
    write(making.each);
    sign({});
  }
  const cut = making.pruneTo === undefined ? undefined : atRound[making.pruneTo];
  if (cut !== undefined) {
    const pruning = { upTo: cut.n, lanes: cut.lanes };
    sign({ type: 'pruning', pruning, by: 'housekeeping', reason: 'journal.keep 400d' });
    for (const head of cut.lanes)
      kept[head.lane] = (kept[head.lane] ?? []).filter(({ n }) => n > head.n);
  }
  write(making.tail ?? 0);
  return { checkpoints, entries: kept.flat(), signers, atMs };
}

/** The lines of its file. */
export async function linesOf(
  { checkpoints, entries, atMs }: Omit<MadeRecord, 'signers'>,
  signer: Signer | null,
): Promise<string[]> {
  const seal = signer === null ? null : { signer, atMs };
  const lines: string[] = [];
  for await (const line of journalLines({ checkpoints, entries }, seal)) lines.push(line);
  return lines;
}
