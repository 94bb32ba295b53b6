/** Rounds of verifying a journal file: CPU of one process over the same bytes. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readWholeLines, writeLines } from '../src/adapters/line-file.ts';
import { canonicalJson } from '../src/model/canonical-json.ts';
import { GENESIS, type SignedCheckpoint, signCheckpoint } from '../src/record/checkpoint.ts';
import { type JournalRow, journalHash } from '../src/record/journal.ts';
import { auditFile, journalLines } from '../src/record/journal-file.ts';
import { newSigningKey, type Signer, signerOf } from '../src/record/signing-key.ts';
import { answer, cpuUs, input } from './child.ts';

/** What to do. */
export interface JournalInput {
  readonly entries: number;
  /** Entries between two checkpoints. */
  readonly every: number;
  readonly rounds: number;
}

/** What was measured. */
export interface JournalOutcome {
  /** µs of CPU of each round. */
  readonly rounds: readonly number[];
  /** The same for writing the file. */
  readonly writeUs: number;
  readonly bytes: number;
  /** Verified in every round. */
  readonly entries: number;
  readonly checkpoints: number;
}

const START_MS = 1_700_000_000_000;

/** As long as an entry of a detection with two witnesses is. */
function bodyOf(n: number): string {
  const id = n.toString(16).padStart(64, '0');
  const witness = (kind: string, offset: number) => ({
    ...{ eventId: id, kind },
    position: { topic: kind, partition: 0, offset, index: 0 },
  });
  return canonicalJson({
    ...{ id, detector: 'unstated-action', version: `sha256:${id}`, level: 'high', late: false },
    ...{ evidenceClass: 'hard', maturity: 'alert', tenant: '-', agent: `agent-${n % 1000}` },
    ...{ session: `session-${n}`, seq: n % 50, timeMs: START_MS + n, blind: [], digest: id },
    witnesses: [witness('gateway', n), witness('reasoning', n + 1)],
  });
}

function makeRecord(signer: Signer, { entries: wanted, every }: JournalInput) {
  const entries: JournalRow[] = [];
  const checkpoints: SignedCheckpoint[] = [];
  let prev = GENESIS;
  for (let n = 1; n <= wanted; n += 1) {
    const row = { lane: 0, n, atMs: START_MS + n, kind: 'detection', body: bodyOf(n), prev };
    prev = journalHash(row);
    entries.push({ ...row, hash: prev });
    if (n % every !== 0 && n !== wanted) continue;
    const { keyId, spki } = signer;
    const first = checkpoints.length === 0;
    checkpoints.push(
      signCheckpoint(signer, {
        ...{ v: 1, type: first ? 'begin' : 'checkpoint', n: checkpoints.length + 1 },
        ...{ prev: checkpoints.at(-1)?.hash ?? GENESIS, atMs: START_MS + n, instance: 'bench' },
        ...{ keyId, lanes: [{ lane: 0, n, hash: prev }] },
        ...(first ? { key: { keyId, spki } } : {}),
      }),
    );
  }
  return { entries, checkpoints };
}

const given = input<JournalInput>();
const folder = await mkdtemp(join(tmpdir(), 'plt-bench-journal-'));
try {
  const signer = signerOf(newSigningKey(), 'bench');
  const record = makeRecord(signer, given);
  const file = join(folder, 'record.jsonl');
  const writing = cpuUs();
  await writeLines(file, journalLines(record, { signer, atMs: START_MS }));
  const writeUs = cpuUs() - writing;
  const rounds: number[] = [];
  for (let round = 0; round < given.rounds; round += 1) {
    const before = cpuUs();
    const found = await auditFile(readWholeLines(file), [signer], { unsealed: false });
    rounds.push(cpuUs() - before);
    if (!found.ok || found.entries !== given.entries)
      throw new Error(`round ${round}: ${found.fault?.at} ${found.fault?.why}`);
  }
  const { size: bytes } = await stat(file);
  const { entries, checkpoints } = record;
  const outcome: JournalOutcome = {
    ...{ rounds, writeUs, bytes, entries: entries.length, checkpoints: checkpoints.length },
  };
  answer(outcome);
} finally {
  await rm(folder, { recursive: true, force: true });
}
