/** Checkpoint: a signed statement of where the chain of each lane stood, itself in a chain. */
import { hash } from 'node:crypto';
import { canonicalJson } from '../model/canonical-json.ts';
import { isSignedBy, type PublicKey, type Signer } from './signing-key.ts';

/** Where the chain of a lane stood: its last entry, and the hash of that. */
export interface LaneHead {
  readonly lane: number;
  readonly n: number;
  readonly hash: string;
}

/** begin: states the key · checkpoint · rotation: states the next key · pruning: what was let go of. */
export const CHECKPOINT_TYPES = ['begin', 'checkpoint', 'rotation', 'pruning'] as const;
/** One of CHECKPOINT_TYPES. */
export type CheckpointType = (typeof CHECKPOINT_TYPES)[number];

/** Entries that were removed: of each lane all up to `n`. */
export interface Pruning {
  /** The checkpoint whose heads these are. */
  readonly upTo: number;
  readonly lanes: readonly LaneHead[];
}

/** What is signed. */
export interface Checkpoint {
  readonly v: 1;
  readonly type: CheckpointType;
  /** 1, 2, 3, … without a gap. */
  readonly n: number;
  /** Hash of the one before; 64 zeros for the first. */
  readonly prev: string;
  /** When it was taken, ms; never before the one before. */
  readonly atMs: number;
  /** Name of the observer that took it. */
  readonly instance: string;
  /** Key that signed it. */
  readonly keyId: string;
  /** By lane. */
  readonly lanes: readonly LaneHead[];
  /** begin: its own key; rotation: the key that signs from the next one on. */
  readonly key?: { readonly keyId: string; readonly spki: string };
  readonly pruning?: Pruning;
  /** Who rotated, pruned or began anew, and why. */
  readonly by?: string;
  readonly reason?: string;
}

/** A checkpoint as it is kept: the text that was signed, its hash, and the signature. */
export interface SignedCheckpoint {
  /** Canonical JSON of a Checkpoint. */
  readonly body: string;
  /** sha256 hex of `body`. */
  readonly hash: string;
  /** Ed25519 over the domain line and `body`, base64. */
  readonly signature: string;
}

/** What a chain begins with: hash of nothing. */
export const GENESIS = '0'.repeat(64);

/** First line of what is signed: a signature for one purpose is none for another. */
const DOMAIN = 'plumbline journal checkpoint 1\n';

/** Signs a checkpoint. */
export function signCheckpoint(signer: Signer, checkpoint: Checkpoint): SignedCheckpoint {
  const body = canonicalJson(checkpoint);
  return { body, hash: hash('sha256', body, 'hex'), signature: signer.sign(DOMAIN + body) };
}

/** Did the key sign it? */
export function isCheckpointOf(key: PublicKey, { body, signature }: SignedCheckpoint): boolean {
  return isSignedBy(key, DOMAIN + body, signature);
}

/** The key that signs the next one. */
export function keyAfter({ type, keyId, key }: Checkpoint): string {
  return type === 'rotation' ? (key?.keyId ?? keyId) : keyId;
}

/** Reads a body strictly: exactly the members a type has, in canonical form; null otherwise. */
export function readCheckpoint(body: string): Checkpoint | null {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return null;
  }
  if (!isCheckpoint(value) || canonicalJson(value) !== body) return null;
  return value;
}

const HASH = /^[0-9a-f]{64}$/;
const MEMBERS = new Set('v type n prev atMs instance keyId lanes key pruning by reason'.split(' '));

function isCheckpoint(value: unknown): value is Checkpoint {
  if (typeof value !== 'object' || value === null) return false;
  const one = value as Record<string, unknown>;
  const { type, key, pruning } = one;
  const isKnown = CHECKPOINT_TYPES.includes(type as CheckpointType);
  const hasKey = type === 'begin' || type === 'rotation';
  return (
    isKnown &&
    Object.keys(one).every((name) => MEMBERS.has(name)) &&
    one['v'] === 1 &&
    isWhole(one['n'], 1) &&
    isHash(one['prev']) &&
    isWhole(one['atMs'], 0) &&
    typeof one['instance'] === 'string' &&
    isHash(one['keyId']) &&
    isHeads(one['lanes']) &&
    (hasKey ? isKey(key) : key === undefined) &&
    (type === 'pruning' ? isPruning(pruning) : pruning === undefined) &&
    isText(one['by']) &&
    isText(one['reason'])
  );
}

function isWhole(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && HASH.test(value);
}

function isText(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function isKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { keyId, spki } = value as Record<string, unknown>;
  return isHash(keyId) && typeof spki === 'string';
}

function isPruning(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { upTo, lanes } = value as Record<string, unknown>;
  return isWhole(upTo, 1) && isHeads(lanes);
}

/** Heads in the order of their lanes, each once. */
function isHeads(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  return (value as unknown[]).every((each, at) => {
    if (typeof each !== 'object' || each === null) return false;
    const { lane, n, hash: head } = each as Record<string, unknown>;
    const before = at === 0 ? -1 : (value[at - 1] as LaneHead).lane;
    return isWhole(lane, 0) && lane > before && isWhole(n, 0) && isHash(head);
  });
}
