/** Changes to agents: declared with approver and window, or undeclared, and what they do. */

import type { WireEvent } from '../model/event.ts';
import type { Governance } from '../model/event-governance.ts';
import { freeTools, freshMatter } from './deed.ts';
import { type Deviation, governanceEvent } from './emission.ts';
import { successorOf } from './manner.ts';
import { bearerOf, type FleetAgent } from './population.ts';
import { between, chance, integer, pick, shuffled, stream } from './random.ts';
import type { RoleSpec, SimulatedTool } from './role.ts';
import type { Extra } from './running.ts';

/** Kinds of change: four that governance declares, and those it never hears of in time. */
export const CHANGE_KINDS = [
  'model',
  'prompt',
  'grant',
  'rollout',
  'model-swap',
  'prompt-swap',
  'insider-grant',
  'role-rollout',
  'slow-drift',
  'poisoned-window',
] as const;
/** One of CHANGE_KINDS. */
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** One change. */
export interface Change {
  /** Unique in the fleet. */
  readonly id: string;
  readonly kind: ChangeKind;
  readonly atMs: number;
  /** End of its window, or of the drift's growth. */
  readonly untilMs: number;
  /** Agents it concerns; all of a role in a roll-out. */
  readonly agents: readonly FleetAgent[];
  readonly approver: string;
}

const DAY_MS = 86_400_000;
const WINDOW_MS = 3 * DAY_MS;
const TAINTS: Partial<Readonly<Record<ChangeKind, Deviation>>> = {
  'model-swap': 'model-swap',
  'prompt-swap': 'prompt-swap',
  'role-rollout': 'role-rollout',
  'slow-drift': 'slow-drift',
};
/** Kinds that exchange the model. */
const NEW_MODEL: ReadonlySet<ChangeKind> = new Set([
  'model',
  'model-swap',
  'rollout',
  'role-rollout',
  'poisoned-window',
]);
/** Kinds that exchange the prompt. */
const NEW_PROMPT: ReadonlySet<ChangeKind> = new Set([
  'prompt',
  'prompt-swap',
  'rollout',
  'role-rollout',
]);
/** Shares of sessions that use a tool granted later, that misuse it, that poison a window. */
const SHARES = { grant: 0.3, insider: 0.4, poison: 0.35 } as const;

/** How many changes of each kind, and when. */
export interface Wishes {
  readonly counts: Readonly<Partial<Record<ChangeKind, number>>>;
  readonly fromMs: number;
  readonly toMs: number;
}

function concerned(kind: ChangeKind, agent: FleetAgent, all: readonly FleetAgent[]): FleetAgent[] {
  const wholeRole = kind === 'rollout' || kind === 'role-rollout';
  return wholeRole ? all.filter(({ role }) => role === agent.role) : [agent];
}

/**
 * Plans changes in the first two thirds of a period, so that sessions are left to show them. No
 * agent is changed twice while others are left; what cannot be placed is left out.
 */
export function planChanges(
  seed: number | string,
  agents: readonly FleetAgent[],
  wishes: Wishes,
): Change[] {
  const random = stream(seed, 'changes');
  const free = new Set(shuffled(random, agents));
  const { fromMs, toMs } = wishes;
  const plan: Change[] = [];
  for (const kind of CHANGE_KINDS) {
    for (let n = 1; n <= (wishes.counts[kind] ?? 0); n += 1) {
      const [agent] = free;
      if (agent === undefined) return plan;
      const group = concerned(kind, agent, [...free]);
      for (const each of group) free.delete(each);
      const atMs = Math.floor(fromMs + between(random, 0.1, 0.6) * (toMs - fromMs));
      const approver = `user:approver-${integer(random, 1, 9)}`;
      const untilMs = kind === 'slow-drift' ? toMs : Math.min(toMs, atMs + WINDOW_MS);
      plan.push({ id: `change/${kind}/${n}`, kind, atMs, untilMs, agents: group, approver });
    }
  }
  return plan.sort((a, b) => a.atMs - b.atMs);
}

/** What the changes in force make of a session. */
export interface Standing {
  /** Model that answers, and the one the records name. */
  readonly model: string;
  readonly stated: string;
  readonly prompt: string;
  readonly drift: number;
  /** An undeclared change that shows. */
  readonly taint: { readonly kind: Deviation; readonly change: string } | null;
  /** Tool beside the role's, where this session uses it. */
  readonly extra: Extra | null;
  readonly deed: 'insider-grant' | 'poisoned-window' | null;
  /** Change whose stranger it serves. */
  readonly change: string | null;
}

/** Where nothing has changed. */
export function unchanged(model: string): Standing {
  return {
    ...{ model, stated: model, prompt: '', drift: 0 },
    ...{ taint: null, extra: null, deed: null, change: null },
  };
}

/** A tool of another role; insiders want one that reaches outside. */
function foreignTool(
  seed: number | string,
  change: Change,
  role: RoleSpec,
  roles: readonly RoleSpec[],
): { tool: SimulatedTool; from: RoleSpec } | null {
  const own = new Set(role.tools.map(({ name }) => name));
  const wanted = change.kind === 'grant' ? ['read'] : ['communicate', 'spend'];
  const offers = roles.flatMap((from) =>
    freeTools(from)
      .filter((tool) => !own.has(tool.name) && wanted.includes(tool.class))
      .map((tool) => ({ tool, from })),
  );
  return offers.length === 0 ? null : pick(stream(seed, `${change.id}/tool`), offers);
}

