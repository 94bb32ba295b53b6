/** Checkpoints in PostgreSQL: takes one, rotates the key, and reads them in order. */
import { OperatingError } from '../model/errors.ts';
import type { Database, Query } from '../model/ports.ts';
import {
  type Checkpoint,
  type CheckpointType,
  GENESIS,
  keyAfter,
  type LaneHead,
  type Pruning,
  type SignedCheckpoint,
  signCheckpoint,
} from './checkpoint.ts';
import { numberOf, textOf } from './row.ts';
import type { PublicKey, Signer } from './signing-key.ts';
import { cleanText } from './text.ts';

/** Who takes a checkpoint, and when. */
export interface Taking {
  readonly signer: Signer;
  /** Name of the observer. */
  readonly instance: string;
  readonly nowMs: number;
}

/** Who gave the command, and why. */
export interface Signature {
  readonly by: string;
  readonly reason: string;
}

/** A checkpoint that was taken. */
export interface TakenCheckpoint extends SignedCheckpoint {
  readonly n: number;
  readonly atMs: number;
  readonly lanes: readonly LaneHead[];
}

/** Where the chain of checkpoints stands. */
export interface CheckpointHead {
  readonly n: number;
  readonly hash: string;
  readonly atMs: number;
  /** Key that signs the next one. */
  readonly inForce: string;
}

type Reads = Pick<Database, 'query'>;

const LAST = 'select n, hash, at_ms, in_force from journal_checkpoint order by n desc limit 1';
const HEADS = 'select lane, n, hash from journal_head where n > 0 order by lane';
const INSERT = `insert into journal_checkpoint (n, type, at_ms, key_id, in_force, body, hash, signature)
  values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (n) do nothing returning n`;
const TRIES = 8;

/** The last checkpoint; null where none was taken. */
export async function lastCheckpoint(db: Reads): Promise<CheckpointHead | null> {
  const [row] = await db.query(LAST);
  if (row === undefined) return null;
  return {
    n: numberOf(row, 'n'),
    hash: textOf(row, 'hash'),
    atMs: numberOf(row, 'at_ms'),
    inForce: textOf(row, 'in_force'),
  };
}

/**
 * Signs the heads of all lanes as they are committed. The first one states the key. JOURNAL_KEY where
 * the key is not the one in force: whoever holds the public key could not follow.
 */
export async function takeCheckpoint(db: Database, taking: Taking): Promise<TakenCheckpoint> {
  return await db.transaction((query) => append(query, taking, 'checkpoint', () => ({})));
}

/** Introduces the next key, signed by the one in force; from then on only the next one signs. */
export async function rotateKey(
  db: Database,
  taking: Taking,
  next: PublicKey,
  { by, reason }: Signature,
): Promise<TakenCheckpoint> {
  const { keyId, spki } = next;
  const said = { key: { keyId, spki }, by: cleanText(by, 512), reason: cleanText(reason, 1024) };
  return await db.transaction((query) => append(query, taking, 'rotation', () => said));
}

/**
 * Begins anew with a key that nobody introduces, because the one in force is lost. Whoever verifies has
 * to be given this key too: the break is seen for ever.
 */
export async function beginAnew(
  db: Database,
  taking: Taking,
  { by, reason }: Signature,
): Promise<TakenCheckpoint> {
  const said = { by: cleanText(by, 512), reason: cleanText(reason, 1024) };
  return await db.transaction((query) => append(query, taking, 'begin', () => said));
}

/** Signs that entries up to a checkpoint are let go of, within the caller's transaction. */
export async function signPruning(
  query: Query,
  taking: Taking,
  pruning: Pruning,
  { by, reason }: Signature,
): Promise<TakenCheckpoint> {
  const said = { pruning, by: cleanText(by, 512), reason: cleanText(reason, 1024) };
  return await append(query, taking, 'pruning', () => said);
}

