/** Casework: what a detection adds to risk, to its case and to the chain of what led to what. */
import type { CausalChain } from '../model/chain.ts';
import type { Detection, Entity } from '../model/detection.ts';
import type { Kind, Trust } from '../model/event.ts';
import type { EventFact } from '../model/fact.ts';
import type { Slots } from '../state/slots.ts';
import { type Casebook, createCasebook, type Told } from './case.ts';
import {
  type Ancestor,
  createChains,
  type Intervention,
  type KnownSession,
} from './causal/chain.ts';
import { createTrail } from './causal/trail.ts';
import type { FleetSizes } from './fleet-case.ts';
import { createHear } from './heard.ts';
import { addRisk, delegatedRisk, retractEverywhere, riskOf } from './risk.ts';
import { RISK } from './score.ts';

/** Where a session comes from, as governance recorded it. */
export interface Lineage {
  readonly principal: string | null;
  /** Sessions that led to it, nearest first; at most four. */
  readonly ancestors: readonly Ancestor[];
}

/** Everything between a detection and the decision about it. */
export interface Casework {
  /** Remembers what chains are made of. */
  see(fact: EventFact): void;
  /** False for a detection that was taken in before. */
  hear(detection: Detection): boolean;
  /** Adds to risk and case. */
  take(detection: Detection, lineage: Lineage, sizes: FleetSizes): Told;
  /** Adds to the chain of its case. */
  grow(
    caseId: string,
    detection: Detection,
    session: KnownSession,
    intervention: Intervention | null,
  ): CausalChain | null;
  /** A verdict of false positive: what it added to risk is gone, everywhere and at once. */
  forgive(detectionId: string, entity: Entity): void;
  readonly cases: Pick<Casebook, 'nextMs' | 'passTime' | 'restoring'>;
  readonly counters: Readonly<Record<string, number>>;
}

/** Who speaks where the last witness is of this book. */
const TRUST_OF: Readonly<Record<Kind, Trust>> = {
  reasoning: 'agent',
  gateway: 'gateway',
  governance: 'policy',
  metrics: 'platform',
};

/** Makes it over `slots`. */
export function createCasework(
  slots: Slots,
  evicted: (subject: string, detail: string, ms: number) => void,
): Casework {
  const trail = createTrail(slots);
  const chains = createChains(slots, trail, evicted);
  const casebook = createCasebook(slots, evicted);
  return {
    see: (fact) => trail.see(fact),
    hear: createHear(slots, evicted),
    take(detection, lineage, sizes) {
      accrue(slots, detection, lineage, evicted);
      const { tenant, agent } = detection.entity;
      const { points } = riskOf(slots, agentKey(tenant, agent), detection.decidedMs);
      return casebook.add(detection, { sizes, risk: Math.round(points * 10) / 10 });
    },
    grow: (caseId, detection, session, intervention) =>
      chains.grow(caseId, detection, session, intervention),
    forgive: (id, entity) => {
      const [agent = '', ...others] = keysOf(entity.tenant, entity.agent, entity.session);
      retractEverywhere(slots, agent, others, id);
    },
    cases: casebook,
    counters: trail.counters,
  };
}

function accrue(
  slots: Slots,
  detection: Detection,
  lineage: Lineage,
  evicted: (subject: string, detail: string, ms: number) => void,
): void {
  const { id, detector, level, decidedMs, tool } = detection;
  const { tenant, agent, session } = detection.entity;
  const trust = TRUST_OF[detection.witnesses.at(-1)?.kind ?? 'metrics'];
  const contribution = {
    ...{ id, detector, trust, weight: RISK[level], ms: detection.timeMs, delegated: false },
  };
  const [own = '', ...others] = keysOf(tenant, agent, session);
  if (tool !== null) others.push(`tool ${tenant.length}:${tenant}:${tool}`);
  if (lineage.principal !== null)
    others.push(`principal ${tenant.length}:${tenant}:${lineage.principal}`);
  const delegators = lineage.ancestors.map((one) => agentKey(tenant, one.agent));
  const passed = delegatedRisk(
    contribution,
    delegators.filter((key) => key !== own),
  );
  const to = [...others, ...passed.map(({ entity }) => entity)];
  const gone = (subject: string, detail: string) => evicted(subject, detail, decidedMs);
  addRisk(slots, own, contribution, gone, to);
  for (const key of others) addRisk(slots, key, contribution, gone);
  for (const { entity, contribution: part } of passed) addRisk(slots, entity, part, gone);
}

function keysOf(tenant: string, agent: string, session: string | null): string[] {
  const keys = [agentKey(tenant, agent)];
  if (session !== null) keys.push(`session ${tenant.length}:${tenant}:${session}`);
  keys.push(`tenant ${tenant}`);
  return keys;
}

function agentKey(tenant: string, agent: string): string {
  return `agent ${tenant.length}:${tenant}:${agent}`;
}
