/** Signing: the key of the record, where it lies, and the round that signs in time. */
import path from 'node:path';
import { systemClock } from '../adapters/clock.ts';
import { createSecret, exists, readText, replaceFile } from '../adapters/files.ts';
import { runOnSchedule } from '../adapters/schedule.ts';
import type { Config } from '../model/config.ts';
import { durationMs } from '../model/duration.ts';
import { OperatingError } from '../model/errors.ts';
import type { Database, Log } from '../model/ports.ts';
import { lastCheckpoint, type TakenCheckpoint, takeCheckpoint } from '../record/checkpoints.ts';
import { prune } from '../record/pruning.ts';
import { newSigningKey, type Signer, signerOf } from '../record/signing-key.ts';
import { type Environment, secretOf } from './config.ts';

/** How often it is looked whether it is time to sign. */
const ROUNDS = '*/15 * * * * *';

/** A key of the record, and where it comes from. */
export interface KeyAtHand {
  readonly signer: Signer;
  /** What people are told of where it lies. */
  readonly where: string;
  /** True where it was made just now. */
  readonly isNew: boolean;
}

/** File of the key that is made where none is configured. */
export function keyFile(config: Config): string {
  return path.join(config.dataDir ?? '.plumbline', 'journal-key.pem');
}

/** Where the next key lies while it is introduced. */
export function nextKeyFile(config: Config): string {
  return path.join(config.dataDir ?? '.plumbline', 'journal-key.next.pem');
}

/**
 * The key that signs the record. Where none is configured it lies in dataDir, and is made there if
 * nothing was ever signed. JOURNAL_KEY where something was, and the key is not here.
 */
export async function keyAtHand(
  db: Database,
  config: Config,
  environment: Environment,
): Promise<KeyAtHand> {
  const configured = config.journal?.signingKey;
  if (configured !== undefined) {
    const pem = await secretOf(configured, 'journal.signingKey', environment);
    const where = 'journal.signingKey';
    return { signer: signerOf(pem, where), where, isNew: false };
  }
  const file = keyFile(config);
  const last = await lastCheckpoint(db);
  if (last !== null) await finishRotation(config, last.inForce);
  let isNew = false;
  if (!(await exists(file))) {
    if (last !== null) throw notHere(file, last.inForce);
    isNew = await createSecret(file, newSigningKey());
  }
  return { signer: signerOf(await readText(file), file), where: file, isNew };
}

/**
 * A rotation that a crash broke off: the next key was introduced, and its file not yet in place. One
 * that was not introduced stays: somebody may be about to.
 */
export async function finishRotation(config: Config, inForce: string): Promise<void> {
  const next = nextKeyFile(config);
  if (!(await exists(next))) return;
  if (signerOf(await readText(next), next).keyId === inForce)
    await replaceFile(next, keyFile(config));
}

/** A configured key that cannot be read is refused before anything starts: CONFIG_INVALID, NOT_FOUND. */
export async function checkSigningKey(config: Config, environment: Environment): Promise<void> {
  const configured = config.journal?.signingKey;
  if (configured === undefined) return;
  const where = 'journal.signingKey';
  signerOf(await secretOf(configured, where, environment), where);
}

/** What signing needs. */
export interface SigningParts {
  readonly db: Database;
  readonly config: Config;
  readonly environment: Environment;
  readonly log: Log;
}

/** Signs the heads of all lanes now. */
export async function signNow({
  db,
  config,
  environment,
  log,
}: SigningParts): Promise<TakenCheckpoint> {
  const { signer, where, isNew } = await keyAtHand(db, config, environment);
  if (isNew)
    log.warn(
      { keyId: signer.keyId.slice(0, 12), where },
      'a key that signs the record was made: keep it safe, and give auditors what `journal key` prints',
    );
  const instance = config.instance ?? 'plumbline';
  return await takeCheckpoint(db, { signer, instance, nowMs: systemClock.nowMs() });
}

/** Signs whenever the last checkpoint is old enough, until the signal aborts. */
export function signInTime(parts: SigningParts, signal: AbortSignal): void {
  const everyMs = durationMs(parts.config.journal?.checkpointEvery ?? '5m');
  const say = sayOnce(parts.log);
  const round = async (): Promise<void> => {
    try {
      const last = await lastCheckpoint(parts.db);
      if (last !== null && systemClock.nowMs() - last.atMs < everyMs) return;
      await signNow(parts);
      say('');
    } catch (cause) {
      if (!(cause instanceof OperatingError)) throw cause;
      // A database that is away is said by whoever works with it.
      if (!cause.retryable) say(cause.message);
    }
  };
  runOnSchedule('checkpoints', ROUNDS, round, parts.log, signal);
}

/** Signs what was recorded up to the end of a run. Never rejects for a failure of the world. */
export async function signAtTheEnd(parts: SigningParts): Promise<void> {
  try {
    await signNow(parts);
  } catch (cause) {
    if (!(cause instanceof OperatingError)) throw cause;
    parts.log.warn({ code: cause.code }, `the end of the record is not signed: ${cause.message}`);
  }
}

/** Lets go of entries as `journal.keep` says. Returns how many; 0 where it says nothing. */
export async function pruneByRetention(parts: SigningParts): Promise<number> {
  const { db, config, environment } = parts;
  const keep = config.journal?.keep;
  if (keep === undefined) return 0;
  const { signer } = await keyAtHand(db, config, environment);
  const nowMs = systemClock.nowMs();
  const taking = { signer, instance: config.instance ?? 'plumbline', nowMs };
  const why = { by: 'housekeeping', reason: `journal.keep: ${keep}` };
  return (await prune(db, taking, nowMs - durationMs(keep), why))?.entries ?? 0;
}

function sayOnce(log: Log): (message: string) => void {
  let said = '';
  return (message) => {
    if (message !== '' && message !== said)
      log.error({ code: 'JOURNAL_KEY' }, `the record is not being signed: ${message}`);
    said = message;
  };
}

function notHere(file: string, inForce: string): OperatingError {
  const message =
    `the record is signed by key ${inForce.slice(0, 12)}, and ${file} is not there: nothing is signed ` +
    'until it is back, or journal.signingKey names it; if it is lost, `journal rotate-key --lost` begins anew';
  return new OperatingError('JOURNAL_KEY', message, { retryable: false });
}