async function append(
  query: Query,
  { signer, instance, nowMs }: Taking,
  asked: CheckpointType,
  say: () => Partial<Checkpoint>,
): Promise<TakenCheckpoint> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const last = await lastCheckpoint({ query });
    const { keyId, spki } = signer;
    if (last === null && asked !== 'checkpoint' && asked !== 'begin') throw nothingSigned();
    const type = last === null ? 'begin' : asked;
    if (last !== null && type !== 'begin' && last.inForce !== keyId)
      throw notInForce(last.inForce, keyId);
    const lanes = (await query(HEADS)).map(headOf);
    const checkpoint: Checkpoint = {
      ...{ v: 1, type, n: (last?.n ?? 0) + 1, prev: last?.hash ?? GENESIS },
      // A clock that was set back does not turn the order round.
      atMs: Math.max(nowMs, last?.atMs ?? 0),
      ...{ instance: cleanText(instance, 256), keyId, lanes },
      ...(type === 'begin' ? { key: { keyId, spki } } : {}),
      ...say(),
    };
    const signed = signCheckpoint(signer, checkpoint);
    const { n, atMs } = checkpoint;
    const row = [n, type, atMs, keyId, keyAfter(checkpoint)];
    const { body, hash, signature } = signed;
    const kept = await query(INSERT, [...row, body, hash, signature]);
    // Somebody else took one in between: ours has to follow from that.
    if (kept.length > 0) return { ...signed, n, atMs, lanes };
  }
  throw new OperatingError('DATABASE_TRANSIENT', 'others take checkpoints faster than we can', {
    retryable: true,
  });
}

const AFTER = `select n, body, hash, signature from journal_checkpoint
  where n > $1 order by n limit 1000`;

/** Every checkpoint in order, read in batches. */
export async function* readCheckpoints(db: Reads): AsyncGenerator<SignedCheckpoint, void> {
  let last = 0;
  for (;;) {
    const rows = await db.query(AFTER, [last]);
    for (const row of rows) {
      last = numberOf(row, 'n');
      yield {
        body: textOf(row, 'body'),
        hash: textOf(row, 'hash'),
        signature: textOf(row, 'signature'),
      };
    }
    if (rows.length < 1000) return;
  }
}

const KEYS = `select n, at_ms, type, body from journal_checkpoint
  where type in ('begin', 'rotation') order by n`;

/** A public key that the record names, and the checkpoint that states it. */
export interface StatedKey {
  readonly keyId: string;
  readonly spki: string;
  readonly checkpoint: number;
  readonly atMs: number;
  /** begin: nobody introduced it. */
  readonly type: 'begin' | 'rotation';
}

/** Every key the record states, in order. Its word for it proves nothing by itself. */
export async function statedKeys(db: Reads): Promise<readonly StatedKey[]> {
  return (await db.query(KEYS)).flatMap((row) => {
    const { key } = JSON.parse(textOf(row, 'body')) as Checkpoint;
    if (key === undefined) return [];
    const type = textOf(row, 'type') === 'begin' ? ('begin' as const) : ('rotation' as const);
    return [{ ...key, checkpoint: numberOf(row, 'n'), atMs: numberOf(row, 'at_ms'), type }];
  });
}

function headOf(row: Readonly<Record<string, unknown>>): LaneHead {
  return { lane: numberOf(row, 'lane'), n: numberOf(row, 'n'), hash: textOf(row, 'hash') };
}

function notInForce(inForce: string, ours: string): OperatingError {
  const message =
    `the record is signed by key ${inForce.slice(0, 12)}, and the one at hand is ${ours.slice(0, 12)}: ` +
    'nothing is signed until that key is back (journal.signingKey, or journal-key.pem in dataDir); ' +
    'if it is lost, `journal rotate-key --lost` begins anew, which every verification will show';
  return new OperatingError('JOURNAL_KEY', message, { retryable: false });
}

function nothingSigned(): OperatingError {
  return new OperatingError('JOURNAL_KEY', 'nothing is signed yet: `journal checkpoint` begins', {
    retryable: false,
  });
}
