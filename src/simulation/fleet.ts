/** The simulated fleet: seeded agents whose records come out in time order, one at a time. */
import { Heap } from '../state/heap.ts';
import { type Emission, MISBEHAVIOURS, type Misbehaviour } from './emission.ts';
import { matterOf } from './matter.ts';
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
} from './random.ts';
import type { RoleSpec } from './role.ts';
import { ROLES } from './roles.ts';
import { playSession } from './session.ts';
import type { GateAnswer, GateCall, Running, Stage } from './turn.ts';

/** What a fleet is made of. The same options give the same bytes. */
export interface FleetOptions {
  readonly seed: number | string;
  /** How many agents, ≥ 1. */
  readonly agents: number;
  /** Time of the first record, whole ms since 1970. */
  readonly startMs: number;
  /**
   * Sessions that the whole fleet opens in an hour, on average. An agent runs one at a time (its
   * children aside); while all are busy none is opened.
   */
  readonly sessionsPerHour: number;
  /** Share of sessions that misbehave, 0..1. */
  readonly badShare: number;
  /** Ways to misbehave, taken in turn in an order of the seed. Default: all of MISBEHAVIOURS. */
  readonly misbehaviours?: readonly Misbehaviour[];
  /** Default: ROLES. */
  readonly roles?: readonly RoleSpec[];
  readonly tenant?: string;
  /**
   * An unregistered agent comes back so long after, ms, under the same name, three times at most.
   * Default: it does not.
   */
  readonly relapseMs?: number;
  /** Sessions to open before the fleet comes to rest, children aside. Default: it never does. */
  readonly sessions?: number;
  /**
   * Asked before each call reaches its gateway, at the call's own time and not before. A refused
   * call is recorded with decision `deny`; after one or two more refusals in a row the agent closes
   * its session. Default: everything is allowed.
   */
  readonly gate?: (call: GateCall) => GateAnswer;
}

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
  readonly misbehaviour: Misbehaviour | null;
  readonly parent: string | null;
  readonly over: () => void;
}

const REGISTRATION_MS_MAX = 60_000;
const REGISTRATION_MS_EACH = 2;
const IDLE_PROBES = 16;
const RELAPSES_MAX = 3;

/** Emissions waiting to be fetched; shifting from an array would cost its length. */
class Outbox {
  #items: Emission[] = [];
  #head = 0;

  push(emission: Emission): void {
    this.#items.push(emission);
  }

  peek(): Emission | null {
    return this.#items[this.#head] ?? null;
  }

  take(): Emission | null {
    const item = this.peek();
    if (item === null) return null;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    }
    return item;
  }
}

function checkOptions(options: FleetOptions): void {
  if (!Number.isSafeInteger(options.agents) || options.agents < 1) {
    throw new RangeError('agents must be a whole number of at least 1');
  }
  if (!Number.isSafeInteger(options.startMs) || options.startMs < 0) {
    throw new RangeError('startMs must be whole milliseconds since 1970');
  }
  if (!(options.sessionsPerHour > 0)) throw new RangeError('sessionsPerHour must be above 0');
  if (!(options.badShare >= 0 && options.badShare <= 1)) {
    throw new RangeError('badShare must lie between 0 and 1');
  }
}

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

function arrive(world: World): void {
  const { options, arrivals, kinds } = world;
  if (world.opened >= (options.sessions ?? Number.POSITIVE_INFINITY)) return;
  const index = idleAgent(world);
  if (index !== null) {
    const bad = chance(arrivals, options.badShare) && kinds.length > 0;
    const kind = bad ? (kinds[world.misbehaved % kinds.length] ?? null) : null;
    if (bad) world.misbehaved += 1;
    openSession(world, index, kind);
  }
  after(world, exponential(arrivals, 3_600_000 / options.sessionsPerHour), () => arrive(world));
}

function openSession(
  world: World,
  index: number,
  misbehaviour: Misbehaviour | null,
  again: { readonly id: string; readonly times: number } | null = null,
): void {
  const { options, order } = world;
  world.opened += 1;
  const name = `session/${world.opened}`;
  const random = stream(options.seed, name);
  const known = agentAt(order, index);
  const agent =
    misbehaviour === 'unknown-agent'
      ? { ...known, id: again?.id ?? `rogue-${hex8(random)}` }
      : known;
  const parent = misbehaviour === 'spawn-without-origin' ? `s-lost-${hex8(random)}` : null;
  world.busy.add(index);
  const over = () => world.busy.delete(index);
  const times = again?.times ?? RELAPSES_MAX;
  if (misbehaviour === 'unknown-agent' && options.relapseMs !== undefined && times > 0) {
    const back = { id: agent.id, times: times - 1 };
    after(world, options.relapseMs, () => openSession(world, index, misbehaviour, back));
  }
  start(world, { agent, role: roleAt(order, index), random, name, misbehaviour, parent, over });
}

/** A sound session under the same identity, started by one that is open. */
function openChild(world: World, parent: Running): void {
  const name = `${parent.name}/child`;
  const { role, model } = parent;
  start(world, {
    agent: { id: parent.bearer.agentId, role: role.name, model },
    role,
    random: stream(world.options.seed, name),
    name,
    misbehaviour: null,
    parent: parent.sessionId,
    over: () => undefined,
  });
}

function runningOf(world: World, opening: Opening): Running {
  const { options, stage } = world;
  const { agent, role, random, misbehaviour, parent } = opening;
  // The start time is part of the id: a fleet that is started again makes new sessions.
  const suffix = hex8(stream(options.seed, `${opening.name}@${options.startMs}`));
  const sessionId = `s-${world.opened.toString(36)}-${suffix}`;
  const principal = `user:${integer(random, 1, 400)}`;
  return {
    stage,
    random,
    bearer: { ...bearerOf(agent, options.tenant ?? null), sessionId, parent, principal },
    sessionId,
    name: opening.name,
    role,
    model: agent.model,
    matter: matterOf(random),
    misbehaviour,
    openedMs: stage.nowMs,
    patience: integer(random, 1, 2),
    seq: 0,
    turns: 0,
    calls: 0,
    records: 0,
    refusals: 0,
    stopped: false,
    tokens: 0,
    claims: [],
  };
}

function start(world: World, opening: Opening): void {
  const run = runningOf(world, opening);
  const play = playSession(run, pick(opening.random, opening.role.flows));
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
    arrivals: stream(options.seed, 'arrivals'),
    kinds: shuffled(stream(options.seed, 'misbehaviours'), kinds),
    due,
    outbox,
    stage: {
      nowMs: options.startMs,
      emit: (emission) => outbox.push(emission),
      ask: options.gate ?? (() => ({ allowed: true })),
      spawn: (parent) => after(world, 1_000, () => openChild(world, parent)),
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

/** Makes a fleet. Throws RangeError on options that make none. */
export function createFleet(options: FleetOptions): Fleet {
  checkOptions(options);
  checkRoles(options.roles ?? ROLES);
  const world = worldOf(options);
  after(world, 0, () => register(world, 0));
  return {
    next: () => next(world),
    until: (ms) => until(world, ms),
    take: (count) => take(world, count),
    activeSessions: () => world.active,
  };
}
