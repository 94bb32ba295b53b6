/** Acts: joins the witnesses of one call, reviews each attempt, notices what is missing. */
import type { Event, Kind } from '../model/event.ts';
import type { Attempt, Intent } from '../model/fact.ts';
import { bookKey } from './books.ts';
import { permissionOf } from './governance.ts';
import { canonicalTool, count, type Ledger, laneOf, makeRoomForAct } from './ledger.ts';
import type { AgentEntity } from './session.ts';
import { type Act, approvedBy, keyOf, type SessionEntity, viewOf } from './session.ts';
import { type Kin, kinOf, linkAct } from './traces.ts';
import { attemptOf, intentOf, sameArguments } from './witness.ts';

const REFUSED_MAX = 64;
/** Witnesses that each side of an act keeps. */
export const WITNESSES_MAX = 32;
/** Acts of a session that are looked at to find one that may go. */
const LOOKED_AT = 64;
/** Tiers whose use needs somebody's word. */
const NEEDS_APPROVAL = new Set(['human-in-the-loop', 'prohibited']);

/** Enters every call a reasoning record states. */
export function enterIntents(
  ledger: Ledger,
  session: SessionEntity,
  event: Event & { readonly reasoning: NonNullable<Event['reasoning']> },
  agentId: string,
  late: boolean,
): void {
  const { intents, claims } = event.reasoning;
  const calls = [...intents, ...claims];
  let known: Set<string> | null = null;
  for (let index = 0; index < calls.length; index += 1) {
    const call = calls[index] as (typeof calls)[number];
    const tool = canonicalTool(ledger, call.tool);
    const claimed = index >= intents.length;
    const intent = intentOf(event, call, index, agentId, tool, ledger.options.digestKey, claimed);
    const kin = kinOf(ledger, session, event, intent);
    if (claimed && call.toolCallId === undefined && kin === null) {
      // Such a claim names a call by its tool alone: any act of that tool may be the one it means.
      known ??= toolsOf(session);
      if (known.has(tool)) continue;
      known.add(tool);
    }
    const route = ledger.options.inventory.tool(tool)?.route ?? 'gateway';
    const offGateway = call.toolType === 'provider' || call.toolType === 'local';
    const key = actKey(session, intent, intent.index, ledger.options.joinWindowMs, kin);
    const act = actAt(ledger, session, key, intent.ms);
    if (act.intents.length >= WITNESSES_MAX) {
      // The first ones stand: who announces a call over and over announces nothing new.
      count(ledger, 'witnesses-dropped');
      continue;
    }
    const isJoin = key !== ownKey(intent, intent.index);
    const before = { isWhole: isWhole(act), strength: act.strength };
    act.intents.push(intent);
    linkAct(ledger, session, event, intent, key);
    changed(ledger, session, key);
    if (isJoin) act.strength = strengthOf(act, kin, before);
    const states = !claimed || !announces(ledger, session);
    if (states && act.state === 'absent' && act.need === 'reasoning')
      retract(ledger, session, act, intent.ms);
    if (act.attempts.length > 0 && states) join(ledger, session, act, key, intent.ms, late);
    else if (act.intents.length === 1 && act.attempts.length === 0)
      wait(ledger, session, act, key, 'gateway', intent.ms, offGateway || route !== 'gateway');
  }
}

/**
 * Does the owner announce its calls? Of such an agent a report afterwards may add suspicion but never
 * remove it: only an announcement answers for a call. One that merely reports has nothing else.
 */
function announces(ledger: Ledger, session: SessionEntity): boolean {
  const owner = ledger.slots.get<AgentEntity>('A', keyOf(session.tenant, session.agent));
  return owner?.announces === true;
}

/** Is the act stated by something that answers for it? */
function isStated(ledger: Ledger, session: SessionEntity, act: Act): boolean {
  if (act.intents.some(({ claimed }) => !claimed)) return true;
  return act.intents.length > 0 && !announces(ledger, session);
}

