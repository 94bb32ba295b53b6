/** Identity: the agent an event is about, of several it names, by who is registered. */
import type { Event } from '../model/event.ts';
import type { Claim } from '../model/event-parts.ts';
import type { Ledger } from './ledger.ts';
import { type AgentEntity, keyOf } from './session.ts';

/**
 * Of claims, highest tier first, the first that the table of identities or the register knows; else what the
 * source made of them. Undefined where the event names nobody.
 */
export function agentNamed(ledger: Ledger, tenant: string, event: Event): string | undefined {
  const { agent } = event;
  if (agent?.claims === undefined) return agent?.id;
  for (const claim of agent.claims) {
    const known = resolve(ledger, tenant, claim);
    if (known !== undefined) return known;
  }
  return agent.id;
}

/** Another agent that the event's claims name as surely as its own: both are known. Null: none does. */
export function otherNamed(
  ledger: Ledger,
  tenant: string,
  event: Event,
): { readonly agent: string; readonly basis: string } | null {
  const own = agentNamed(ledger, tenant, event);
  for (const claim of event.agent?.claims ?? []) {
    const known = resolve(ledger, tenant, claim);
    if (known !== undefined && known !== own) return { agent: known, basis: claim.basis };
  }
  return null;
}

function resolve(ledger: Ledger, tenant: string, claim: Claim): string | undefined {
  if (claim.agent !== undefined) return claim.agent;
  const entity = ledger.slots.get<AgentEntity>('A', keyOf(tenant, claim.value));
  return entity?.registeredMs == null ? undefined : claim.value;
}
