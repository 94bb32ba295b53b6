/** Fact log: what facts leave in the record, whatever detectors make of them. */
import { changeSaid, sessionSaid } from '../correlate/history.ts';
import type { AttemptFact, EventFact, Fact } from '../model/fact.ts';
import { eventIdOf } from '../model/ids.ts';
import type { Draft } from './draft.ts';
import type { Notices } from './notices.ts';
import type { Stages } from './stages.ts';

/** Whom it asks, and where it writes. */
export interface FactLogParts {
  readonly stages: Pick<Stages, 'decide'>;
  readonly draft: Draft;
  readonly notices: Notices;
}

/** Writes a fact into the draft; most leave nothing. */
export function logFact(parts: FactLogParts, fact: Fact): void {
  const { draft, notices } = parts;
  if (fact.type === 'event') {
    closedUnit(draft, fact);
    said(draft, fact);
  } else if (fact.type === 'attempt') attempted(parts, fact);
  else if (fact.type === 'blind') {
    draft.effects.coverage.push(fact.coverage);
    const code = fact.coverage.toMs === null ? 'source.blind' : 'source.back';
    const { tenant, source, reason } = fact.coverage;
    notices.say(code, source, reason, fact.decidedMs, tenant);
  } else if (fact.type === 'blind-session') {
    const { tenant, id } = fact.session;
    draft.effects.amendments.push({ type: 'blind', tenant, session: id, source: fact.book });
  }
}

/** A call at the gateway: which standing leases it concerns. */
function attempted({ stages, draft }: FactLogParts, { session, attempt }: AttemptFact): void {
  const id = eventIdOf(attempt.topic, attempt.nativeId);
  const { tenant, agent } = session;
  const activity = stages.decide.activity(tenant, agent, session.id, attempt, id);
  draft.effects.activity.push(...activity);
}

/** A session of a role came to its end: one more live unit. */
function closedUnit(draft: Draft, { event, session, late }: EventFact): void {
  const isClose = event.governance?.change === 'session.closed';
  // A late one may be a repetition; to count a unit too few lends nobody power.
  if (!isClose || late || session === null || session.role === null) return;
  // Closed twice, or by a second record: the first one counts.
  if (session.closedMs !== event.time.eventMs) return;
  draft.effects.closedUnits.push({ role: session.role, units: 1 });
}

/** What governance said: who the agent was, what it might do, and when, for whoever asks later. */
function said(draft: Draft, fact: EventFact): void {
  if (fact.event.governance === undefined) return;
  const { effects } = draft;
  const session = sessionSaid(fact);
  if (session !== null) effects.agentSessions.push(session);
  else effects.agentChanges.push(changeSaid(fact));
}