/** Tools of the session's acts, as either side names them. */
function toolsOf(session: SessionEntity): Set<string> {
  const tools = new Set<string>();
  for (const { intents, attempts } of Object.values(session.acts))
    for (const { tool } of [...intents, ...attempts]) tools.add(tool);
  return tools;
}

/** Enters one call a gateway saw. */
export function enterAttempt(
  ledger: Ledger,
  session: SessionEntity,
  event: Event & { readonly action: NonNullable<Event['action']> },
  agentId: string,
  late: boolean,
): Attempt | null {
  const tool = canonicalTool(ledger, event.action.tool);
  const permission = permissionOf(ledger, session, tool, event.time.eventMs);
  const { toolClass } = permission;
  const call = { session: session.id, tool, toolClass, ms: event.time.eventMs };
  const restrained = () => ledger.restrains(session.tenant, session.agent, call);
  const { digestKey } = ledger.options;
  const attempt = attemptOf(event, agentId, tool, permission, digestKey, restrained);
  const kin = kinOf(ledger, session, event, attempt);
  const key = actKey(session, attempt, 0, ledger.options.joinWindowMs, kin);
  const act = actAt(ledger, session, key, attempt.ms);
  if (act.attempts.length >= WITNESSES_MAX) dropAttempt(ledger, session, act, attempt.ms);
  const before = { isWhole: isWhole(act), strength: act.strength };
  act.attempts.push(attempt);
  linkAct(ledger, session, event, attempt, key);
  changed(ledger, session, key);
  if (key !== ownKey(attempt, 0)) act.strength = strengthOf(act, kin, before);
  if (attempt.decision === 'deny' && !attempt.ours) {
    session.refused.push({ attempt });
    if (session.refused.length > REFUSED_MAX) session.refused.shift();
  }
  if (act.state === 'absent' && act.need === 'gateway') retract(ledger, session, act, attempt.ms);
  if (isStated(ledger, session, act)) release(ledger, session, act);
  else if (act.attempts.length === 1) {
    // A report came first: the gateway has now answered it, and the announcement is still owed.
    if (act.need === 'gateway') reopen(ledger, session, act);
    const afterClose = afterCloseOf(ledger, session, attempt) !== null;
    // The intents of a settled session were let go: whether a latecomer was stated cannot be told.
    const lost = late && session.settled && !afterClose;
    if (lost) sayUndecided(ledger, session, attempt);
    wait(ledger, session, act, key, 'reasoning', attempt.ms, afterClose || lost);
  }
  if (!session.open.includes(key)) session.open.push(key);
  wakeSession(ledger, session, attempt.ms + ledger.options.clockToleranceMs);
  return attempt;
}

function sayUndecided(ledger: Ledger, session: SessionEntity, attempt: Attempt): void {
  count(ledger, 'undecided');
  ledger.notice(
    'event.undecided',
    session.agent,
    `a call came so late that its session was settled: whether it was stated cannot be told`,
    attempt.ms,
    session.tenant,
  );
}

/** Does everything of the session's acts that is due at `nowMs`. Returns the next time, or null. */
export function reviewActs(ledger: Ledger, session: SessionEntity, nowMs: number): number | null {
  const { clockToleranceMs } = ledger.options;
  let next: number | null = null;
  const sooner = (ms: number) => {
    next = next === null ? ms : Math.min(next, ms);
  };
  const still: string[] = [];
  for (const key of session.open) {
    const act = session.acts[key];
    if (act === undefined) continue;
    while (act.reviewed < act.attempts.length) {
      const attempt = act.attempts[act.reviewed] as Attempt;
      if (attempt.ms + clockToleranceMs > nowMs) break;
      changed(ledger, session, key);
      reviewNext(ledger, session, act, nowMs);
    }
    if (act.state === 'waiting' && act.dueMs > 0 && act.dueMs <= nowMs)
      miss(ledger, session, act, key, nowMs);
    const pending = act.attempts[act.reviewed];
    if (pending !== undefined) sooner(pending.ms + clockToleranceMs);
    if (act.state === 'waiting' && act.dueMs > 0) sooner(act.dueMs);
    if (pending !== undefined || (act.state === 'waiting' && act.dueMs > 0)) still.push(key);
  }
  session.open = still;
  return next;
}

