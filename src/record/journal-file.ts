/** Journal file: the record as lines of JSON, to be verified with nothing but a public key. */
import { createHash, type Hash } from 'node:crypto';
import { canonicalJson } from '../model/canonical-json.ts';
import { type Audit, Auditor } from './audit.ts';
import type { SignedCheckpoint } from './checkpoint.ts';
import type { JournalRow } from './journal.ts';
import { isSignedBy, type PublicKey, type Signer } from './signing-key.ts';

/** First line of every file. */
const HEAD = '{"type":"plumbline-journal","v":1}\n';
/** First line of what the end signs. */
const DOMAIN = 'plumbline journal export 1\n';

/** What a file is made of. */
export interface Exported {
  /** All of them, in order. */
  readonly checkpoints: AsyncIterable<SignedCheckpoint> | Iterable<SignedCheckpoint>;
  /** Lane by lane, each in order. */
  readonly entries: AsyncIterable<JournalRow> | Iterable<JournalRow>;
}

/** Who signs the end, and when; the key has to be the one in force after the last checkpoint. */
export interface Seal {
  readonly signer: Signer;
  readonly atMs: number;
}

/** What was found of a file. */
export interface FileAudit extends Audit {
  /** Its end is signed: nothing was cut off. */
  readonly sealed: boolean;
  /** When it was made, ms; null where its end is not signed. */
  readonly exportedAtMs: number | null;
  readonly lines: number;
}

/**
 * The lines of a file, newlines included. Without a seal nothing says where it ends: whoever cuts it
 * off behind a checkpoint is not found out.
 */
export async function* journalLines(
  { checkpoints, entries }: Exported,
  seal: Seal | null,
): AsyncGenerator<string, void> {
  const digest = createHash('sha256');
  let lines = 0;
  let n = 0;
  let last: { readonly n: number; readonly hash: string } | null = null;
  const counted = (line: string): string => {
    digest.update(line);
    lines += 1;
    return line;
  };
  yield counted(HEAD);
  for await (const signed of checkpoints) {
    n += 1;
    last = { n, hash: signed.hash };
    yield counted(checkpointLine(signed));
  }
  for await (const entry of entries) yield counted(entryLine(entry));
  if (seal === null) return;
  const body = canonicalJson({
    ...{ v: 1, atMs: seal.atMs, keyId: seal.signer.keyId, lines, checkpoint: last },
    sha256: digest.digest('hex'),
  });
  yield endLine(body, seal.signer.sign(DOMAIN + body));
}

function checkpointLine({ body, hash, signature }: SignedCheckpoint): string {
  return `{"body":${text(body)},"hash":${text(hash)},"signature":${text(signature)},"type":"checkpoint"}\n`;
}

// Written out, for it is made and compared a million times; the order is that of canonical JSON.
function entryLine({ atMs, body, hash, kind, lane, n, prev }: JournalRow): string {
  return `{"atMs":${atMs},"body":${text(body)},"hash":${text(hash)},"kind":${text(kind)},"lane":${lane},"n":${n},"prev":${text(prev)},"type":"entry"}\n`;
}

function endLine(body: string, signature: string): string {
  return `{"body":${text(body)},"signature":${text(signature)},"type":"end"}\n`;
}

const text = (value: string): string => JSON.stringify(value);

/** How strictly a file is judged. */
export interface FileRules {
  /** True: a file whose end is not signed passes, as far as it reaches. */
  readonly unsealed: boolean;
  /** Hash of a checkpoint that was noted elsewhere: the file has to contain it. */
  readonly contains?: string;
}

/**
 * Judges a file by the public keys given. `lines` are its lines as bytes, each with its newline; every
 * byte counts. Reading stops at the first fault.
 */
export async function auditFile(
  lines: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  keys: readonly PublicKey[],
  rules: FileRules,
): Promise<FileAudit> {
  const reader = new FileReader(keys, rules);
  for await (const line of lines) {
    reader.line(line);
    if (reader.isBroken) break;
  }
  return reader.finish();
}

type Section = 'head' | 'checkpoints' | 'entries' | 'end';

class FileReader {
  readonly #auditor: Auditor;
  readonly #rules: FileRules;
  readonly #digest: Hash = createHash('sha256');
  // Fatal: bytes that are no UTF-8 must not turn into text that looks like other bytes.
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #section: Section = 'head';
  #lines = 0;
  #lane = -1;
  #exportedAtMs: number | null = null;
  #hasContained = false;

