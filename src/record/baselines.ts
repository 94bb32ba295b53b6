/** Baseline versions as recorded: documents by hash, one in force a subject, all journalled. */
import { hash as digest } from 'node:crypto';
import { OperatingError } from '../model/errors.ts';
import type { Database, Query, Row } from '../model/ports.ts';
import type { WindowScope } from '../model/window.ts';
import { appendJournal } from './journal.ts';
import {
  bytesOf,
  jsonOf,
  numberOf,
  numberOrNull,
  onlyRow,
  textOf,
  textOrNull,
  textsOf,
} from './row.ts';
import { cleanKey, cleanText, storableJson, whole, wholeOrNull } from './text.ts';
import { BASELINE_LANE } from './windows.ts';

type Reads = Pick<Database, 'query'>;

/** proposed: waits in review · promoted: in force · superseded: was in force · rejected: never was. */
export type VersionState = 'proposed' | 'promoted' | 'superseded' | 'rejected';

/** A version of a subject's baseline. The document is read apart, by its hash. */
export interface StoredVersion extends WindowScope {
  /** `sha256:…` of the document. */
  readonly hash: string;
  readonly state: VersionState;
  /** The version its document says it follows. */
  readonly parent: string | null;
  /** What was in force when it was proposed; it can replace nothing else. */
  readonly replaces: string | null;
  /** The version the drift ledger is measured from. */
  readonly anchor: string;
  readonly windowId: string;
  /** Drift since the anchor were this version in force, bits by dimension. */
  readonly ledger: Readonly<Record<string, number>>;
  /** What the learner measured and sent along; the review shows it. */
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly proposedBy: string;
  readonly proposedMs: number;
  readonly approvedBy: readonly string[];
  /** When people last said yes to it, ms; its age counts from here. */
  readonly revalidatedMs: number | null;
  readonly inForceMs: number | null;
  readonly endedMs: number | null;
}

const BLOB = `insert into baseline_blob (hash, bytes) values ($1, $2) on conflict (hash) do nothing`;
const READ_BLOB = `select bytes from baseline_blob where hash = $1`;
const SUBJECT = `insert into baseline_subject (level, subject) values ($1, $2)
  on conflict (level, subject) do nothing`;
const LOCK = `select 1 from baseline_subject where level = $1 and subject = $2 for update`;
const PROPOSE = `insert into baseline_version (hash, level, subject, state, parent, replaces, anchor,
    window_id, ledger, evidence, proposed_by, proposed_ms)
  values ($1, $2, $3, 'proposed', $4, $5, $6, $7, $8, $9, $10, $11)
  on conflict (hash) do update set state = 'proposed', anchor = excluded.anchor,
    replaces = excluded.replaces,    window_id = excluded.window_id, ledger = excluded.ledger, evidence = excluded.evidence,
    proposed_by = excluded.proposed_by, proposed_ms = excluded.proposed_ms,
    approved_by = '{}', ended_ms = null
  where baseline_version.state in ('proposed', 'rejected') returning hash`;
const PROMOTE = `update baseline_version set state = 'promoted', in_force_ms = $2, ended_ms = null,
    approved_by = $3, ledger = $4, anchor = $5, revalidated_ms = $2 where hash = $1`;
const RESTORE = `update baseline_version set state = 'promoted', in_force_ms = $2, ended_ms = null
  where hash = $1`;
const END = `update baseline_version set state = $2, ended_ms = $3 where hash = $1`;
const END_IN_FORCE = `update baseline_in_force set to_ms = $3
  where level = $1 and subject = $2 and to_ms is null`;
const BEGIN_IN_FORCE = `insert into baseline_in_force (level, subject, hash, from_ms)
  values ($1, $2, $3, $4)`;
const REVALIDATE = `update baseline_version set revalidated_ms = $2
  where hash = $1 and state = 'promoted' returning hash`;
const IN_FORCE = `select hash, level, subject, state, parent, replaces, anchor, window_id, ledger, evidence,
    proposed_by, proposed_ms, approved_by, revalidated_ms, in_force_ms, ended_ms
  from baseline_version where level = $1 and subject = $2 and state = 'promoted'`;
const ONE = `select hash, level, subject, state, parent, replaces, anchor, window_id, ledger, evidence,
    proposed_by, proposed_ms, approved_by, revalidated_ms, in_force_ms, ended_ms
  from baseline_version where hash = $1`;
