/** Posture routes: the document by ETag, long poll and stream; who asks is remembered. */
import { createHash } from 'node:crypto';
import type { Clock } from '../model/ports.ts';
import { POLL_GAP_MS_MAX } from '../model/posture.ts';
import type { Board } from './board.ts';
import { renderPosture } from './posture-document.ts';
import { type ApiRequest, type ApiResponse, json, problem, type Route } from './route.ts';
import type { Signer } from './signature.ts';

/** What somebody was given. */
export interface Given {
  readonly consumer: string;
  readonly tenant: string;
  /** The agent it asked about; empty: all of its tenant. */
  readonly about: string;
  readonly revision: string;
  readonly leaseIds: readonly string[];
  readonly gapMs: number;
  readonly waitMs: number;
}

/** What the routes of posture and its renderings are made of. */
export interface PostureParts {
  readonly board: Board;
  readonly clock: Clock;
  /** Tenant that a consumer reads. */
  readonly tenantOf: (consumer: string) => string;
  readonly maxAgeSeconds: number;
  /** Null: answers are not signed. */
  readonly signer: Signer | null;
  /** Keeps that somebody polled. Rejections are its own matter: an answer never fails by it. */
  readonly polled: (given: Given) => Promise<void>;
}

/** One representation of the posture, whatever its format. */
export interface Rendering {
  readonly body: Buffer;
  readonly contentType: string;
  /** Names the content: the same content has the same, whoever renders it. */
  readonly revision: string;
  readonly leaseIds: readonly string[];
}

/** Longest that a question is held open, ms. */
export const WAIT_MS_MAX = 30_000;
const HEARTBEAT_MS = 15_000;
const AGENT_MAX = 512;

/** `GET /v1/posture[/{agent}]`, `/v1/posture/stream` and the key that verifies. */
export function postureRoutes(parts: PostureParts, polls: Polls): readonly Route[] {
  const scope = 'posture.read' as const;
  const documentFor = (agent: string | null) => async (request: ApiRequest) =>
    await answerPoll(request, parts, polls, agent, (tenant) =>
      documentRendering(parts, tenant, agent),
    );
  return [
    { method: 'GET', path: '/v1/posture', scope, handle: documentFor(null) },
    {
      method: 'GET',
      path: '/v1/posture/stream',
      scope,
      handle: async (request) => streamOf(request, parts, polls),
    },
    {
      method: 'GET',
      path: '/v1/posture/key',
      scope,
      handle: async () =>
        parts.signer === null
          ? problem(404, 'Not found', 'answers are not signed: the driver has no signingKey')
          : json(200, parts.signer.publicJwk),
    },
    {
      method: 'GET',
      path: '/v1/posture/:agent',
      scope,
      handle: async (request) => {
        const agent = request.params['agent'] ?? '';
        if (agent.length > AGENT_MAX) return problem(400, 'Bad request', 'the name is too long');
        return await documentFor(agent)(request);
      },
    },
  ];
}

/** Makes one rendering of the state as of now. */
export type Render = (
  tenant: string,
) => (state: Awaited<ReturnType<Board['now']>>, nowMs: number) => Rendering;

/** How consumers ask, in this process. */
export interface Polls {
  /** Time since the last answer, where that is an interval and not an absence, ms. */
  begin(consumer: string, about: string): number;
  /** They were answered. */
  end(given: Given): Promise<void>;
}

/** Remembers when each consumer was last answered, and which leases it was told of. */
export function createPolls({ clock, polled }: PostureParts): Polls {
  const known = new Map<string, Known>();
  return {
    begin(consumer, about) {
      const before = known.get(`${consumer} ${about}`);
      if (before === undefined) return 0;
      const gapMs = clock.nowMs() - before.answeredMs;
      return gapMs > 0 && gapMs <= POLL_GAP_MS_MAX ? gapMs : 0;
    },
    async end(given) {
      const key = `${given.consumer} ${given.about}`;
      const before = known.get(key);
      // Agents can be made up: who asks about ever new ones is answered, and no more remembered.
      if (before === undefined && known.size >= KNOWN_MAX) return;
      const told = before?.told ?? new Set();
      const fresh = given.leaseIds.filter((id) => !told.has(id));
      const nowMs = clock.nowMs();
      const isNews =
        before === undefined ||
        fresh.length > 0 ||
        given.revision !== before.revision ||
        given.gapMs > before.gapMs ||
        nowMs - before.notedMs >= NOTED_EVERY_MS;
      known.set(key, {
        answeredMs: nowMs,
        notedMs: isNews ? nowMs : before.notedMs,
        gapMs: Math.max(given.gapMs, before?.gapMs ?? 0),
        revision: given.revision,
        told: new Set([...told, ...given.leaseIds].slice(-TOLD_MAX)),
      });
      if (isNews) await polled({ ...given, leaseIds: fresh });
    },
  };
}

