/** Audit: judges checkpoints and entries against public keys, one after the other. */
import { hash } from 'node:crypto';
import {
  type Checkpoint,
  GENESIS,
  isCheckpointOf,
  keyAfter,
  type LaneHead,
  readCheckpoint,
  type SignedCheckpoint,
} from './checkpoint.ts';
import { entryFault, type JournalRow } from './journal.ts';
import { type PublicKey, publicKeyOf } from './signing-key.ts';

const brief = (keyId: string): string => keyId.slice(0, 12);

/** What was found of a record. */
export interface Audit {
  /** Nothing contradicts the keys, and nothing signed is missing. */
  readonly ok: boolean;
  /** The first thing that is wrong: where, and what. */
  readonly fault: {
    readonly at: string;
    readonly why: string;
    /** Number of the entry within its lane; null where it is no entry. */
    readonly entry: number | null;
  } | null;
  readonly entries: number;
  /** Entries no checkpoint covers yet: only the chain speaks for them. */
  readonly unsigned: number;
  readonly checkpoints: number;
  /** Time of the last checkpoint, ms; null without one. */
  readonly signedUntilMs: number | null;
  /** Hashes of the first checkpoint and of the last: to be compared with what was noted elsewhere. */
  readonly first: string | null;
  readonly last: string | null;
  /** Keys that signed, in order, and the checkpoint from which on. */
  readonly keys: readonly {
    readonly keyId: string;
    readonly from: number;
    /** given: by whoever verifies · introduced: by the key before · bound: only by a later hash. */
    readonly trust: 'given' | 'introduced' | 'bound';
  }[];
  /** What was pruned, by lane: what remains begins after `n`. */
  readonly pruned: readonly LaneHead[];
  readonly prunings: readonly {
    readonly n: number;
    readonly atMs: number;
    readonly by: string;
    readonly reason: string;
  }[];
}

interface Expected {
  readonly n: number;
  readonly hash: string;
  readonly checkpoint: number;
}

interface LaneAudit {
  /** Heads that checkpoints state, growing. */
  readonly expected: Expected[];
  next: number;
  before: Pick<JournalRow, 'n' | 'hash'> | null;
}

/**
 * Judges a record: first every checkpoint in order, then every entry, lane by lane in order, then
 * `finish`. What follows a fault is not looked at.
 */
export class Auditor {
  readonly #given: ReadonlyMap<string, PublicKey>;
  readonly #known = new Map<string, PublicKey>();
  readonly #lanes = new Map<number, LaneAudit>();
  /** Heads of each checkpoint that a pruning may name. */
  readonly #headsOf = new Map<number, readonly LaneHead[]>();
  readonly #keys: { keyId: string; from: number; trust: 'given' | 'introduced' | 'bound' }[] = [];
  readonly #prunings: { n: number; atMs: number; by: string; reason: string }[] = [];
  #fault: Audit['fault'] = null;
  #last: { readonly checkpoint: Checkpoint; readonly hash: string } | null = null;
  #first: string | null = null;
  #pruned: readonly LaneHead[] = [];
  #prunedTo = 0;
  #entries = 0;
  #unsigned = 0;
  /** A checkpoint was signed by a key that is trusted. */
  #isAnchored = false;

  constructor(given: readonly PublicKey[]) {
    this.#given = new Map(given.map((key) => [key.keyId, key]));
  }

  /** True once something was found wrong. */
  get isBroken(): boolean {
    return this.#fault !== null;
  }

  /** The key that has to have signed what follows the last checkpoint; null where none is trusted. */
  get inForce(): PublicKey | null {
    return this.#last === null ? null : (this.#known.get(keyAfter(this.#last.checkpoint)) ?? null);
  }

  get last(): { readonly n: number; readonly hash: string } | null {
    return this.#last === null ? null : { n: this.#last.checkpoint.n, hash: this.#last.hash };
  }

