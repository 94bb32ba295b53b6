/** The simulated fleet: seeded agents whose records come out in time order, one at a time. */
import { Heap } from '../state/heap.ts';
import {
  announcement,
  type Change,
  type ChangeWorld,
  conclusion,
  type Standing,
  standingOf,
  unchanged,
} from './changes.ts';
import { DEEDS, type Purpose } from './deeds.ts';
import { type Emission, MISBEHAVIOURS, type Misbehaviour, type Misdeed } from './emission.ts';
import { checkOptions, type FleetOptions } from './fleet-options.ts';
import { mannerOf, PLAIN } from './manner.ts';
import { matterOf } from './matter.ts';
import { Outbox } from './outbox.ts';
import {
  agentAt,
  bearerOf,
  checkRoles,
  type FleetAgent,
  otherThan,
  registration,
  roleAt,
  rota,
} from './population.ts';
import {
  chance,
  exponential,
  hex8,
  integer,
  pick,
  type Random,
  shuffled,
  stream,
  uniform,
} from './random.ts';
import type { RoleSpec } from './role.ts';
import { ROLES } from './roles.ts';
import type { Running, Stage } from './running.ts';
import { LOAD_MAX, load } from './season.ts';
import { playSession } from './session.ts';

/** A fleet under way. Holds the sessions that are open, and nothing of those that are over. */
export interface Fleet {
  /** The next record, or null when the fleet has come to rest. */
  next(): Emission | null;
  /** Every further record up to and including this time, ms. */
  until(ms: number): Emission[];
  /** Up to `count` further records; fewer only when the fleet has come to rest. */
  take(count: number): Emission[];
  /** Sessions under way. */
  activeSessions(): number;
}

/** Something that is to happen at a time: a registration, an arrival, or a session's next step. */
interface Due {
  readonly atMs: number;
  /** Ties go to what was planned first. */
  readonly order: number;
  readonly step: () => void;
}

/** The fleet's insides. */
interface World {
  readonly options: FleetOptions;
  readonly order: readonly RoleSpec[];
  /** Decides when sessions open, whose they are, and whether they go wrong. */
  readonly arrivals: Random;
  readonly kinds: readonly Misbehaviour[];
  readonly rates: readonly (readonly [Purpose, number])[];
  readonly changing: ChangeWorld;
  /** Undeclared changes that some session of the agent has already shown. */
  readonly shown: Set<string>;
  readonly due: Heap<Due>;
  readonly outbox: Outbox;
  readonly stage: Stage;
  /** Agents in a session, by number. */
  readonly busy: Set<number>;
  planned: number;
  opened: number;
  misbehaved: number;
  active: number;
}

/** A session about to start. */
interface Opening {
  readonly agent: FleetAgent;
  readonly role: RoleSpec;
  readonly random: Random;
  /** Unique in the fleet. */
  readonly name: string;
  readonly purpose: Purpose | null;
  readonly standing: Standing;
  readonly parent: string | null;
  readonly over: () => void;
}

const REGISTRATION_MS_MAX = 60_000;
const REGISTRATION_MS_EACH = 2;
const IDLE_PROBES = 16;
const RELAPSES_MAX = 3;

function after(world: World, delayMs: number, step: () => void): void {
  world.planned += 1;
  const atMs = world.stage.nowMs + Math.max(0, Math.round(delayMs));
  world.due.push({ atMs, order: world.planned, step });
}

function register(world: World, index: number): void {
  const { options, order, stage } = world;
  const agent = agentAt(order, index);
  const atMs = stage.nowMs;
  const tenant = options.tenant ?? null;
  for (const event of registration(agent, roleAt(order, index), tenant, options.startMs, atMs)) {
    stage.emit({ atMs, topic: 'governance', key: agent.id, event, truth: null });
  }
  if (index + 1 === options.agents) {
    after(world, 500, () => arrive(world));
    return;
  }
  const spreadMs = Math.min(REGISTRATION_MS_MAX, options.agents * REGISTRATION_MS_EACH);
  const nextMs = options.startMs + Math.floor(((index + 1) * spreadMs) / options.agents);
  after(world, nextMs - atMs, () => register(world, index + 1));
}

/** An agent that has no session; null when a few tries found none. */
function idleAgent(world: World): number | null {
  const { agents } = world.options;
  const first = integer(world.arrivals, 0, agents - 1);
  for (let i = 0; i < Math.min(IDLE_PROBES, agents); i += 1) {
    const index = (first + i) % agents;
    if (!world.busy.has(index)) return index;
  }
  return null;
}

