/** Posture driver: standing leases are the document that gateways poll; nothing is sent. */
import { type Static, Type } from 'typebox';
import type { ApplyOutcome } from '../../model/action-log.ts';
import { Secret } from '../../model/config/secret.ts';
import type { Intention, LeaseState } from '../../model/decision.ts';
import { duration } from '../../model/duration.ts';
import { OperatingError } from '../../model/errors.ts';
import { POSTURE_VERBS, type PostureBook, silentAfterMs } from '../../model/posture.ts';
import type { Driver, DriverDefinition, ReadBack } from '../driver.ts';
import { reachOf } from '../target.ts';

/** Options of the driver; keys and age are read where documents are served. */
export const PostureOptions = Type.Object(
  {
    type: Type.Literal('posture'),
    signingKey: Type.Optional(Secret),
    bundleKey: Type.Optional(Secret),
    maxAge: Type.Optional(
      duration('Older than this, a copy at a gateway is kept and reported.', '30s'),
    ),
  },
  { additionalProperties: false },
);
/** Options as written. */
export type PostureOptions = Static<typeof PostureOptions>;

/** Until a poll interval was seen, and beyond every interval, ms. */
const GRACE_MS = 10_000;
const BEYOND_MS = 2_000;

/** The driver. */
export const posture: DriverDefinition<PostureOptions> = {
  type: 'posture',
  claim:
    'A document that gateways poll, with its renderings for OPA, flagd and MCP gateways; ends by itself, needs no way in.',
  verbs: [...POSTURE_VERBS],
  options: PostureOptions,
  make({ clock, polled }) {
    if (polled === undefined)
      return { ok: false, problem: 'documents are made of the record, and there is none here' };
    const book = polled.posture;
    let graceMs = GRACE_MS;
    const driver: Driver = {
      capabilities: () => ({
        verbs: [...POSTURE_VERBS],
        irreversible: [],
        subjects: ['agent', 'session', 'tool'],
        blast: 'subject',
        selfExpiring: true,
        readBack: true,
        graceMs,
        ratePerMin: 600,
      }),
      plan: (intention) => ({
        method: 'GET',
        url: 'https://listener.invalid/v1/posture',
        headers: {},
        body: JSON.stringify({ serves: wordsOf(intention) }),
        undo: 'the entry leaves the document',
        reach: reachOf(intention.subject),
      }),
      apply: (intention) => answered(() => applied(book, intention)),
      async readBack(intention) {
        try {
          const seen = await look(book, intention, clock.nowMs());
          graceMs = seen.graceMs;
          return seen.says;
        } catch (cause) {
          if (cause instanceof OperatingError) return 'unknown';
          throw cause;
        }
      },
    };
    return { ok: true, driver };
  },
};

function wordsOf({ verb, subject, expiresMs }: Intention): object {
  const until = expiresMs === null ? null : new Date(expiresMs).toISOString();
  return { verb, agent: subject.agent, session: subject.session, tools: subject.tools, until };
}

/** The record away is a retry: nothing has happened yet. */
async function answered(work: () => Promise<ApplyOutcome>): Promise<ApplyOutcome> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof OperatingError)) throw cause;
    return { type: 'retry', detail: `the record does not answer: ${cause.code}`, afterMs: 0 };
  }
}

const OVER: ReadonlySet<LeaseState> = new Set([
  'refused',
  'failed',
  'lapsed',
  'releasing',
  'released',
  'expired',
]);

/**
 * What the executor records of this answer is what changes the document: a lease stands in it from
 * `accepted` on, and leaves it with the request for its end. So there is nothing to send, only to say
 * whether the step still makes sense.
 */
async function applied(book: PostureBook, intention: Intention): Promise<ApplyOutcome> {
  const { step, verb, expiresMs, leaseId } = intention;
  if (expiresMs === null || !POSTURE_VERBS.some((one) => one === verb))
    return { type: 'refused', detail: `a document cannot say ${verb} without an end` };
  const known = (await book.lease(leaseId))?.state ?? null;
  if (step === 'release') {
    const stood = known === 'accepted' || known === 'releasing';
    return stood
      ? { type: 'accepted', detail: 'the entry has left the document' }
      : { type: 'already', detail: 'the document has no such entry' };
  }
  if (known !== null && OVER.has(known))
    return step === 'renew'
      ? { type: 'refused', detail: `the lease is ${known}` }
      : { type: 'already', detail: `the lease is ${known}: the document stays without it` };
  if (known === 'accepted' && step === 'request')
    return { type: 'already', detail: 'the document has it' };
  return { type: 'accepted', detail: 'in the document with the next answer' };
}

/**
 * Whether everybody who polls was given the lease. Nobody polls: nobody enforces it. One who stopped
 * enforces what it last heard, and what that is nobody can tell.
 */
async function look(
  book: PostureBook,
  { subject, leaseId }: Intention,
  nowMs: number,
): Promise<{ readonly says: ReadBack; readonly graceMs: number }> {
  const known = (await book.lease(leaseId))?.state ?? null;
  const pollers = await book.pollers(subject, leaseId);
  const graceMs = Math.max(GRACE_MS, ...pollers.map(({ gapMs }) => gapMs + BEYOND_MS));
  if (known !== 'accepted') return { says: 'absent', graceMs };
  const asking = pollers.filter(
    ({ isSilent, lastMs, gapMs }) => !isSilent && nowMs - lastMs <= silentAfterMs(gapMs),
  );
  if (!pollers.some(({ holds }) => holds)) return { says: 'absent', graceMs };
  const all = asking.length > 0 && asking.every(({ holds }) => holds);
  // One agent's own poller may be gone with the agent; one that asks for all of them may not.
  const silent = pollers.some((one) => one.about === '' && !asking.includes(one));
  return { says: all && !silent ? 'applied' : 'unknown', graceMs };
}