  constructor(keys: readonly PublicKey[], rules: FileRules) {
    this.#auditor = new Auditor(keys);
    this.#rules = rules;
  }

  get isBroken(): boolean {
    return this.#auditor.isBroken;
  }

  line(bytes: Uint8Array): void {
    const fault = this.#faultOf(bytes);
    if (fault !== null) this.#auditor.fail(`line ${this.#lines + 1}`, fault);
    this.#digest.update(bytes);
    this.#lines += 1;
  }

  finish(): FileAudit {
    const { unsealed, contains } = this.#rules;
    if (this.#section !== 'end' && !unsealed)
      this.#auditor.fail(
        `line ${this.#lines + 1}`,
        'the file has no signed end: it was cut off, or exported with --unsealed; what it does hold is judged with --unsealed',
      );
    if (contains !== undefined && !this.#hasContained)
      this.#auditor.fail('checkpoints', `the checkpoint ${contains} is not among them`);
    return {
      ...this.#auditor.finish(),
      sealed: this.#section === 'end',
      exportedAtMs: this.#exportedAtMs,
      lines: this.#lines,
    };
  }

  #decoded(bytes: Uint8Array): string | null {
    try {
      return this.#decoder.decode(bytes);
    } catch {
      return null;
    }
  }

  #faultOf(bytes: Uint8Array): string | null {
    const line = this.#decoded(bytes);
    if (line === null) return 'it is no UTF-8';
    if (this.#section === 'end') return 'it stands behind the signed end';
    if (this.#section !== 'head') return this.#record(line);
    this.#section = 'checkpoints';
    return line === HEAD ? null : 'the file does not begin as a journal of version 1';
  }

  #record(line: string): string | null {
    const record = parsed(line);
    switch (record?.['type']) {
      case 'checkpoint':
        return this.#checkpoint(record, line);
      case 'entry':
        return this.#entry(record, line);
      case 'end':
        return this.#end(record, line);
      default:
        return 'it is neither checkpoint nor entry nor end';
    }
  }

  #checkpoint(record: Readonly<Record<string, unknown>>, line: string): string | null {
    const { body, hash, signature } = record as unknown as SignedCheckpoint;
    const signed = { body, hash, signature };
    if (!areTexts(body, hash, signature) || checkpointLine(signed) !== line)
      return 'it is no checkpoint in the form of the export';
    if (this.#section !== 'checkpoints') return 'a checkpoint stands behind the first entry';
    if (hash === this.#rules.contains) this.#hasContained = true;
    this.#auditor.checkpoint(signed);
    return null;
  }

  #entry(record: Readonly<Record<string, unknown>>, line: string): string | null {
    const entry = record as unknown as JournalRow;
    const { atMs, lane, n, body, hash, kind, prev } = entry;
    const isWhole = [atMs, lane, n].every((number) => Number.isSafeInteger(number));
    if (!isWhole || !areTexts(body, hash, kind, prev) || entryLine(entry) !== line)
      return 'it is no entry in the form of the export';
    if (lane < this.#lane) return `lane ${lane} stands behind lane ${this.#lane}`;
    this.#section = 'entries';
    this.#lane = lane;
    this.#auditor.entry(entry);
    return null;
  }

  #end(record: Readonly<Record<string, unknown>>, line: string): string | null {
    const { body, signature } = record as { readonly body: string; readonly signature: string };
    if (!areTexts(body, signature) || endLine(body, signature) !== line)
      return 'it is no end in the form of the export';
    const end = parsed(body);
    const { inForce, last } = this.#auditor;
    const said = { checkpoint: last, keyId: inForce?.keyId, lines: this.#lines };
    const { atMs } = end ?? {};
    const sha256 = this.#digest.copy().digest('hex');
    if (inForce === null || !isSignedBy(inForce, DOMAIN + body, signature))
      return 'the end is not signed by the key in force';
    if (body !== canonicalJson({ ...said, v: 1, atMs, sha256 }))
      return 'the end was signed for another file than this';
    this.#exportedAtMs = Number(atMs);
    this.#section = 'end';
    return null;
  }
}

function parsed(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function areTexts(...values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === 'string');
}