/** What the next session is up to: by the share of bad ones, or else by the rates of each kind. */
function purposeOf(world: World, role: RoleSpec): Purpose | null {
  const { options, arrivals, kinds, rates } = world;
  if (chance(arrivals, options.badShare) && kinds.length > 0) {
    const kind = kinds[world.misbehaved % kinds.length] ?? null;
    world.misbehaved += 1;
    return kind;
  }
  if (rates.length === 0) return null;
  let left = uniform(arrivals);
  for (const [purpose, rate] of rates) {
    left -= rate;
    if (left < 0) return (DEEDS[purpose].suits?.(role) ?? true) ? purpose : null;
  }
  return null;
}

function arrive(world: World): void {
  const { options, arrivals, order, stage } = world;
  if (world.opened >= (options.sessions ?? Number.POSITIVE_INFINITY)) return;
  if (stage.nowMs > (options.untilMs ?? Number.POSITIVE_INFINITY)) return;
  const index = idleAgent(world);
  const peak = options.seasons === true ? LOAD_MAX : 1;
  if (index !== null && isWanted(world, roleAt(order, index), peak)) {
    openSession(world, index, purposeOf(world, roleAt(order, index)));
  }
  const meanMs = 3_600_000 / (options.sessionsPerHour * peak);
  after(world, exponential(arrivals, meanMs), () => arrive(world));
}

/** Thins arrivals at the peak's rate down to the load of the role at this hour. */
function isWanted(world: World, role: RoleSpec, peak: number): boolean {
  if (peak === 1) return true;
  return chance(world.arrivals, load(role.hours ?? 'steady', world.stage.nowMs) / peak);
}

function openSession(
  world: World,
  index: number,
  wanted: Purpose | null,
  again: { readonly id: string; readonly times: number } | null = null,
): void {
  const { options, order } = world;
  world.opened += 1;
  const name = `${options.period ?? ''}session/${world.opened}`;
  const random = stream(options.seed, name);
  const known = agentAt(order, index);
  const role = roleAt(order, index);
  const standing = standingNow(world, known, role, name);
  const purpose = wanted ?? standing.deed;
  const agent =
    purpose === 'unknown-agent'
      ? { ...known, id: again?.id ?? `rogue-${hex8(random)}` }
      : { ...known, model: standing.stated };
  const parent = purpose === 'spawn-without-origin' ? `s-lost-${hex8(random)}` : null;
  world.busy.add(index);
  const over = () => world.busy.delete(index);
  const times = again?.times ?? RELAPSES_MAX;
  if (purpose === 'unknown-agent' && options.relapseMs !== undefined && times > 0) {
    const back = { id: agent.id, times: times - 1 };
    after(world, options.relapseMs, () => openSession(world, index, purpose, back));
  }
  start(world, { agent, role, random, name, purpose, standing, parent, over });
}

function standingNow(world: World, agent: FleetAgent, role: RoleSpec, name: string): Standing {
  if (world.changing.changes.length === 0) return unchanged(agent.model);
  return standingOf(world.changing, agent, role, world.stage.nowMs, name);
}

/** A session under the same identity, started by one that is open: sound, or part of its deed. */
function openChild(world: World, parent: Running, name: string, purpose: Misdeed | null): void {
  const { role, model } = parent;
  const agent = { id: parent.bearer.agentId, role: role.name, model };
  start(world, {
    ...{ agent, role, name, purpose },
    random: stream(world.options.seed, name),
    standing: { ...standingNow(world, agent, role, name), extra: null, deed: null },
    parent: parent.sessionId,
    over: () => undefined,
  });
}

function isMisdeed(purpose: Purpose | null): purpose is Misdeed {
  return purpose !== null && purpose !== 'injection-attempted' && purpose !== 'injection-resisted';
}

/** An undeclared change that shows in this session, and whether it is the first to show it. */
function taintOf(world: World, agentId: string, standing: Standing): Running['taint'] {
  if (standing.taint === null) return null;
  const { kind, change } = standing.taint;
  const key = `${change}/${agentId}`;
  const first = !world.shown.has(key);
  world.shown.add(key);
  return { kind, first };
}

function runningOf(world: World, opening: Opening): Running {
  const { options, stage } = world;
  const { agent, role, random, name, purpose, parent, standing } = opening;
  // The start time is part of the id: a fleet that is started again makes new sessions.
  const suffix = hex8(stream(options.seed, `${name}@${options.startMs}`));
  const sessionId = `s-${world.opened.toString(36)}-${suffix}`;
  const principal = `user:${integer(random, 1, 400)}`;
  const plain = matterOf(random);
  const patience = integer(random, 1, 2);
  const flow = pick(random, role.flows);
  const { temper, seed } = options;
  const { change } = standing;
  return {
    ...{ stage, random, sessionId, name, role, flow, purpose, patience },
    bearer: { ...bearerOf(agent, options.tenant ?? null), sessionId, parent, principal },
    model: agent.model,
    matter: flow.matter?.(random) ?? plain,
    manner: temper === undefined ? PLAIN : mannerOf(seed, agent.id, name, standing, temper.rho),
    misbehaviour: isMisdeed(purpose) ? purpose : null,
    extra: standing.extra,
    taint: taintOf(world, agent.id, standing),
    accomplice:
      purpose === 'poisoned-window' && options.manyStrangers !== true
        ? stream(seed, `${change ?? ''}stranger`)
        : null,
    openedMs: stage.nowMs,
    ...{ seq: 0, turns: 0, calls: 0, records: 0, refusals: 0, tokens: 0, made: 0, children: 0 },
    ...{ stopped: false, plant: null, exposedSeq: null, begunSeq: null, completed: null },
    noted: 'no',
    claims: [],
  };
}

