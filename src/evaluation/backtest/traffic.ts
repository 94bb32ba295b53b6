/** Traffic of a corpus: what was there to be judged, counted while it is read. */
import { EVIDENCE_LEVELS, type Event, type EvidenceLevel, type Kind } from '../../model/event.ts';

const DAY_MS = 86_400_000;

/** What a corpus holds. */
export interface Traffic {
  readonly events: number;
  /** Events of each kind, by evidence level (index of EVIDENCE_LEVELS). */
  readonly levels: Readonly<Record<Kind, readonly number[]>>;
  readonly sessions: ReadonlySet<string>;
  readonly agents: ReadonlySet<string>;
  /** Pairs of agent and UTC day on which it was heard of: what alerts are divided by. */
  readonly agentDays: number;
  /** First and last event time, ms; null where there is no event. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

/** Counts events as they are decoded. */
export interface TrafficCounter {
  see(event: Event): void;
  finish(): Traffic;
}

/** Starts counting. Events whose time had to be clamped count, but bound no interval. */
export function createTraffic(): TrafficCounter {
  const none = () => EVIDENCE_LEVELS.map(() => 0);
  const levels = { reasoning: none(), gateway: none(), governance: none(), metrics: none() };
  const sessions = new Set<string>();
  const agents = new Set<string>();
  const agentDays = new Set<string>();
  let events = 0;
  let fromMs: number | null = null;
  let toMs: number | null = null;
  return {
    see(event) {
      events += 1;
      const counts = levels[event.kind];
      const at = EVIDENCE_LEVELS.indexOf(levelOf(event));
      counts[at] = (counts[at] ?? 0) + 1;
      if (event.session !== undefined) sessions.add(event.session.id);
      const { eventMs, clamped } = event.time;
      if (event.agent !== undefined) {
        agents.add(event.agent.id);
        if (!clamped) agentDays.add(`${Math.floor(eventMs / DAY_MS)} ${event.agent.id}`);
      }
      if (clamped) return;
      fromMs = Math.min(fromMs ?? eventMs, eventMs);
      toMs = Math.max(toMs ?? eventMs, eventMs);
    },
    finish: () => ({
      ...{ events, levels, sessions, agents, fromMs, toMs, agentDays: agentDays.size },
    }),
  };
}

/** How much content an event carries: as its producer says, else as it shows. */
export function levelOf(event: Event): EvidenceLevel {
  const { action, reasoning } = event;
  if (event.evidence !== undefined) return event.evidence.level;
  // A turn without a call hides nothing: there were no arguments to be held back.
  if (event.kind === 'reasoning' && reasoning?.intents.length === 0) return 'L3';
  if (action?.result !== undefined || reasoning?.text !== undefined) return 'L3';
  const stated = reasoning?.intents.some(({ args }) => args !== undefined) ?? false;
  if (action?.args !== undefined || stated || reasoning?.mandate !== undefined) return 'L2';
  return 'L0';
}

/** Length of a corpus in days of event time; null where nothing has a length. */
export function daysOf({ fromMs, toMs }: Traffic): number | null {
  return fromMs === null || toMs === null || toMs <= fromMs ? null : (toMs - fromMs) / DAY_MS;
}