/** A gap was judged: states the absence, or leaves it undecided. */
export function judgeMissing(
  ledger: Ledger,
  sessionKey: string,
  actKeyOf: string,
  verdict: { blind: boolean; fromMs: number; toMs: number; kind: Kind; nowMs: number },
): void {
  const session = ledger.slots.get<SessionEntity>('S', sessionKey);
  const act = session?.acts[actKeyOf];
  if (act !== undefined && act.state !== 'missing') return;
  if (session === undefined || act === undefined) {
    count(ledger, 'undecided');
    return;
  }
  session.pending -= 1;
  ledger.slots.touchPart('S', sessionKey, 'acts', actKeyOf);
  const owner = ledger.slots.get<AgentEntity>('A', keyOf(session.tenant, session.agent));
  const silentByNature = verdict.kind === 'reasoning' && owner?.reasoned !== true;
  if (verdict.blind || silentByNature) {
    act.state = 'undecided';
    count(ledger, 'undecided');
    if (silentByNature && !verdict.blind) sayUninstrumented(ledger, owner, verdict.nowMs);
    return;
  }
  act.state = 'absent';
  const witness = verdict.kind === 'gateway' ? act.intents[0] : act.attempts[0];
  if (witness === undefined) return;
  ledger.state({
    type: 'absent',
    book: verdict.kind,
    witness,
    aliveFromMs: verdict.fromMs,
    aliveToMs: verdict.toMs,
    session: viewOf(session, owner),
    decidedMs: verdict.nowMs,
    late: false,
  });
}

function sayUninstrumented(ledger: Ledger, owner: AgentEntity | undefined, nowMs: number): void {
  if (owner === undefined || owner.uninstrumented === true) return;
  owner.uninstrumented = true;
  ledger.slots.touch('A', owner.key);
  ledger.notice(
    'agent.uninstrumented',
    owner.id,
    'acts at the gateway, but no reasoning of it was ever seen: intent cannot be reconciled',
    nowMs,
    owner.tenant,
  );
}

/** Where nobody ever listed an agent's tools its permissions cannot be reconciled: said once. */
function sayUngoverned(ledger: Ledger, session: SessionEntity, nowMs: number): void {
  const key = keyOf(session.tenant, session.agent);
  const owner = ledger.slots.get<AgentEntity>('A', key);
  if (owner === undefined || owner.ungoverned === true) return;
  owner.ungoverned = true;
  ledger.slots.touch('A', key);
  ledger.notice(
    'agent.grants-unknown',
    owner.id,
    'acts at the gateway, but governance never listed its tools: permissions cannot be reconciled',
    nowMs,
    owner.tenant,
  );
}

/** An act is a part of its session that is written by itself: whoever changes it says so. */
function changed(ledger: Ledger, session: SessionEntity, key: string): void {
  ledger.slots.touchPart('S', session.key, 'acts', key);
}

function ownKey(witness: Intent | Attempt, index: number): string {
  return witness.call !== null
    ? `c ${witness.call}`
    : `n ${witness.topic} ${witness.nativeId} ${index}`;
}

/**
 * The act a witness belongs to: by call id within the session, else by its trace, else the nearest unjoined act of the
 * other side with the same tool and arguments within the window (then the same tool, which is weak).
 */
