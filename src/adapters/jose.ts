/** Keys and tokens of the Shared Signals transmitter; the only home of `jose`. */
import { hkdfSync } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import {
  CompactEncrypt,
  CompactSign,
  type CryptoKey,
  calculateJwkThumbprint,
  compactDecrypt,
  compactVerify,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
} from 'jose';
import { OperatingError } from '../model/errors.ts';
import type { Clock } from '../model/ports.ts';
import type { PublicKey, SignalKeys } from '../model/signals.ts';

/** The interoperability profile's least. */
const BITS_MIN = 2_048;
/** Keys a set may hold: current, next, before, and some that are on their way out. */
const KEYS_MAX = 8;
/** How long a key stays published after it was replaced, ms: receivers may hold what it signed. */
const PUBLISHED_AFTER_MS = 7 * 86_400_000;
const BYTES_MAX = 64 * 1024;

interface HeldKey {
  readonly kid: string;
  /** With its private members. */
  readonly jwk: JWK;
}

/** A set of private keys: the first signs. */
export type PrivateKeySet =
  | { readonly ok: true; readonly keys: readonly HeldKey[] }
  /** What is wrong, without a word of the keys. */
  | { readonly ok: false; readonly problem: string };

/**
 * Private RSA keys of a JWK Set (RFC 7517): the first signs, the others are published so that
 * receivers know the next one before it is used. A key without `kid` gets its thumbprint (RFC 7638).
 */
export async function parsePrivateKeys(text: string): Promise<PrivateKeySet> {
  const refuse = (problem: string) => ({ ok: false as const, problem: `jwks ${problem}` });
  const parsed = parsedJson(text);
  const list = typeof parsed === 'object' && parsed !== null && 'keys' in parsed ? parsed.keys : [];
  if (!Array.isArray(list) || list.length === 0)
    return refuse('is no JWK Set; write {"keys": [{"kty": "RSA", …}]} with private keys');
  if (list.length > KEYS_MAX)
    return refuse(`holds ${list.length} keys; ${KEYS_MAX} are enough: current, next and old ones`);
  const keys: HeldKey[] = [];
  for (const [at, jwk] of (list as readonly (JWK | null)[]).entries()) {
    if (jwk?.kty !== 'RSA' || typeof jwk.n !== 'string' || typeof jwk.d !== 'string')
      return refuse(`key ${at + 1} is no private RSA key; receivers take nothing but RS256`);
    const bits = Buffer.from(jwk.n, 'base64url').length * 8;
    if (bits < BITS_MIN) return refuse(`key ${at + 1} has ${bits} bits; ${BITS_MIN} are the least`);
    if (!(await signsWell(jwk)))
      return refuse(`key ${at + 1} does not sign what its public part verifies; is it whole?`);
    const kid = typeof jwk.kid === 'string' ? jwk.kid : await calculateJwkThumbprint(jwk);
    if (keys.some((one) => one.kid === kid)) return refuse(`has two keys with one kid`);
    keys.push({ kid, jwk });
  }
  return { ok: true, keys };
}

/** Tried, since a key may be read without complaint and still be spoilt. */
async function signsWell(jwk: JWK): Promise<boolean> {
  try {
    const probe = await new CompactSign(Buffer.from('probe'))
      .setProtectedHeader({ alg: 'RS256' })
      .sign(await importJWK(jwk, 'RS256'));
    const { kty, n, e } = jwk;
    await compactVerify(probe, await importJWK({ kty, n, e } as JWK, 'RS256'));
    return true;
  } catch (cause) {
    if (cause instanceof Error) return false;
    throw cause;
  }
}

/** Keys from a secret: rotated by whoever keeps the secret, by putting the next one first. */
export function createGivenKeys(keys: readonly HeldKey[]): SignalKeys {
  return keysOver(async () => ({ signing: keys[0], published: keys }));
}

/** How keys of our own are kept. */
export interface KeptKeysOptions {
  /** Made where it is missing, mode 0600. */
  readonly file: string;
  readonly rotateEveryMs: number;
}

interface KeptKeys {
  readonly current: HeldKey;
  readonly sinceMs: number;
  readonly next: HeldKey;
  readonly before: readonly { readonly key: HeldKey; readonly untilMs: number }[];
}

/**
 * Keys that we make ourselves and keep in a file of mode 0600. After `rotateEveryMs` the next key,
 * which receivers have known all the while, signs; the old one stays published for a week. Rejects
 * with SOURCE_UNREADABLE where the file is there and holds no keys. `made` says whether it is new.
 */
