/** Witnesses: what the ledger keeps of a stated call or an attempt, without its content. */
import { hash } from 'node:crypto';
import { canonicalJson } from '../model/canonical-json.ts';
import type { Event } from '../model/event.ts';
import type { StatedCall } from '../model/event-reasoning.ts';
import type { Attempt, Intent, WitnessRecord } from '../model/fact.ts';
import { newTable } from '../model/table.ts';

const LEAVES_MAX = 64;

/** Digests of arguments: one for all, one for each leaf. Equality joins need no content. */
export interface ArgsDigest {
  readonly digest: string | null;
  readonly leaves: Readonly<Record<string, string>> | null;
  readonly given?: string;
}

const NONE: ArgsDigest = { digest: null, leaves: null };

/**
 * Keyed SHA-256 over canonical JSON, cut to 128 bits; leaves to 64 bits. The key is the deployment's,
 * so that values of low entropy cannot be guessed from stored state. `_meta` is transport, not argument.
 */
export function digestArgs(
  args: Readonly<Record<string, unknown>> | undefined,
  key: string,
): ArgsDigest {
  if (args === undefined) return NONE;
  const plain = Object.hasOwn(args, '_meta') ? withoutMeta(args) : args;
  const text = `${key}\u0000${canonicalJson(plain)}`;
  const known = DIGESTS.get(text);
  if (known !== undefined) return known;
  const leaves = newTable<string>();
  collectLeaves(plain, '', leaves, key, { left: LEAVES_MAX });
  const made = { digest: hash('sha256', text, 'hex').slice(0, 32), leaves };
  if (text.length > REMEMBERED_LENGTH_MAX) return made;
  if (DIGESTS.size >= REMEMBERED_MAX) DIGESTS.clear();
  DIGESTS.set(text, made);
  return made;
}

/** A call is announced, made and claimed with the same arguments: they are digested once for all. */
const DIGESTS = new Map<string, ArgsDigest>();
const REMEMBERED_MAX = 4096;
const REMEMBERED_LENGTH_MAX = 2048;

/** The same of a call whose arguments were kept back: what its producer gave instead. */
function digestOf(
  call: {
    readonly args?: Readonly<Record<string, unknown>> | undefined;
    readonly argsDigest?: string | undefined;
    readonly leafDigests?: Readonly<Record<string, string>> | undefined;
  },
  key: string,
): ArgsDigest {
  if (call.args !== undefined) return digestArgs(call.args, key);
  const { argsDigest, leafDigests } = call;
  if (argsDigest === undefined && leafDigests === undefined) return NONE;
  return {
    digest: null,
    leaves: leafDigests ?? null,
    ...(argsDigest === undefined ? {} : { given: argsDigest }),
  };
}

function withoutMeta(args: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { _meta: _dropped, ...rest } = args;
  return rest;
}

function collectLeaves(
  value: unknown,
  pointer: string,
  into: Record<string, string>,
  key: string,
  budget: { left: number },
): void {
  if (budget.left <= 0) return;
  if (typeof value === 'object' && value !== null) {
    // Without a list of pairs for each object; what JSON gives inherits nothing that is listed.
    for (const name in value)
      collectLeaves(
        (value as Readonly<Record<string, unknown>>)[name],
        `${pointer}/${name.slice(0, 128)}`,
        into,
        key,
        budget,
      );
    return;
  }
  budget.left -= 1;
  into[pointer] = hash('sha256', `${key}\u0000${JSON.stringify(value) ?? 'null'}`, 'hex').slice(
    0,
    16,
  );
}

/** Pointers whose values differ between two sets of leaves, sorted. */
export function differingLeaves(
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
): string[] {
  const found = new Set<string>();
  for (const [pointer, digest] of Object.entries(a)) if (b[pointer] !== digest) found.add(pointer);
  for (const pointer of Object.keys(b)) if (a[pointer] === undefined) found.add(pointer);
  return [...found].sort();
}

function common(
  event: Event,
  agent: string,
): Omit<WitnessRecord, 'call' | 'tool' | 'digest' | 'leaves' | 'given'> {
  const { topic, partition, offset, index } = event.src;
  return {
    kind: event.kind,
    topic,
    nativeId: event.nativeId,
    at: { topic, partition, offset, index },
    ms: event.time.eventMs,
    seq: event.order?.seq ?? null,
    agent,
  };
}

/** Do two witnesses prove the same arguments: by our digests, or by those their producers gave? */
export function sameArguments(a: WitnessRecord, b: WitnessRecord): boolean {
  if (a.digest !== null && b.digest !== null) return a.digest === b.digest;
  return a.given !== undefined && a.given === b.given;
}

/** Any event as a witness of its agent's presence. */
export function presence(event: Event, agent: string): WitnessRecord {
  return { ...common(event, agent), call: null, tool: '', digest: null, leaves: null };
}

/** The n-th call a reasoning record states. `tool` is canonical. */
export function intentOf(
  event: Event,
  call: StatedCall,
  index: number,
  agent: string,
  tool: string,
  key: string,
  claimed: boolean,
): Intent {
  const seq = event.order?.seq ?? null;
  return {
    ...common(event, agent),
    call: call.toolCallId ?? null,
    tool,
    ...digestOf(call, key),
    index,
    // Producers number a turn r and its calls r+1, r+2, …: the hole lies behind the call before it.
    afterSeq: seq === null ? null : seq + index,
    claimed,
  };
}

/** Policy ids of refusals that carry out a lease begin so; the id of the lease follows. */
const OUR_POLICY = 'plumbline:';

/** What governance knew when the attempt was made. */
export interface Permission {
  readonly granted: boolean | null;
  readonly toolClass: string | null;
  readonly tier: string | null;
}

/** Statuses by which a gateway that reports no decision says that a call is forbidden. */
const FORBIDDEN: ReadonlySet<number> = new Set([401, 403]);

/** Did a gateway that reports no decision say that the call is forbidden? */
function isForbidden({ decision, outcome, status }: NonNullable<Event['action']>): boolean {
  return decision === 'unknown' && outcome === 'error' && FORBIDDEN.has(status ?? 0);
}

/**
 * A gateway record of a call. `tool` is canonical; `restrained`: does a lease of ours stand against
 * this call? Asked only of a refusal for which the gateway names no policy.
 */
export function attemptOf(
  event: Event & { readonly action: NonNullable<Event['action']> },
  agent: string,
  tool: string,
  permission: Permission,
  key: string,
  restrained: () => boolean = () => false,
): Attempt {
  const { action } = event;
  const policy = action.policy?.id ?? null;
  const forbidden = isForbidden(action);
  // Turned away, rather than made and failed.
  const isRefused = action.decision === 'deny' || forbidden;
  return {
    ...common(event, agent),
    call: event.keys?.toolCallId ?? null,
    tool,
    ...digestOf(action, key),
    decision: action.decision,
    outcome: action.outcome,
    policy,
    // The control plane names our lease in its refusal, or names nobody while a lease of ours stands:
    // our own effect. Another policy's word stays evidence, and so does every call that is let through.
    ours: isRefused && (policy === null ? restrained() : policy.startsWith(OUR_POLICY)),
    ...(forbidden ? { forbidden: true as const } : {}),
    ...permission,
  };
}