function actKey(
  session: SessionEntity,
  witness: Intent | Attempt,
  index: number,
  joinWindowMs: number,
  kin: Kin | null,
): string {
  const own = ownKey(witness, index);
  if (session.acts[own] !== undefined) return own;
  if (kin !== null) return kin.key;
  if (witness.call === null) session.uncalled = true;
  else if (!session.uncalled) return own;
  let best = own;
  let bestRank = 2;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const key of session.open) {
    const act = session.acts[key];
    if (act === undefined) continue;
    const other = witness.kind === 'reasoning' ? act.attempts[0] : act.intents[0];
    const same = witness.kind === 'reasoning' ? act.intents.length : act.attempts.length;
    if (other === undefined || same > 0 || other.tool !== witness.tool) continue;
    if (other.call !== null && witness.call !== null) continue;
    const distance = Math.abs(other.ms - witness.ms);
    if (distance > joinWindowMs) continue;
    const known = other.digest !== null && witness.digest !== null;
    if (known && other.digest !== witness.digest) continue;
    const rank = sameArguments(other, witness) ? 0 : 1;
    if (rank > bestRank || (rank === bestRank && distance >= bestDistance)) continue;
    best = key;
    bestRank = rank;
    bestDistance = distance;
  }
  return best;
}

const isWhole = (act: Act) => act.intents.length > 0 && act.attempts.length > 0;

/** How surely both sides are of one call: a further witness of either can make it surer, never less sure. */
function strengthOf(
  act: Act,
  kin: Kin | null,
  before: { readonly isWhole: boolean; readonly strength: Act['strength'] },
): Act['strength'] {
  if (kin?.crosses === true) return 'exact';
  if (kin !== null && (kin.exact || before.isWhole)) return before.strength;
  const intent = act.intents[0];
  const attempt = act.attempts[0];
  if (intent === undefined || attempt === undefined) return act.strength;
  if (intent.call !== null && intent.call === attempt.call) return 'exact';
  return sameArguments(intent, attempt) ? 'strong' : 'weak';
}

function actAt(ledger: Ledger, session: SessionEntity, key: string, ms: number): Act {
  const present = session.acts[key];
  if (present !== undefined) return present;
  if (session.actCount >= ledger.options.maxActsPerSession) makeRoom(ledger, session, ms);
  makeRoomForAct(ledger, session, ms);
  const act: Act = {
    intents: [],
    attempts: [],
    need: null,
    gap: 0,
    dueMs: 0,
    compared: 0,
    reviewed: 0,
    state: 'waiting',
    strength: 'exact',
  };
  session.acts[key] = act;
  session.actCount += 1;
  ledger.room.sessions.weigh(keyOf(session.tenant, session.id), 1);
  return act;
}

/**
 * Drops an act: the oldest that is finished; else the oldest that was only announced, for announcements
 * are the agent's own and cost it nothing; else the oldest of all. No attempt goes unreviewed. From then on
 * results of this session may be incomplete.
 */
function makeRoom(ledger: Ledger, session: SessionEntity, ms: number): void {
  if (!session.overflow) {
    session.overflow = true;
    ledger.notice(
      'session.overflow',
      session.agent,
      `session ${session.id} has more acts than maxActsPerSession: oldest finished acts are dropped`,
      session.lastMs,
      session.tenant,
    );
  }
  count(ledger, 'acts-dropped');
  const key = droppable(session);
  if (key === undefined) return;
  const act = session.acts[key] as Act;
  while (act.reviewed < act.attempts.length) reviewNext(ledger, session, act, ms);
  if (act.state === 'waiting' || act.state === 'missing') {
    count(ledger, 'undecided');
    release(ledger, session, act);
  }
  delete session.acts[key];
  changed(ledger, session, key);
  session.actCount -= 1;
  ledger.room.sessions.weigh(keyOf(session.tenant, session.id), -1);
}

function droppable(session: SessionEntity): string | undefined {
  let looked = 0;
  let oldest: string | undefined;
  let announced: string | undefined;
  for (const key in session.acts) {
    const act = session.acts[key] as Act;
    const isOpen = act.state === 'waiting' || act.state === 'missing';
    if (!isOpen && act.reviewed === act.attempts.length) return key;
    oldest ??= key;
    if (act.attempts.length === 0) announced ??= key;
    looked += 1;
    if (looked >= LOOKED_AT) break;
  }
  return announced ?? oldest;
}