/** Everything a fleet needs to apply changes. */
export interface ChangeWorld {
  readonly seed: number | string;
  readonly roles: readonly RoleSpec[];
  readonly changes: readonly Change[];
}

/** What holds for a session of this agent that opens now. `name` is unique in the fleet. */
export function standingOf(
  world: ChangeWorld,
  agent: FleetAgent,
  role: RoleSpec,
  nowMs: number,
  name: string,
): Standing {
  let standing = unchanged(agent.model);
  for (const change of world.changes) {
    if (change.atMs > nowMs || !change.agents.some(({ id }) => id === agent.id)) continue;
    standing = withChange(world, standing, change, role, nowMs, name);
  }
  return standing;
}

function withChange(
  world: ChangeWorld,
  before: Standing,
  change: Change,
  role: RoleSpec,
  nowMs: number,
  name: string,
): Standing {
  const { kind, id } = change;
  const random = stream(world.seed, `${name}/${id}`);
  const taint = TAINTS[kind];
  const model = NEW_MODEL.has(kind) ? successorOf(before.model) : before.model;
  const share = (nowMs - change.atMs) / Math.max(1, change.untilMs - change.atMs);
  const after: Standing = {
    ...before,
    model,
    stated: taint === undefined ? model : before.stated,
    prompt: NEW_PROMPT.has(kind) ? id : before.prompt,
    drift: kind === 'slow-drift' ? Math.min(1, share) : before.drift,
    taint: taint === undefined ? before.taint : { kind: taint, change: id },
  };
  if (kind === 'poisoned-window' && nowMs < change.untilMs && chance(random, SHARES.poison))
    return { ...after, deed: 'poisoned-window', change: id };
  if (kind !== 'grant' && kind !== 'insider-grant') return after;
  const isUsed = chance(random, kind === 'grant' ? SHARES.grant : SHARES.insider);
  const found = isUsed ? foreignTool(world.seed, change, role, world.roles) : null;
  if (found === null) return after;
  const matter = freshMatter(random, pick(random, found.from.flows));
  const extra = { tool: found.tool, matter };
  return { ...after, extra, deed: kind === 'insider-grant' ? kind : after.deed };
}

/** What governance says when a change happens; nothing of one that is hidden. */
export function announcement(
  world: ChangeWorld,
  change: Change,
  roleOf: (agent: FleetAgent) => RoleSpec,
  tenant: string | null,
): { readonly agent: FleetAgent; readonly event: WireEvent }[] {
  const bodies = (agent: FleetAgent) => bodiesOf(world, change, agent, roleOf(agent));
  return change.agents.flatMap((agent) =>
    bodies(agent).map(([category, body]) => {
      const id = `${agent.id}/${body.change}/${change.atMs}`;
      const bearer = bearerOf(agent, tenant);
      return { agent, event: governanceEvent(bearer, change.atMs, id, category, body) };
    }),
  );
}

/** What governance says when its window closes. */
export function conclusion(
  change: Change,
  tenant: string | null,
): { readonly agent: FleetAgent; readonly event: WireEvent }[] {
  if (!hasWindow(change)) return [];
  return change.agents.map((agent) => {
    const body: Governance = {
      change: 'window.closed',
      target: { type: 'agent', id: agent.id },
      actor: change.approver,
    };
    const id = `${agent.id}/${body.change}/${change.untilMs}`;
    const bearer = bearerOf(agent, tenant);
    return { agent, event: governanceEvent(bearer, change.untilMs, id, 'window', body) };
  });
}

function hasWindow({ kind }: Change): boolean {
  return !(kind in TAINTS) && kind !== 'insider-grant';
}

function bodiesOf(
  world: ChangeWorld,
  change: Change,
  agent: FleetAgent,
  role: RoleSpec,
): [string, Governance][] {
  const { kind, approver, atMs, untilMs } = change;
  const target = { type: 'agent', id: agent.id };
  const found =
    kind === 'grant' || kind === 'insider-grant'
      ? foreignTool(world.seed, change, role, world.roles)
      : null;
  const tools =
    found === null
      ? []
      : [{ tool: found.tool.name, class: found.tool.class, tier: found.tool.tier }];
  if (kind === 'insider-grant') {
    const actor = approver.replace('approver-', '');
    return tools.length === 0
      ? []
      : [['grant', { change: 'tools.granted', target, actor, detail: { tools } }]];
  }
  if (!hasWindow(change)) return [];
  const ref = `${agent.id}/${change.id}`;
  const approval = { ref, by: [approver], validFromMs: atMs, validToMs: untilMs };
  const about = { target, actor: 'platform:registry', approval };
  const bodies: [string, Governance][] = [
    ['window', { change: 'window.opened', target, actor: approver, approval }],
  ];
  if (NEW_MODEL.has(kind)) {
    const detail = { model: successorOf(agent.model) };
    bodies.push(['model', { change: 'model.changed', ...about, detail }]);
  }
  if (NEW_PROMPT.has(kind)) bodies.push(['prompt', { change: 'prompt.changed', ...about }]);
  if (tools.length > 0)
    bodies.push(['grant', { change: 'tools.granted', ...about, detail: { tools } }]);
  return bodies;
}
