/** OPA bundle: the posture document as data below one root, signed where there is a key. */
import { createHash } from 'node:crypto';
import type { PostureState } from '../model/posture.ts';
import { answerPoll, type Polls, type PostureParts, type Rendering } from './posture.ts';
import { renderPosture } from './posture-document.ts';
import type { Route } from './route.ts';
import type { Signer } from './signature.ts';
import { tarGz } from './tar-file.ts';

/** The only root the bundle owns: a manifest without roots would own all data there is. */
export const BUNDLE_ROOT = 'plumbline/posture';
const DATA = `${BUNDLE_ROOT}/data.json`;
const MANIFEST = '.manifest';
const SIGNATURES = '.signatures.json';
/** Tells OPA that we hold its question open when it asks us to; it is a gzipped tar all the same. */
const BUNDLE_TYPE = 'application/vnd.openpolicyagent.bundles';

/** `GET /bundles/posture.tar.gz`: ETag, 304, and `Prefer: modes=snapshot;wait=N`. */
export function opaBundleRoutes(
  parts: PostureParts,
  polls: Polls,
  signer: Signer | null,
): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/bundles/posture.tar.gz',
      scope: 'posture.read',
      handle: async (request) =>
        await answerPoll(
          request,
          parts,
          polls,
          null,
          (tenant) => (state, nowMs) =>
            bundleOf(state, { tenant, maxAgeSeconds: parts.maxAgeSeconds, nowMs }, signer),
        ),
    },
  ];
}

/**
 * The bundle. The same posture gives the same bytes but for the signature of keys that sign with
 * chance, so `issuedAt` stands in neither file: the age of data is what OPA's status tells.
 */
export function bundleOf(
  state: PostureState,
  options: { readonly tenant: string; readonly maxAgeSeconds: number; readonly nowMs: number },
  signer: Signer | null,
): Rendering {
  const { document, leaseIds } = renderPosture(state, { ...options, agent: null });
  const { issuedAt: _when, ...data } = document;
  const files = [
    { path: MANIFEST, value: { revision: document.revision, roots: [BUNDLE_ROOT] } },
    { path: DATA, value: data },
  ];
  const entries = files.map(({ path, value }) => ({
    path,
    bytes: Buffer.from(JSON.stringify(value), 'utf8'),
  }));
  const signed = signer === null ? [] : [signatures(files, signer)];
  return {
    body: tarGz([...entries, ...signed]),
    contentType: BUNDLE_TYPE,
    revision: document.revision,
    leaseIds,
  };
}

function signatures(
  files: readonly { readonly path: string; readonly value: unknown }[],
  signer: Signer,
): { readonly path: string; readonly bytes: Buffer } {
  const claims = {
    files: files.map(({ path, value }) => ({
      name: path,
      hash: createHash('sha256').update(opaJson(value), 'utf8').digest('hex'),
      algorithm: 'SHA-256',
    })),
  };
  const text = JSON.stringify({ signatures: [signer.token(claims)] });
  return { path: SIGNATURES, bytes: Buffer.from(text, 'utf8') };
}

/**
 * What OPA hashes of a JSON file: compact, keys sorted by their bytes at every level, text as Go
 * writes it without HTML escapes, which is as we do but for U+2028 and U+2029.
 */
export function opaJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(opaJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).sort(([a], [b]) =>
      Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8')),
    );
    return `{${members.map(([name, one]) => `${opaJson(name)}:${opaJson(one)}`).join(',')}}`;
  }
  return JSON.stringify(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}