/** The oldest attempt of an act that has too many is let go of, reviewed before its time if need be. */
function dropAttempt(ledger: Ledger, session: SessionEntity, act: Act, ms: number): void {
  if (act.reviewed === 0) reviewNext(ledger, session, act, ms);
  act.attempts.shift();
  act.reviewed -= 1;
  act.compared = Math.max(0, act.compared - 1);
  count(ledger, 'witnesses-dropped');
}

function reviewNext(ledger: Ledger, session: SessionEntity, act: Act, nowMs: number): void {
  const attempt = act.attempts[act.reviewed] as Attempt;
  act.reviewed += 1;
  reviewAttempt(ledger, session, act, attempt, nowMs);
}

function wait(
  ledger: Ledger,
  session: SessionEntity,
  act: Act,
  key: string,
  need: Kind,
  ms: number,
  excused: boolean,
): void {
  if (excused || !ledger.books.judges(need)) {
    act.state = 'joined';
    return;
  }
  act.need = need;
  act.gap = ledger.books.expect(need, ms, session.tenant);
  act.dueMs = ms + ledger.options.joinWindowMs;
  if (!session.open.includes(key)) session.open.push(key);
  wakeSession(ledger, session, act.dueMs);
}

function release(ledger: Ledger, session: SessionEntity, act: Act): void {
  if (act.need !== null && act.state === 'waiting')
    ledger.books.found(act.need, act.gap, session.tenant);
  if (act.state === 'missing') session.pending -= 1;
  if (act.state !== 'absent') act.state = 'joined';
  act.dueMs = 0;
}

function reopen(ledger: Ledger, session: SessionEntity, act: Act): void {
  release(ledger, session, act);
  act.state = 'waiting';
}

function join(
  ledger: Ledger,
  session: SessionEntity,
  act: Act,
  key: string,
  ms: number,
  late: boolean,
): void {
  release(ledger, session, act);
  // Attempts already reviewed without an intent are compared now; the others at their review.
  for (; act.compared < act.reviewed; act.compared += 1)
    compare(ledger, session, act, act.attempts[act.compared] as Attempt, ms, late);
  if (act.reviewed < act.attempts.length && !session.open.includes(key)) session.open.push(key);
}

function compare(
  ledger: Ledger,
  session: SessionEntity,
  act: Act,
  attempt: Attempt,
  decidedMs: number,
  late: boolean,
): void {
  ledger.state({
    type: 'joined',
    attempt,
    intents: act.intents,
    strength: act.strength,
    session: viewOf(session, undefined),
    decidedMs,
    late,
  });
}

function reviewAttempt(
  ledger: Ledger,
  session: SessionEntity,
  act: Act,
  attempt: Attempt,
  nowMs: number,
): void {
  const owner = ledger.slots.get<AgentEntity>('A', keyOf(session.tenant, session.agent));
  if (act.intents.length > 0 && act.compared === act.reviewed - 1) {
    act.compared = act.reviewed;
    compare(ledger, session, act, attempt, nowMs, false);
  }
  const permission = permissionOf(ledger, session, attempt.tool, nowMs);
  const granted = attempt.granted === true ? true : permission.granted;
  const tier = permission.tier ?? attempt.tier;
  if (granted === null) sayUngoverned(ledger, session, nowMs);
  const around = refusedBefore(ledger, session, attempt, owner);
  ledger.state({
    type: 'attempt',
    attempt: { ...attempt, granted, tier },
    refused: around?.refused ?? null,
    around: around?.how ?? null,
    approved:
      tier !== null && NEEDS_APPROVAL.has(tier)
        ? tier !== 'prohibited' &&
          approvedBy(
            [...session.approvals, ...(owner?.approvals ?? [])],
            attempt,
            session.agent,
            nowMs,
          )
        : null,
    afterCloseMs: afterCloseOf(ledger, session, attempt),
    session: viewOf(session, owner),
    decidedMs: nowMs,
    late: false,
  });
}