interface Known {
  readonly answeredMs: number;
  readonly notedMs: number;
  readonly gapMs: number;
  readonly revision: string;
  readonly told: ReadonlySet<string>;
}

/** A poll that says nothing new is noted so seldom, ms: well within what is taken for silence. */
const NOTED_EVERY_MS = 3_000;
/** Pairs of consumer and agent asked about that are remembered. */
const KNOWN_MAX = 10_000;
/** Leases remembered as told to one consumer; one that is forgotten is recorded once more. */
const TOLD_MAX = 20_000;

/** Answers a question with ETag, 304 and long poll, and remembers who asked. */
export async function answerPoll(
  request: ApiRequest,
  parts: PostureParts,
  polls: Polls,
  agent: string | null,
  render: Render,
): Promise<ApiResponse> {
  const consumer = request.caller ?? '';
  const tenant = parts.tenantOf(consumer);
  const about = agent ?? '';
  const gapMs = polls.begin(consumer, about);
  const known = knownRevision(request.headers['if-none-match']);
  const waitMs = known === null ? 0 : waitOf(request.headers['prefer']);
  const made = await parts.board.changed(render(tenant), known, waitMs, request.signal);
  const { revision, leaseIds } = made;
  await polls.end({ consumer, tenant, about, revision, leaseIds, gapMs, waitMs });
  const etag = `W/"${revision}"`;
  const applied = waitMs === 0 ? {} : { 'preference-applied': `wait=${waitMs / 1000}` };
  if (revision === known)
    return { status: 304, headers: { etag, vary: 'authorization', ...applied } };
  return {
    status: 200,
    headers: {
      etag,
      'content-type': made.contentType,
      vary: 'authorization',
      ...proofOf(made.body, parts.signer),
      ...applied,
    },
    body: made.body,
  };
}

function proofOf(body: Buffer, signer: Signer | null): Readonly<Record<string, string>> {
  const digest = createHash('sha256').update(body).digest('base64');
  const proof = { 'content-digest': `sha-256=:${digest}:` };
  return signer === null ? proof : { ...proof, 'x-jws-signature': signer.detached(body) };
}

/** The document as bytes; its `issuedAt` is the moment of the answer: a signed copy shows its age. */
export function documentRendering(
  parts: Pick<PostureParts, 'maxAgeSeconds'>,
  tenant: string,
  agent: string | null,
): ReturnType<Render> {
  return (state, nowMs) => {
    const { maxAgeSeconds } = parts;
    const { document, leaseIds } = renderPosture(state, { tenant, agent, maxAgeSeconds, nowMs });
    return {
      body: Buffer.from(JSON.stringify(document), 'utf8'),
      contentType: 'application/json',
      revision: document.revision,
      leaseIds,
    };
  };
}

/** The first revision a caller says it has, as it was given in an ETag; null: none. */
export function knownRevision(ifNoneMatch: string | undefined): string | null {
  return /^(?:W\/)?"(sha256:[0-9a-f]{64})"/.exec((ifNoneMatch ?? '').trim())?.[1] ?? null;
}

/** `Prefer: wait=N` (RFC 7240) in ms, at most 30 s; 0 where there is none. */
export function waitOf(prefer: string | undefined): number {
  const seconds = /(?:^|[;,\s])wait\s*=\s*"?([0-9]{1,4})"?/i.exec(prefer ?? '')?.[1];
  return seconds === undefined ? 0 : Math.min(WAIT_MS_MAX, Number(seconds) * 1000);
}

/** Server-sent events: the document at once, then with each change; a comment between as a beat. */
function streamOf(request: ApiRequest, parts: PostureParts, polls: Polls): ApiResponse {
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream', vary: 'authorization' },
    body: events(request, parts, polls),
  };
}

async function* events(
  { caller, headers, signal }: ApiRequest,
  parts: PostureParts,
  polls: Polls,
): AsyncGenerator<string> {
  const consumer = caller ?? '';
  const tenant = parts.tenantOf(consumer);
  const render = documentRendering(parts, tenant, null);
  let known = knownRevision(`"${headers['last-event-id'] ?? ''}"`);
  while (!signal.aborted) {
    const made = await parts.board.changed(render, known, HEARTBEAT_MS, signal);
    if (signal.aborted) return;
    const { revision, leaseIds, body } = made;
    const waitMs = HEARTBEAT_MS;
    await polls.end({ consumer, tenant, about: '', revision, leaseIds, gapMs: 0, waitMs });
    yield revision === known
      ? ': beat\n\n'
      : `id: ${revision}\nevent: posture\ndata: ${body.toString('utf8')}\n\n`;
    known = revision;
  }
}
