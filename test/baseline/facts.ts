/** Folded events for tests of baselines: what correlation would state of a scribe's records. */
import type { Event } from '../../src/model/event.ts';
import type { EventFact, SessionView } from '../../src/model/fact.ts';
import { eventOf } from '../correlate/events.ts';
import { known } from '../correlate/known.ts';
import { SCRIBE } from '../sim/profile.ts';

/** The session of these tests. */
export function sessionView(over: Partial<SessionView> = {}): SessionView {
  return {
    tenant: '-',
    id: 's',
    agent: 'scribe-1',
    ownedBy: 'governance',
    role: SCRIBE,
    openedMs: 0,
    closedMs: null,
    parent: null,
    blind: [],
    ...over,
  };
}

/** A fact of session `s`, or of none. */
export function factOf(
  ms: number,
  body: Partial<Event> & Pick<Event, 'kind'>,
  over: Partial<EventFact> = {},
): EventFact {
  const event = eventOf({ kind: body.kind, ms, id: `${body.kind}/${ms}`, body });
  return {
    type: 'event',
    event,
    session: sessionView(),
    tenant: '-',
    agent: 'scribe-1',
    role: SCRIBE,
    argsDigest: null,
    toolClass: null,
    granted: null,
    ours: false,
    model: 'm-1',
    late: false,
    ...known(),
    ...over,
  };
}

const CLASSES: Readonly<Record<string, string>> = { find_note: 'read', open_note: 'read' };

/** A call at the gateway. */
export function called(
  ms: number,
  tool: string,
  over: Partial<EventFact> = {},
  more: Partial<NonNullable<Event['action']>> = {},
): EventFact {
  const action = {
    phase: 'result',
    tool,
    args: { id: 'x' },
    decision: 'allow',
    outcome: 'ok',
    ...more,
  } as const;
  const toolClass = CLASSES[tool] ?? 'write';
  const body = { kind: 'gateway', category: 'tool_call', action } as const;
  return factOf(ms, body, { toolClass, granted: true, ...over });
}

/** A governance record. */
export function governed(
  ms: number,
  change: NonNullable<Event['governance']>['change'],
  detail: NonNullable<Event['governance']>['detail'] = {},
  over: Partial<EventFact> = {},
): EventFact {
  return factOf(
    ms,
    { kind: 'governance', category: 'session', governance: { change, detail } },
    over,
  );
}