function afterCloseOf(ledger: Ledger, session: SessionEntity, attempt: Attempt): number | null {
  if (session.closedMs === null) return null;
  const after = attempt.ms - session.closedMs;
  return after > ledger.options.closeGraceMs ? after : null;
}

/**
 * A refusal this success gets around: the same call again (a type error would have repeated itself:
 * it depends on the arguments alone), or, where a policy is named, another tool of the same class on
 * just the same values. Not where governance changed something in between.
 */
function refusedBefore(
  ledger: Ledger,
  session: SessionEntity,
  attempt: Attempt,
  owner: AgentEntity | undefined,
): { refused: Attempt; how: 'same-call' | 'other-way' } | null {
  const { decision, outcome } = attempt;
  if ((decision !== 'allow' && decision !== 'unknown') || outcome !== 'ok') return null;
  if (attempt.digest === null && attempt.given === undefined && attempt.leaves === null)
    return null;
  for (const { attempt: refused } of session.refused) {
    if (!precedes(refused, attempt)) continue;
    if (Math.abs(attempt.ms - refused.ms) > ledger.options.refusalWindowMs) continue;
    const changed = owner?.changedMs ?? 0;
    if (changed > refused.ms && changed <= attempt.ms) continue;
    if (refused.tool === attempt.tool && sameArguments(refused, attempt))
      return { refused, how: 'same-call' };
    const sameEffect =
      refused.policy !== null &&
      refused.tool !== attempt.tool &&
      attempt.toolClass !== null &&
      attempt.toolClass !== 'read' &&
      refused.toolClass === attempt.toolClass &&
      sameValues(refused, attempt);
    if (sameEffect) return { refused, how: 'other-way' };
  }
  return null;
}

function sameValues(a: Attempt, b: Attempt): boolean {
  const x = Object.values(a.leaves ?? {}).sort();
  const y = Object.values(b.leaves ?? {}).sort();
  return x.length > 0 && x.length === y.length && x.every((value, at) => value === y[at]);
}

/** Order within a session: the producer's counter where both have one, else time. */
function precedes(a: Attempt, b: Attempt): boolean {
  if (a.seq !== null && b.seq !== null && a.topic === b.topic) return a.seq < b.seq;
  return a.ms < b.ms;
}

function miss(ledger: Ledger, session: SessionEntity, act: Act, key: string, nowMs: number): void {
  const need = act.need as Kind;
  act.state = 'missing';
  session.pending += 1;
  const sessionKey = session.key;
  ledger.slots.touchPart('S', sessionKey, 'acts', key);
  const { tenant } = session;
  const owner = ledger.slots.get<AgentEntity>('A', keyOf(tenant, session.agent));
  const isHeard = need === 'gateway' ? owner?.acted === true : owner?.reasoned === true;
  // A name that governance does not know, in a fleet that it does, is one that anybody can make up.
  const isKnown = owner?.registeredMs != null || laneOf(ledger, nowMs, tenant).fleet === 0;
  const missing = { session: sessionKey, act: key };
  const at = ledger.books.missed(need, act.gap, missing, nowMs, {
    tenant,
    counts: isHeard || isKnown,
  });
  const name = bookKey(need, tenant);
  const book = ledger.slots.get('B', name);
  if (book !== undefined) ledger.timers.wake('B', name, book, at);
}

function retract(ledger: Ledger, session: SessionEntity, act: Act, ms: number): void {
  const witness = act.need === 'gateway' ? act.intents[0] : act.attempts[0];
  if (witness === undefined || act.need === null) return;
  act.state = 'joined';
  count(ledger, 'retracted');
  ledger.state({
    type: 'retract',
    book: act.need,
    witness,
    session: viewOf(session, undefined),
    decidedMs: ms,
    late: true,
  });
}

/** Asks for the session to be looked at. */
export function wakeSession(ledger: Ledger, session: SessionEntity, ms: number): void {
  ledger.timers.wake('S', session.key, session, ms);
}
