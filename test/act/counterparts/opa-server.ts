/** An OPA as its documentation has it: data API, bundles with roots and signatures, memory only. */
import { createHash } from 'node:crypto';
import { importJWK, type JWK, jwtVerify } from 'jose';
import { readTarGz } from '../../../src/adapters/tar.ts';
import type { Target, TargetReply, TargetRequest } from './front.ts';

/** A call that a policy is asked about. */
export interface AskedCall {
  readonly agent: string;
  readonly session: string;
  readonly tool: string;
}

/** A running OPA without its socket. */
export interface Opa {
  readonly target: Target;
  /** Whether the policy lets a call pass: the stricter of pushed leases and the bundle. */
  allows(call: AskedCall): boolean;
  /** Activates a bundle, or says why not; then the data stays as it was. */
  activate(bundle: Buffer, verify: JWK | null): Promise<string>;
  /** Starts anew: what was pushed is gone. */
  restart(): void;
  /** Takes every request and does nothing. */
  ignore(yes: boolean): void;
  /** Removes what lies at a path, as somebody else would. */
  remove(path: string): void;
  value(path: string): unknown;
  /** Changes of pushed leases. */
  changes(): number;
}

type Tree = Record<string, unknown>;

/** Makes one; requests need the bearer token. */
export function createOpa(token: string, nowMs: () => number): Opa {
  let data: Tree = {};
  let owned: readonly string[] = [];
  let bundle: Tree = {};
  let isIgnoring = false;
  let changes = 0;
  const at = (path: string): unknown => valueAt(data, path) ?? valueAt(bundle, path);
  const own = (path: string): boolean =>
    owned.some((root) => `${path}/`.startsWith(`${root}/`) || `${root}/`.startsWith(`${path}/`));

  const put = (path: string, request: TargetRequest): TargetReply => {
    if (own(path)) return refusal(400, `path ${path} is owned by bundle "posture"`);
    if (request.headers['if-none-match'] === '*' && valueAt(data, path) !== undefined)
      return { status: 304, body: '' };
    const value: unknown = JSON.parse(request.body);
    if (isIgnoring) return { status: 204, body: '' };
    const before = JSON.stringify(valueAt(data, path));
    setAt(data, path, value);
    if (path.includes('/leases/') && before !== JSON.stringify(value)) changes += 1;
    return { status: 204, body: '' };
  };
  const drop = (path: string): TargetReply => {
    if (own(path)) return refusal(400, `path ${path} is owned by bundle "posture"`);
    if (valueAt(data, path) === undefined)
      return refusal(404, `storage_not_found_error: ${path}: document does not exist`);
    if (isIgnoring) return { status: 204, body: '' };
    removeAt(data, path);
    if (path.includes('/leases/')) changes += 1;
    return { status: 204, body: '' };
  };
  return {
    target: (request) => {
      if (request.headers['authorization'] !== `Bearer ${token}`)
        return refusal(401, 'request rejected by administrative policy');
      const path = decodeURIComponent(/^\/v1\/data\/(.+)$/.exec(request.path)?.[1] ?? '');
      if (path === '') return refusal(404, 'no such route');
      if (request.method === 'PUT') return put(path, request);
      if (request.method === 'DELETE') return drop(path);
      const value = at(path);
      return { status: 200, body: value === undefined ? {} : { result: value } };
    },
    allows: (call) => {
      const leases = Object.values((valueAt(data, 'plumbline/fast/leases') ?? {}) as Tree);
      return leases.every((one) => passes(one as PushedLease, call, nowMs()));
    },
    activate: async (bytes, verify) => {
      const files = readTarGz(bytes, 'bundle');
      const wrong = await wrongIn(files, verify);
      if (wrong !== null) return wrong;
      const manifest = JSON.parse(files.get('.manifest') ?? '') as { roots?: string[] };
      owned = manifest.roots ?? [''];
      bundle = {};
      for (const [path, text] of files)
        if (path.endsWith('/data.json'))
          setAt(bundle, path.replace(/\/data\.json$/, ''), JSON.parse(text));
      return 'activated';
    },
    restart: () => {
      data = {};
    },
    ignore: (yes) => {
      isIgnoring = yes;
    },
    remove: (path) => removeAt(data, path),
    value: at,
    changes: () => changes,
  };
}