  /** Something outside the two chains is wrong. */
  fail(at: string, why: string, entry: number | null = null): void {
    this.#fault ??= { at, why, entry };
  }

  /** The next checkpoint. */
  checkpoint(signed: SignedCheckpoint): void {
    if (this.#fault !== null) return;
    const n = (this.#last?.checkpoint.n ?? 0) + 1;
    const checkpoint = readCheckpoint(signed.body);
    const fault =
      checkpoint === null
        ? 'it is no checkpoint in canonical form'
        : (this.#linkFault(checkpoint, signed, n) ??
          this.#signatureFault(checkpoint, signed) ??
          this.#headsFault(checkpoint) ??
          this.#taken(checkpoint, signed));
    if (fault !== null) this.fail(`checkpoint ${n}`, fault);
  }

  /** The next entry. */
  entry(entry: JournalRow): void {
    if (this.#fault !== null) return;
    const lane = this.#laneOf(entry.lane);
    const expected = lane.expected[lane.next];
    let fault = entryFault(entry, lane.before);
    if (expected === undefined) this.#unsigned += 1;
    else if (expected.n === entry.n) {
      lane.next += 1;
      if (expected.hash !== entry.hash)
        fault ??= `checkpoint ${expected.checkpoint} was signed over another entry`;
    }
    lane.before = entry;
    if (fault === null) this.#entries += 1;
    else this.fail(`lane ${entry.lane}, entry ${entry.n}`, fault, entry.n);
  }

  /** All was handed over: what is missing, and the whole answer. */
  finish(): Audit {
    for (const [id, { expected, next, before }] of [...this.#lanes].sort(([a], [b]) => a - b)) {
      const missing = expected[next];
      const end = expected.at(-1);
      if (missing === undefined || end === undefined) continue;
      const lacks = end.n - (before?.n ?? 0);
      this.fail(
        `lane ${id}, entry ${(before?.n ?? 0) + 1}`,
        `the last ${lacks} signed entries are missing: checkpoint ${end.checkpoint} was signed over ${end.n}`,
        (before?.n ?? 0) + 1,
      );
    }
    if (!this.#isAnchored && this.#last !== null)
      this.fail(
        'checkpoint 1',
        'no checkpoint is signed by the key given: it is the key of another record, or this one was signed anew',
      );
    return {
      ok: this.#fault === null,
      fault: this.#fault,
      entries: this.#entries,
      unsigned: this.#unsigned,
      checkpoints: this.#last?.checkpoint.n ?? 0,
      signedUntilMs: this.#last?.checkpoint.atMs ?? null,
      first: this.#first,
      last: this.#last?.hash ?? null,
      keys: this.#keys,
      pruned: this.#pruned,
      prunings: this.#prunings,
    };
  }

  #taken(checkpoint: Checkpoint, signed: SignedCheckpoint): string | null {
    this.#first ??= signed.hash;
    this.#last = { checkpoint, hash: signed.hash };
    this.#headsOf.set(checkpoint.n, checkpoint.lanes);
    for (const head of checkpoint.lanes) this.#expect(head, checkpoint.n);
    if (checkpoint.type === 'rotation') return this.#introduce(checkpoint);
    return checkpoint.type === 'pruning' ? this.#prune(checkpoint) : null;
  }

  #linkFault(checkpoint: Checkpoint, signed: SignedCheckpoint, n: number): string | null {
    const before = this.#last;
    if (checkpoint.n !== n) return `checkpoint ${checkpoint.n} stands in its place`;
    if (checkpoint.prev !== (before?.hash ?? GENESIS))
      return 'it does not follow from the checkpoint before';
    if (before !== null && checkpoint.atMs < before.checkpoint.atMs)
      return 'it was taken before the one it follows';
    if (n === 1 && checkpoint.type !== 'begin') return 'the first one does not state its key';
    return signed.hash === hash('sha256', signed.body, 'hex')
      ? null
      : 'its text is not what was hashed';
  }

  /** Keys are followed: given by whoever verifies, or introduced by one that was trusted. */
  #signatureFault(checkpoint: Checkpoint, signed: SignedCheckpoint): string | null {
    const { keyId, type, n, key } = checkpoint;
    const before = this.#last?.checkpoint ?? null;
    if (type === 'begin' && key?.keyId !== keyId)
      return 'it states another key than it is signed by';
    const isNext = before === null || keyAfter(before) === keyId;
    if (!isNext && type !== 'begin') return `key ${brief(keyId)} was never introduced`;
    const trusted = this.#given.get(keyId) ?? (isNext ? this.#known.get(keyId) : undefined);
    if (trusted !== undefined) {
      if (!isCheckpointOf(trusted, signed)) return 'its signature is not by the key it names';
      this.#isAnchored = true;
      this.#known.set(keyId, trusted);
      this.#note(keyId, n, this.#given.has(keyId) ? 'given' : 'introduced');
      return null;
    }
    if (this.#isAnchored)
      return type === 'begin'
        ? `the record begins anew with key ${brief(keyId)}, which no trusted key introduced; if you trust it, give it too`
        : `key ${brief(keyId)} is not trusted`;
    // Before the first trusted one: bound by the hashes that it, and all after it, rest on.
    this.#note(keyId, n, 'bound');
    return null;
  }

  #note(keyId: string, from: number, trust: 'given' | 'introduced' | 'bound'): void {
    const last = this.#keys.at(-1);
    if (last?.keyId !== keyId) this.#keys.push({ keyId, from, trust });
  }

  #headsFault({ lanes }: Checkpoint): string | null {
    const before = this.#last?.checkpoint.lanes ?? [];
    for (const head of before) {
      const now = lanes.find(({ lane }) => lane === head.lane);
      if (now === undefined) return `it no longer knows lane ${head.lane}`;
      if (now.n < head.n) return `lane ${head.lane} went back from entry ${head.n} to ${now.n}`;
      if (now.n === head.n && now.hash !== head.hash)
        return `entry ${head.n} of lane ${head.lane} is another than before`;
    }
    return null;
  }

  #expect(head: LaneHead, checkpoint: number): void {
    const { expected } = this.#laneOf(head.lane);
    const { n, hash: of } = head;
    if (n > (expected.at(-1)?.n ?? 0)) expected.push({ n, hash: of, checkpoint });
  }

  #introduce({ keyId, key }: Checkpoint): string | null {
    const next = key === undefined ? null : publicKeyOf(key.spki);
    if (next === null || next.keyId !== key?.keyId) return 'the key it introduces cannot be read';
    // Whoever is not trusted introduces nobody.
    if (this.#known.has(keyId)) this.#known.set(next.keyId, next);
    return null;
  }

  #prune({ n, atMs, pruning, by = '', reason = '' }: Checkpoint): string | null {
    const { upTo = 0, lanes = [] } = pruning ?? {};
    const heads = this.#headsOf.get(upTo) ?? [];
    if (upTo < this.#prunedTo || heads.length !== lanes.length)
      return 'it takes back what was pruned before';
    this.#prunedTo = upTo;
    for (const cut of lanes) {
      const head = heads.find(({ lane }) => lane === cut.lane);
      if (head?.n !== cut.n || head.hash !== cut.hash)
        return 'it prunes up to what no checkpoint was signed over';
      const lane = this.#laneOf(cut.lane);
      lane.before = cut;
      while ((lane.expected[lane.next]?.n ?? Number.POSITIVE_INFINITY) <= cut.n) lane.next += 1;
    }
    this.#pruned = lanes;
    this.#prunings.push({ n, atMs, by, reason });
    return null;
  }

  #laneOf(id: number): LaneAudit {
    let lane = this.#lanes.get(id);
    if (lane === undefined) {
      lane = { expected: [], next: 0, before: null };
      this.#lanes.set(id, lane);
    }
    return lane;
  }
}