export async function createKeptKeys(
  options: KeptKeysOptions,
  clock: Clock,
): Promise<{ readonly keys: SignalKeys; readonly made: boolean }> {
  const found = await readKept(options.file);
  let held = found ?? (await freshKeys(clock.nowMs()));
  if (found === null) await writeKept(options.file, held);
  let turn: Promise<void> = Promise.resolve();
  const rotate = async (): Promise<void> => {
    const nowMs = clock.nowMs();
    if (nowMs < held.sinceMs + options.rotateEveryMs) return;
    const next: KeptKeys = {
      current: held.next,
      sinceMs: nowMs,
      next: await freshKey(),
      before: [
        { key: held.current, untilMs: nowMs + PUBLISHED_AFTER_MS },
        ...held.before.filter(({ untilMs }) => untilMs > nowMs),
      ].slice(0, KEYS_MAX - 2),
    };
    // Written before it is used: after a crash nobody has seen a signature of a key that is lost.
    await writeKept(options.file, next);
    held = next;
  };
  const now = async () => {
    // One at a time, or two callers would each make a next key.
    turn = turn.then(rotate, rotate);
    await turn;
    const { current, next, before } = held;
    return { signing: current, published: [current, next, ...before.map(({ key }) => key)] };
  };
  return { keys: keysOver(now), made: found === null };
}

/** What signs now, and all keys that are known. */
type KeysNow = () => Promise<{
  readonly signing: HeldKey | undefined;
  readonly published: readonly HeldKey[];
}>;

function keysOver(now: KeysNow): SignalKeys {
  const imported = new Map<string, CryptoKey | Uint8Array>();
  const privateKey = async ({ kid, jwk }: HeldKey) => {
    const known = imported.get(kid) ?? (await importJWK(jwk, 'RS256'));
    imported.set(kid, known);
    return known;
  };
  return {
    sign: async (claims) => {
      const key = required((await now()).signing);
      return await new CompactSign(Buffer.from(JSON.stringify(claims), 'utf8'))
        .setProtectedHeader({ typ: 'secevent+jwt', alg: 'RS256', kid: key.kid })
        .sign(await privateKey(key));
    },
    publicKeys: async () => (await now()).published.map(publicOf),
    seal: async (text) => {
      const key = required((await now()).signing);
      return await new CompactEncrypt(Buffer.from(text, 'utf8'))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: key.kid })
        .encrypt(sealingKey(key));
    },
    open: async (sealed) => {
      try {
        const { kid } = decodeProtectedHeader(sealed);
        const key = (await now()).published.find((one) => one.kid === kid);
        if (key === undefined) return null;
        const { plaintext } = await compactDecrypt(sealed, sealingKey(key), {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
        });
        return Buffer.from(plaintext).toString('utf8');
      } catch (cause) {
        // Changed, cut short, or not ours: jose has a class of error for each, and we one answer.
        if (cause instanceof Error) return null;
        throw cause;
      }
    },
  };
}

function required(key: HeldKey | undefined): HeldKey {
  if (key !== undefined) return key;
  throw new OperatingError('CONFIG_INVALID', 'no signing key', { retryable: false });
}

/** A key of its own for sealing: what signs never encrypts. */
function sealingKey({ kid, jwk }: HeldKey): Uint8Array {
  const secret = Buffer.from(jwk.d ?? '', 'base64url');
  return new Uint8Array(hkdfSync('sha256', secret, kid, 'plumbline signals: receiver secrets', 32));
}

function publicOf({ kid, jwk }: HeldKey): PublicKey {
  return { kty: 'RSA', use: 'sig', alg: 'RS256', kid, n: jwk.n, e: jwk.e };
}

async function freshKey(): Promise<HeldKey> {
  const pair = await generateKeyPair('RS256', { modulusLength: BITS_MIN, extractable: true });
  const jwk = await exportJWK(pair.privateKey);
  return { kid: await calculateJwkThumbprint(jwk), jwk };
}

async function freshKeys(nowMs: number): Promise<KeptKeys> {
  return { current: await freshKey(), sinceMs: nowMs, next: await freshKey(), before: [] };
}

async function readKept(file: string): Promise<KeptKeys | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw unreadable(file, 'cannot be read', cause);
  }
  // A file that others may read is no place for a private key, however it came about.
  await chmod(file, 0o600);
  const kept = parsedJson(text.slice(0, BYTES_MAX)) as Partial<KeptKeys> | null;
  const isKey = (key: HeldKey | undefined) =>
    typeof key?.kid === 'string' && typeof key.jwk?.d === 'string';
  if (
    typeof kept !== 'object' ||
    kept === null ||
    !isKey(kept.current) ||
    !isKey(kept.next) ||
    typeof kept.sinceMs !== 'number' ||
    !Array.isArray(kept.before)
  )
    throw unreadable(file, 'does not hold signing keys; restore it, or remove it to make new ones');
  return kept as KeptKeys;
}

async function writeKept(file: string, kept: KeptKeys): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    const part = `${file}.part`;
    const handle = await open(part, 'w', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(kept)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(part, file);
  } catch (cause) {
    throw unreadable(file, 'cannot be written', cause);
  }
}

function unreadable(file: string, what: string, cause?: unknown): OperatingError {
  const message = `signing keys: ${file} ${what}`;
  const more = cause === undefined ? {} : { cause };
  return new OperatingError('SOURCE_UNREADABLE', message, { retryable: false, ...more });
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
}