function start(world: World, opening: Opening): void {
  const run = runningOf(world, opening);
  const play = playSession(run);
  world.active += 1;
  const step = (): void => {
    const turn = play.next();
    if (turn.done !== true) {
      after(world, turn.value, step);
      return;
    }
    world.active -= 1;
    opening.over();
  };
  step();
}

/** Lets the next thing happen; false when nothing more will. */
function advance(world: World): boolean {
  const first = world.due.pop();
  if (first === undefined) return false;
  world.stage.nowMs = first.atMs;
  first.step();
  return true;
}

function next(world: World): Emission | null {
  while (world.outbox.peek() === null) if (!advance(world)) return null;
  return world.outbox.take();
}

function until(world: World, ms: number): Emission[] {
  const emissions: Emission[] = [];
  for (;;) {
    const waiting = world.outbox.peek();
    if (waiting === null) {
      if ((world.due.peek()?.atMs ?? Number.POSITIVE_INFINITY) > ms) return emissions;
      advance(world);
    } else {
      if (waiting.atMs > ms) return emissions;
      emissions.push(waiting);
      world.outbox.take();
    }
  }
}

function take(world: World, count: number): Emission[] {
  const emissions: Emission[] = [];
  while (emissions.length < count) {
    const emission = next(world);
    if (emission === null) break;
    emissions.push(emission);
  }
  return emissions;
}

function worldOf(options: FleetOptions): World {
  const order = rota(options.roles ?? ROLES);
  const due = new Heap<Due>((a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order));
  const outbox = new Outbox();
  const kinds = (options.misbehaviours ?? MISBEHAVIOURS).filter(
    // Nobody else's identity can be borrowed in a fleet of one.
    (kind) => kind !== 'identity-mismatch' || options.agents > 1,
  );
  const world: World = {
    options,
    order,
    arrivals: stream(options.seed, `${options.period ?? ''}arrivals`),
    kinds: shuffled(stream(options.seed, 'misbehaviours'), kinds),
    rates: Object.entries(options.rates ?? {}) as [Purpose, number][],
    changing: {
      seed: options.seed,
      roles: options.roles ?? ROLES,
      changes: options.changes ?? [],
    },
    shown: new Set(),
    due,
    outbox,
    stage: {
      nowMs: options.startMs,
      emit: (emission) => outbox.push(emission),
      ask: options.gate ?? (() => ({ allowed: true })),
      spawn: (parent, purpose) => {
        parent.children += 1;
        const nth = parent.children === 1 ? '' : `/${parent.children}`;
        const name = `${parent.name}/child${nth}`;
        const delayMs = 1_000 * parent.children;
        after(world, delayMs, () => openChild(world, parent, name, purpose));
      },
      label: (label) => options.onLabel?.(label),
      otherAgent: (random, agentId) => otherThan(random, order, options.agents, agentId),
    },
    busy: new Set(),
    planned: 0,
    opened: 0,
    misbehaved: 0,
    active: 0,
  };
  return world;
}

/** Governance speaks of a change when it happens, and again when its window closes. */
function planChange(world: World, change: Change): void {
  const { options, changing, stage } = world;
  const tenant = options.tenant ?? null;
  const roleOf = (agent: FleetAgent) =>
    changing.roles.find(({ name }) => name === agent.role) ?? roleAt(world.order, 0);
  const say = (records: ReturnType<typeof conclusion>) => {
    for (const { agent, event } of records) {
      const key = agent.id;
      stage.emit({ atMs: stage.nowMs, topic: 'governance', key, event, truth: null });
    }
  };
  after(world, change.atMs - options.startMs, () =>
    say(announcement(changing, change, roleOf, tenant)),
  );
  after(world, change.untilMs - options.startMs, () => say(conclusion(change, tenant)));
}

/** Makes a fleet. Throws RangeError on options that make none. */
export function createFleet(options: FleetOptions): Fleet {
  checkOptions(options);
  checkRoles(options.roles ?? ROLES);
  const world = worldOf(options);
  after(world, 0, () => register(world, 0));
  for (const change of options.changes ?? []) planChange(world, change);
  return {
    next: () => next(world),
    until: (ms) => until(world, ms),
    take: (count) => take(world, count),
    activeSessions: () => world.active,
  };
}
