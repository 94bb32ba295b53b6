/** Identities: which agent a record is about, by its claims and by configuration. */
import type { SourceConfig } from '../model/config/source.ts';
import type { NamedAgent, Trust } from '../model/event.ts';
import type { Claim } from '../model/event-parts.ts';
import { tierOf } from '../model/identity.ts';
import type { EventParts } from './draft.ts';

/** How a source's identities are read. */
export interface IdentityRules {
  readonly trust: Trust;
  /** Bases that are believed; null: all. */
  readonly bases: ReadonlySet<string> | null;
  /** One checked identity serves several agents: what the agent says of itself tells them apart. */
  readonly shared: boolean;
  /** `basis:issuer#value`, `basis:value` or `value` → agent. */
  readonly aliases: ReadonlyMap<string, string>;
}

/** The deployment's table of identities: agent → identities it goes by. */
export type IdentityTable = Readonly<Record<string, readonly string[]>>;

/**
 * The table turned around. `twice` names identities that stand for two agents: such a table is refused,
 * for it would make one agent's deeds another's.
 */
export function aliasesOf(table: IdentityTable): {
  readonly aliases: ReadonlyMap<string, string>;
  readonly twice: readonly string[];
} {
  const aliases = new Map<string, string>();
  const twice: string[] = [];
  for (const [agent, identities] of Object.entries(table))
    for (const identity of identities) {
      const known = aliases.get(identity);
      if (known !== undefined && known !== agent) twice.push(identity);
      aliases.set(identity, agent);
    }
  return { aliases, twice };
}

/** Rules of a source. */
export function identityRules(
  { trust, identity = {} }: SourceConfig,
  aliases: ReadonlyMap<string, string>,
): IdentityRules {
  const bases = identity.bases === undefined ? null : new Set(identity.bases);
  return { trust, bases, shared: identity.shared ?? false, aliases };
}

type WireAgent = NonNullable<EventParts['agent']>;

/**
 * The agent a record is about: of what it claims, and the source may claim, the highest tier that the table
 * knows; else the highest tier as it is written. Claims come back highest first where there are several.
 * Undefined where none is believed.
 */
export function agentBy(agent: WireAgent, rules: IdentityRules): NamedAgent | undefined {
  const { bases, aliases, shared } = rules;
  if (agent.claims === undefined && bases === null && aliases.size === 0 && !shared)
    return agent as NamedAgent;
  const given: readonly Claim[] = agent.claims ?? [
    { basis: agent.basis ?? 'self', value: agent.id },
  ];
  const believed = bases === null ? given : given.filter(({ basis }) => bases.has(basis));
  const claims = believed
    .map((claim) => resolved(claim, aliases))
    .sort((a, b) => tierOf(b.basis, rules.trust) - tierOf(a.basis, rules.trust));
  const own = shared ? claims.filter(({ basis }) => tierOf(basis, rules.trust) === 1) : claims;
  const among = own.length > 0 ? own : claims;
  const chosen = among.find((claim) => claim.agent !== undefined) ?? among[0];
  if (chosen === undefined) return undefined;
  const { claims: _, id: _id, basis: _basis, ...rest } = agent;
  const named = { ...rest, id: chosen.agent ?? chosen.value, basis: chosen.basis };
  // Several agents behind one identity contradict nothing.
  if (shared || (claims.length < 2 && chosen.agent === undefined)) return named;
  return { ...named, claims };
}

function resolved(claim: Claim, aliases: ReadonlyMap<string, string>): Claim {
  const { basis, value, issuer } = claim;
  const agent =
    (issuer === undefined ? undefined : aliases.get(`${basis}:${issuer}#${value}`)) ??
    aliases.get(`${basis}:${value}`) ??
    aliases.get(value);
  return agent === undefined ? claim : { ...claim, agent };
}