const LIST = `select hash, level, subject, state, parent, replaces, anchor, window_id, ledger, '{}'::jsonb as evidence,
    proposed_by, proposed_ms, approved_by, revalidated_ms, in_force_ms, ended_ms
  from baseline_version
  where ($1::text[] is null or state = any ($1)) and ($2::text is null or level = $2)
    and ($3::text is null or subject = $3)
  order by level, subject, ord desc limit $4`;
const HASHES = `select hash from baseline_version
  where starts_with(hash, $1) order by hash limit 11`;

const versionOf = (row: Row): StoredVersion => ({
  hash: textOf(row, 'hash'),
  level: textOf(row, 'level') as WindowScope['level'],
  subject: textOf(row, 'subject'),
  state: textOf(row, 'state') as VersionState,
  parent: textOrNull(row, 'parent'),
  replaces: textOrNull(row, 'replaces'),
  anchor: textOf(row, 'anchor'),
  windowId: textOf(row, 'window_id'),
  ledger: jsonOf<Record<string, number>>(row, 'ledger'),
  evidence: jsonOf<Record<string, unknown>>(row, 'evidence'),
  proposedBy: textOf(row, 'proposed_by'),
  proposedMs: numberOf(row, 'proposed_ms'),
  approvedBy: textsOf(row, 'approved_by'),
  revalidatedMs: numberOrNull(row, 'revalidated_ms'),
  inForceMs: numberOrNull(row, 'in_force_ms'),
  endedMs: numberOrNull(row, 'ended_ms'),
});

/**
 * Stores a document under its hash; the database refuses one that does not fit it. Storing it again
 * changes nothing.
 */
export async function putDocument(query: Query, hash: string, text: string): Promise<void> {
  await query(BLOB, [hash, Buffer.from(text, 'utf8')]);
}

/** The text of a document, checked against its hash. Null: not stored here. */
export async function readDocument(db: Reads, hash: string): Promise<string | null> {
  const [row] = await db.query(READ_BLOB, [hash]);
  if (row === undefined) return null;
  const bytes = bytesOf(row, 'bytes');
  // The table's own check can be dropped by whoever owns the schema; ours cannot.
  const found = `sha256:${digest('sha256', bytes, 'hex')}`;
  if (found === hash) return bytes.toString('utf8');
  const message = `the stored baseline ${hash} was changed: its content hashes to ${found}. Import it again from the reviewed file, and find out who writes to the database`;
  throw new OperatingError('BASELINE_REFUSED', message, { retryable: false });
}

/** Locks a subject until the transaction ends: what is in force for it changes one at a time. */
export async function lockSubject(query: Query, scope: WindowScope): Promise<void> {
  const key = [scope.level, cleanKey(scope.subject)];
  await query(SUBJECT, key);
  await query(LOCK, key);
}

/** The version in force of a subject; null where there is none. */
export async function versionInForce(db: Reads, scope: WindowScope): Promise<StoredVersion | null> {
  const [row] = await db.query(IN_FORCE, [scope.level, cleanKey(scope.subject)]);
  return row === undefined ? null : versionOf(row);
}

/** A version by its whole hash; null where there is none. */
export async function versionByHash(db: Reads, hash: string): Promise<StoredVersion | null> {
  const [row] = await db.query(ONE, [hash]);
  return row === undefined ? null : versionOf(row);
}

/** A version by a unique beginning of its hash, with or without `sha256:`. NOT_FOUND otherwise. */
export async function readVersion(db: Reads, prefix: string): Promise<StoredVersion> {
  const digits = cleanKey(prefix.trim()).replace(/^sha256:/, '');
  const rows = /^[0-9a-f]{1,64}$/.test(digits) ? await db.query(HASHES, [`sha256:${digits}`]) : [];
  const [first, second] = rows;
  if (first !== undefined && second === undefined)
    return versionOf(onlyRow(await db.query(ONE, [textOf(first, 'hash')])));
  const message =
    first === undefined
      ? `no baseline has a hash that begins with "${digits.slice(0, 64)}": \`plumbline baseline status --all\` lists them`
      : `"${digits}" is the beginning of several baselines; write more of the hash`;
  throw new OperatingError('NOT_FOUND', message, { retryable: false });
}

