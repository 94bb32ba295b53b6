/** What correlation would know of an event for tests that state facts by hand. */
import { hash } from 'node:crypto';
import type { EventContext } from '../../src/model/event-context.ts';
import type { EventFact, Fact } from '../../src/model/fact.ts';

/** The parts of a folded event that correlation adds, with nothing known unless `over` says so. */
export function known(
  over: Partial<EventContext> = {},
): Pick<EventFact, 'unannounced' | 'context' | 'keyed'> {
  const context: EventContext = {
    session: null,
    agent: {
      registered: null,
      registeredMs: null,
      reviewedMs: null,
      model: null,
      systemDigest: null,
      offeredToolsDigest: null,
      maxDepth: null,
      maxFanOut: null,
      grants: null,
    },
    call: null,
    windowOpen: false,
    otherAgent: null,
    ...over,
  };
  return {
    unannounced: [],
    context: () => context,
    keyed: (text) => hash('sha256', text, 'hex').slice(0, 32),
  };
}

/** A fact as it is when it is stated: what comes later does not change it in hindsight. */
export function held(fact: Fact): Fact {
  if (fact.type !== 'event') return structuredClone(fact);
  const { context: ask, keyed, ...plain } = fact;
  const context = structuredClone(ask());
  return { ...structuredClone(plain), keyed, context: () => context };
}
