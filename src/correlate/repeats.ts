/** Repeats: records folded already are known again by their marks, and dropped. */
import type { Event } from '../model/event.ts';
import { count, type Ledger } from './ledger.ts';
import { type AgentEntity, prune, type SessionEntity } from './session.ts';

/** Marks of an agent, for what is in no session. */
const AGENT_SEEN_MAX = 256;

/** Topics of a session that are told apart by a number. */
const COUNTED_TOPICS = 4;

const COUNTER_MAX = 2 ** 28;

/** Repeats are dropped and counted; the same identity with other bytes is kept out and said. */
export function isRepeat(
  ledger: Ledger,
  event: Event,
  session: SessionEntity | null,
  agent: AgentEntity,
): boolean {
  const seen = session?.seen ?? agent.seen;
  const key = (session === null ? null : counterMark(session, event)) ?? nameMark(event);
  const known = seen[key];
  if (known === undefined) {
    seen[key] = event.contentHash;
    if (session === null) {
      ledger.slots.touch('A', agent.key);
      prune(seen, AGENT_SEEN_MAX);
    } else {
      ledger.slots.touchPart('S', session.key, 'seen', String(key));
      forgetOldMarks(ledger, session);
    }
    return false;
  }
  if (known === event.contentHash) count(ledger, 'repeats');
  else {
    count(ledger, 'forged-ids');
    const { topic, partition, offset } = event.src;
    ledger.notice(
      'event.duplicate-id',
      agent.id,
      `the record at ${topic}/${partition}@${offset} bears the id of another with other content; the first is kept`,
      event.time.eventMs,
      agent.tenant,
    );
  }
  return true;
}

function nameMark({ src, nativeId }: Event): string {
  return `${src.topic} ${nativeId}`;
}

/**
 * The mark of an event whose identity is its number in the session: a number, for names would be most
 * of what is kept and written of marks. Null where a name must do.
 */
function counterMark(session: SessionEntity, { nativeId, order, src }: Event): number | null {
  if (order === undefined || order.of !== 'session' || order.seq > COUNTER_MAX) return null;
  if (!nativeId.startsWith('session/')) return null;
  session.counted ??= [];
  let at = session.counted.indexOf(src.topic);
  if (at < 0) {
    if (session.counted.length >= COUNTED_TOPICS) return null;
    at = session.counted.push(src.topic) - 1;
    // It is written with the mark: whoever notes one touches the session.
  }
  return order.seq * COUNTED_TOPICS + at;
}

/** Marks are bounded too: pruned in one go when they have doubled, so that the cost stays constant. */
function forgetOldMarks(ledger: Ledger, session: SessionEntity): void {
  const most = 2 * ledger.options.maxActsPerSession;
  session.marks += 1;
  if (session.marks <= 2 * most) return;
  prune(session.seen, most);
  session.marks = most;
  ledger.slots.put('S', session.key, session);
}