/** Versions by subject, newest first within one, without their evidence: read one to see it. */
export async function listVersions(
  db: Reads,
  filter: {
    readonly states?: readonly VersionState[];
    readonly scope?: WindowScope;
    readonly limit: number;
  },
): Promise<readonly StoredVersion[]> {
  const { states, scope, limit } = filter;
  const subject = scope === undefined ? null : cleanKey(scope.subject);
  const rows = await db.query(LIST, [states ?? null, scope?.level ?? null, subject, limit]);
  return rows.map(versionOf);
}

/** What a proposal consists of besides its document. */
export type ProposedVersion = Omit<
  StoredVersion,
  'state' | 'approvedBy' | 'revalidatedMs' | 'inForceMs' | 'endedMs'
>;

/**
 * Records a proposal. False: this very document is or was in force, and is not proposed again.
 * The caller holds the lock of its subject.
 */
export async function insertProposal(query: Query, version: ProposedVersion): Promise<boolean> {
  const { hash, level, subject, parent, replaces, anchor, windowId, ledger, proposedBy } = version;
  const rows = await query(PROPOSE, [
    ...[hash, level, cleanKey(subject), parent, replaces, anchor, windowId],
    storableJson(ledger),
    storableJson(version.evidence),
    cleanText(proposedBy, 512),
    whole(version.proposedMs),
  ]);
  return rows.length === 1;
}

/** What is put in force, and on whose word. */
export interface Promotion {
  readonly version: StoredVersion;
  /** What was in force; null: nothing. */
  readonly before: StoredVersion | null;
  readonly approvedBy: readonly string[];
  /** Approved as a whole: the drift ledger begins anew here. */
  readonly full: boolean;
  readonly atMs: number;
  /** By whom or by which rule, and why. */
  readonly by: string;
  readonly reason: string;
}

/** Puts a proposal in force and what was in force out of it. The caller holds the subject's lock. */
export async function promoteVersion(query: Query, promotion: Promotion): Promise<void> {
  const { version, before, approvedBy, full, atMs, by, reason } = promotion;
  const at = wholeOrNull(atMs);
  if (before !== null) await query(END, [before.hash, 'superseded', at]);
  const ledger = full ? {} : version.ledger;
  const anchor = full ? version.hash : version.anchor;
  await query(PROMOTE, [version.hash, at, approvedBy, storableJson(ledger), anchor]);
  await journalVersion(query, 'promoted', version, before, { atMs, by, reason, approvedBy, full });
}

/** Puts an earlier version in force again. The caller holds the subject's lock. */
export async function restoreVersion(
  query: Query,
  change: Pick<Promotion, 'version' | 'before' | 'atMs' | 'by' | 'reason'>,
): Promise<void> {
  const { version, before, atMs, by, reason } = change;
  const at = wholeOrNull(atMs);
  if (before !== null) await query(END, [before.hash, 'superseded', at]);
  await query(RESTORE, [version.hash, at]);
  await journalVersion(query, 'rolled-back', version, before, { atMs, by, reason });
}

/** Records that a proposal came to nothing. */
export async function dropProposal(query: Query, hash: string, atMs: number): Promise<void> {
  const version = await versionByHash({ query }, hash);
  if (version === null || version.state !== 'proposed') return;
  await query(END, [hash, 'rejected', whole(atMs)]);
}

/** Records that a person looked at what is in force and found it right. False: it is not in force. */
export async function revalidateVersion(
  query: Query,
  version: StoredVersion,
  said: { readonly atMs: number; readonly by: string; readonly reason: string },
): Promise<boolean> {
  const rows = await query(REVALIDATE, [version.hash, whole(said.atMs)]);
  if (rows.length === 1) await journalVersion(query, 'revalidated', version, null, said);
  return rows.length === 1;
}

async function journalVersion(
  query: Query,
  what: 'promoted' | 'rolled-back' | 'revalidated',
  version: StoredVersion,
  before: StoredVersion | null,
  facts: { readonly atMs: number } & Readonly<Record<string, unknown>>,
): Promise<void> {
  const { level, subject, hash, parent, windowId } = version;
  const { atMs, ...rest } = facts;
  if (what !== 'revalidated') {
    await query(END_IN_FORCE, [level, subject, whole(atMs)]);
    await query(BEGIN_IN_FORCE, [level, subject, hash, whole(atMs)]);
  }
  const body = { what, level, subject, hash, parent, window: windowId, ...rest };
  await appendJournal(query, BASELINE_LANE, [
    { kind: 'baseline', atMs, body: { ...body, replaces: before?.hash ?? null } },
  ]);
}