interface PushedLease {
  readonly agent: string;
  readonly session?: string;
  readonly level: string;
  readonly freezeTools: readonly string[];
  readonly untilMs: number;
}

function passes(lease: PushedLease, { agent, session, tool }: AskedCall, nowMs: number): boolean {
  if (lease.agent !== agent || lease.untilMs <= nowMs) return true;
  if (lease.session !== undefined && lease.session !== session) return true;
  return lease.level !== 'halt' && !lease.freezeTools.includes(tool);
}

/** Why a bundle is not activated; null where nothing is wrong with it. */
async function wrongIn(
  files: ReadonlyMap<string, string>,
  verify: JWK | null,
): Promise<string | null> {
  const signed = files.get('.signatures.json');
  if (verify === null) {
    return signed === undefined ? null : 'verification key not provided';
  }
  if (signed === undefined) return 'bundle missing .signatures.json file';
  const { signatures } = JSON.parse(signed) as {
    signatures: string[];
  };
  const [token = ''] = signatures;
  let signedFiles: { name: string; hash: string; algorithm: string }[];
  try {
    const { alg = '' } = verify;
    const key = await importJWK(verify, alg);
    const { payload } = await jwtVerify(token, key, { algorithms: [alg] });
    signedFiles = (payload['files'] ?? []) as typeof signedFiles;
  } catch (cause) {
    return `verification failed: ${cause instanceof Error ? cause.name : 'unnamed'}`;
  }
  const expected = new Map(signedFiles.map(({ name, hash }) => [name, hash]));
  for (const [path, text] of files) {
    if (path === '.signatures.json') continue;
    const hash = expected.get(path);
    if (hash === undefined) return `file ${path} not included in bundle signature`;
    expected.delete(path);
    if (hash !== structuredHash(text)) {
      return `${path}: digest mismatch`;
    }
  }
  return expected.size === 0 ? null : `file(s) ${[...expected.keys()].join()} not found`;
}

/** OPA walks a parsed document and hashes what it meets; members in the order of their bytes. */
function structuredHash(text: string): string {
  const hash = createHash('sha256');
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) {
      hash.update('[');
      value.forEach((one, index) => {
        if (index > 0) hash.update(',');
        walk(one);
      });
      hash.update(']');
    } else if (typeof value === 'object' && value !== null) {
      hash.update('{');
      const names = Object.keys(value).sort((a, b) =>
        Buffer.compare(Buffer.from(a), Buffer.from(b)),
      );
      names.forEach((name, index) => {
        if (index > 0) hash.update(',');
        hash.update(goText(name));
        hash.update(':');
        walk((value as Tree)[name]);
      });
      hash.update('}');
    } else hash.update(typeof value === 'string' ? goText(value) : JSON.stringify(value));
  };
  walk(JSON.parse(text));
  return hash.digest('hex');
}

/** A string as Go's encoder writes it without HTML escapes. */
function goText(text: string): string {
  return JSON.stringify(text).replace(/[\u2028\u2029]/g, (one) =>
    one === '\u2028' ? '\\u2028' : '\\u2029',
  );
}

function refusal(status: number, message: string): TargetReply {
  return { status, body: { code: status === 400 ? 'invalid_parameter' : 'error', message } };
}

function valueAt(tree: Tree, path: string): unknown {
  let found: unknown = tree;
  for (const step of path.split('/')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step))
      return undefined;
    found = (found as Tree)[step];
  }
  return found;
}

function setAt(tree: Tree, path: string, value: unknown): void {
  const steps = path.split('/');
  const last = steps.pop() ?? '';
  let found = tree;
  for (const step of steps) {
    const next = (found[step] ?? {}) as Tree;
    found[step] = next;
    found = next;
  }
  found[last] = value;
}

function removeAt(tree: Tree, path: string): void {
  const steps = path.split('/');
  const last = steps.pop() ?? '';
  const found = steps.length === 0 ? tree : (valueAt(tree, steps.join('/')) as Tree | undefined);
  if (found !== undefined) delete found[last];
}
