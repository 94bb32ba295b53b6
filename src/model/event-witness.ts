/** The witness that a folded event itself is. */
import type { EventFact, WitnessRecord } from './fact.ts';

/** The event as a witness, without payload content. */
export function eventWitness(fact: EventFact): WitnessRecord {
  const { event } = fact;
  const { topic, partition, offset, index } = event.src;
  return {
    kind: event.kind,
    topic,
    nativeId: event.nativeId,
    at: { topic, partition, offset, index },
    ms: event.time.eventMs,
    seq: event.order?.seq ?? null,
    agent: fact.agent,
    call: event.keys?.toolCallId ?? null,
    tool: event.action?.tool ?? '',
    digest: null,
    leaves: null,
  };
}
