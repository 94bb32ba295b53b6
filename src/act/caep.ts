/** CAEP: turns a step of a lease into security events, one for each stream that may hear. */
import type { Intention } from '../model/decision.ts';
import { idOf } from '../model/ids.ts';
import {
  CAEP_EVENTS,
  type ReceiverRule,
  type Signal,
  type SignalStream,
  type Wish,
  type WishContext,
} from '../model/signals.ts';
import { signalSubjects, subjectId } from './signal-subject.ts';

/** How events are made. */
export interface CaepOptions {
  /** `iss` of every token. */
  readonly issuer: string;
  /** `iss` of agents: whoever issues their identities. */
  readonly subjectIssuer: string;
  /** Agents are `<agent>@<domain>` to receivers that take addresses; null: they have none. */
  readonly emailDomain: string | null;
  /** What tokens of agents carry, and which scopes a tool needs; null: tools cannot be frozen. */
  readonly scopes: {
    readonly granted: readonly string[];
    readonly tools: ReadonlyMap<string, readonly string[]>;
  } | null;
  readonly receivers: ReadonlyMap<string, ReceiverRule>;
}

type Payload = Readonly<Record<string, unknown>>;
interface Event {
  readonly type: string;
  readonly payload: Payload;
}

/** Key under which signals of one agent keep their order and leases take turns. */
export function agentKey({ tenant, agent }: { tenant: string; agent: string }): string {
  return idOf('agent', tenant, agent);
}

/**
 * The signals of a step. A request goes to every stream that is not disabled, asked for the event, has
 * not taken the subject out and may hear of it; a release to those that were told, and says only what
 * no other lease still wishes. Pure; the same step makes the same `jti`.
 */
export function signalsOf(
  intention: Intention,
  { others, streams, told }: WishContext,
  options: CaepOptions,
  nowMs: number,
): readonly Signal[] {
  const signals: Signal[] = [];
  for (const stream of streams) {
    const rule = options.receivers.get(stream.receiver);
    if (rule === undefined || stream.status === 'disabled') continue;
    if (intention.step === 'release' && !told.has(stream.id)) continue;
    const subject = subjectId(intention.subject, rule, options);
    if (subject === null || isExcluded(stream, subject)) continue;
    const near = others.filter((other) => speaksOfSame(other, intention, rule));
    const events = eventsOf(intention, near, rule, options, nowMs);
    for (const [at, { type, payload }] of events.entries()) {
      if (!stream.eventsRequested.includes(type)) continue;
      const jti = idOf('signal', intention.key, stream.id, at);
      signals.push({
        ...{ jti, streamId: stream.id, key: intention.key, leaseId: intention.leaseId },
        subjectKey: agentKey(intention.subject),
        expiresMs: intention.step === 'release' ? null : intention.expiresMs,
        claims: {
          iss: options.issuer,
          aud: stream.audience,
          iat: Math.floor(nowMs / 1_000),
          jti,
          txn: intention.caseId,
          sub_id: subject,
          events: { [type]: payload },
        },
      });
    }
  }
  return signals;
}

/** A stream that has a rule, as far as a plan can know it: what it would be sent. */
export function plannedStream(rule: ReceiverRule): SignalStream {
  return {
    ...{ id: `planned-${rule.name}`, receiver: rule.name, audience: rule.audience },
    delivery: { method: 'urn:ietf:rfc:8936' },
    eventsRequested: Object.values(CAEP_EVENTS),
    ...{ description: null, status: 'enabled', reason: null, excluded: [], heardMs: null },
    ...{ verifiedMs: null, lastError: null, dropped: 0 },
  };
}

function isExcluded(stream: SignalStream, subject: Payload): boolean {
  return signalSubjects(subject).some((key) => stream.excluded.includes(key));
}

/** To a receiver that knows only agents every lease of the agent speaks of the same. */
function speaksOfSame(other: Wish, { subject }: Intention, rule: ReceiverRule): boolean {
  return rule.subject !== 'complex' || other.session === subject.session;
}

function eventsOf(
  intention: Intention,
  others: readonly Wish[],
  rule: ReceiverRule,
  options: CaepOptions,
  nowMs: number,
): readonly Event[] {
  const common = {
    event_timestamp: Math.floor(
      (intention.step === 'request' ? intention.issuedMs : nowMs) / 1_000,
    ),
    initiating_entity: 'policy',
    reason_admin: { en: `${intention.reason} Case ${intention.caseId}.` },
  };
  const isAgent = rule.subject !== 'complex' || intention.subject.session === null;
  const risk = (level: Payload): Event => ({
    type: CAEP_EVENTS.riskLevelChange,
    payload: { ...common, principal: isAgent ? 'USER' : 'SESSION', ...level },
  });
  const raised = risk({ current_level: 'HIGH', risk_reason: 'PLUMBLINE_INTERVENTION' });
  const revoked: Event = { type: CAEP_EVENTS.sessionRevoked, payload: common };
  const isRelease = intention.step === 'release';
  switch (intention.verb) {
    case 'revoke_session':
      return isRelease ? [] : [revoked];
    case 'freeze_tool':
      return claimsChange(intention, others, options, common);
    case 'posture':
    case 'suspend_agent': {
      // Sessions that are there end, and the level keeps new ones out until it falls.
      if (!isRelease) return intention.verb === 'posture' ? [raised] : [revoked, raised];
      const held = others.some(({ verb }) => verb === 'posture' || verb === 'suspend_agent');
      return held ? [] : [risk({ previous_level: 'HIGH', current_level: 'LOW' })];
    }
    default:
      return intention.verb satisfies never;
  }
}

/** What tokens may carry now: everything granted without the scopes of all frozen tools. */
function claimsChange(
  intention: Intention,
  others: readonly Wish[],
  { scopes }: CaepOptions,
  common: Payload,
): readonly Event[] {
  if (scopes === null) return [];
  const own = intention.step === 'release' ? [] : intention.subject.tools;
  const frozen = new Set([
    ...own,
    ...others.filter(({ verb }) => verb === 'freeze_tool').flatMap(({ tools }) => tools),
  ]);
  const lost = new Set([...frozen].flatMap((tool) => scopes.tools.get(tool) ?? []));
  // A tool whose scopes nobody named cannot be frozen by narrowing them: say nothing rather than lie.
  if (own.some((tool) => !scopes.tools.has(tool))) return [];
  const scope = scopes.granted.filter((one) => !lost.has(one)).join(' ');
  return [{ type: CAEP_EVENTS.tokenClaimsChange, payload: { ...common, claims: { scope } } }];
}
