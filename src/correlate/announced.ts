/** Announced: which parts of an agent changed although no governance event said so. */

import type { Event } from '../model/event.ts';
import type { Governance } from '../model/event-governance.ts';
import type { Unannounced } from '../model/fact.ts';
import type { Ledger } from './ledger.ts';
import type { AgentEntity, Mark } from './session.ts';

const SEEN_MAX = 16;
const NOTHING: readonly Unannounced[] = [];
const UNSEEN: Mark = { seen: [], announcedMs: 0 };

/** Which parts a change speaks for. */
const SPEAKS_FOR: Readonly<Record<string, readonly Unannounced[]>> = {
  'agent.registered': ['model', 'prompt', 'tools'],
  'agent.changed': ['model', 'prompt', 'tools'],
  'model.changed': ['model'],
  'prompt.changed': ['prompt'],
  'tool.added': ['tools'],
  'tool.removed': ['tools'],
  'tool.changed': ['tools'],
  'tools.granted': ['tools'],
  'tools.revoked': ['tools'],
};

/**
 * Governance announces a change of the agent. Where it names the new value just that one is expected;
 * where it does not, the next new value is, whatever it may be.
 */
export function announce(agent: AgentEntity, governance: Governance, ms: number): void {
  const { change } = governance;
  const parts = Object.hasOwn(SPEAKS_FOR, change) ? SPEAKS_FOR[change] : undefined;
  if (parts === undefined) return;
  const marks = { ...agent.marks };
  for (const part of parts) {
    const { seen, announcedMs } = marks[part] ?? UNSEEN;
    const named = namedBy(governance, part);
    marks[part] =
      named === undefined || seen.length === 0
        ? { seen, announcedMs: ms }
        : { seen: [...seen, named].slice(-SEEN_MAX), announcedMs };
  }
  agent.marks = marks;
}

/** The value of a part that the announcement names. */
function namedBy(governance: Governance, part: Unannounced): string | undefined {
  const { change, detail, afterDigest } = governance;
  if (part === 'model') return detail?.model;
  if (part === 'prompt')
    return detail?.systemDigest ?? (change === 'prompt.changed' ? afterDigest : undefined);
  return detail?.offeredToolsDigest;
}

/**
 * Parts that this reasoning shows with a value never seen of the agent before, and that nobody
 * announced since the last new one. The first value of all is where an agent begins.
 */
export function unannouncedIn(
  ledger: Ledger,
  agent: AgentEntity,
  event: Event,
): readonly Unannounced[] {
  const { reasoning } = event;
  if (reasoning === undefined) return NOTHING;
  let found: Unannounced[] | null = null;
  const look = (part: Unannounced, value: string | undefined) => {
    if (value === undefined || value === '' || agent.marks?.[part]?.seen.includes(value) === true)
      return;
    const mark = agent.marks?.[part];
    if (isNews(mark)) {
      found ??= [];
      found.push(part);
    }
    const seen = [...(mark?.seen ?? []), value.slice(0, 256)].slice(-SEEN_MAX);
    // An announcement answers for one new value; the next one needs its own.
    agent.marks = { ...agent.marks, [part]: { seen, announcedMs: 0 } };
    ledger.slots.touch('A', agent.key);
  };
  look('model', reasoning.model?.slice(0, 256));
  look('prompt', reasoning.systemDigest);
  look('tools', reasoning.offeredToolsDigest);
  return found ?? NOTHING;
}

function isNews(mark: Mark | undefined): boolean {
  return mark !== undefined && mark.seen.length > 0 && mark.announcedMs === 0;
}
