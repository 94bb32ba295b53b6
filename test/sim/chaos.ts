/** A small world that goes wrong: targets that lie and fall silent, executors that die, a database that blinks. */
import { createActor } from '../../src/act/act.ts';
import type { Driver } from '../../src/act/driver.ts';
import { createDecide, type Decide } from '../../src/decide/decide.ts';
import type { ActionLog, ApplyOutcome } from '../../src/model/action-log.ts';
import type { Intention, Verb } from '../../src/model/decision.ts';
import type { Response } from '../../src/model/detector.ts';
import type { Clock } from '../../src/model/ports.ts';
import { type Random, stream, uniform } from '../../src/simulation/random.ts';
import { Slots } from '../../src/state/slots.ts';
import { createMemoryActionLog, type MemoryActionLog } from '../act/memory-action-log.ts';
import { createTestLog } from '../act/test-log.ts';
import { detectionOf } from '../decide/findings.ts';
import { createVirtualClock, type VirtualClock } from './clock.ts';
import { controlBy } from './lane-options.ts';

const SECOND = 1_000;
const VERBS: readonly Verb[] = ['posture', 'freeze_tool', 'suspend_agent', 'revoke_session'];
const NOTHING = {
  blindNow: [],
  changedMs: null,
  shared: null,
  windows: [],
  refusedByUs: new Set<string>(),
} as const;
const SIZE = { total: 1_000_000, roles: { clerk: 1_000_000 } };

/** What happened that must not, in words; empty = nothing. */
export interface ChaosReport {
  readonly faults: readonly string[];
  readonly intentions: number;
  readonly leases: number;
  readonly crashes: number;
  readonly lostReplies: number;
  readonly escalations: number;
  /** Leases by the state they ended in. */
  readonly ended: Readonly<Record<string, number>>;
}

/**
 * A target that knows no keys: it does what it is told whenever that arrives, which is what makes a
 * second execution, or one that comes after the release, visible.
 */
class Target {
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #selfExpiring: boolean;
  readonly #held = new Map<string, number>();
  readonly #begun = new Map<string, number>();
  readonly faults: string[] = [];
  lost = 0;
  isHonest = false;
  downUntilMs = 0;

  constructor(clock: VirtualClock, random: Random, selfExpiring: boolean) {
    this.#clock = clock;
    this.#random = random;
    this.#selfExpiring = selfExpiring;
  }

  /** Leases it holds now; one that ends by itself has ended at its time. */
  held(): ReadonlyMap<string, number> {
    const nowMs = this.#clock.nowMs();
    if (this.#selfExpiring)
      for (const [id, untilMs] of this.#held) if (untilMs <= nowMs) this.#held.delete(id);
    return this.#held;
  }

  driver(): Driver {
    return {
      capabilities: () => ({
        ...{
          verbs: VERBS,
          irreversible: ['revoke_session'],
          subjects: ['agent', 'session', 'tool'],
        },
        ...{ blast: 'subject', selfExpiring: this.#selfExpiring, readBack: true },
        ...{ graceMs: 2 * SECOND, ratePerMin: 600 },
      }),
      plan: () => ({ method: 'POST', url: '', headers: {}, body: '', undo: null, reach: '' }),
      apply: (intention) => this.#apply(intention),
      readBack: async ({ leaseId }) => (this.held().has(leaseId) ? 'applied' : 'absent'),
    };
  }

  async #apply(intention: Intention): Promise<ApplyOutcome> {
    if (this.#clock.nowMs() < this.downUntilMs)
      return { type: 'retry', detail: 'not sent: ECONNREFUSED', afterMs: 0 };
    const luck = this.isHonest ? 0 : uniform(this.#random);
    if (luck < 0.55) return this.#take(intention);
    if (luck < 0.65) return { type: 'retry', detail: 'HTTP 503', afterMs: 0 };
    if (luck < 0.7 && intention.step !== 'release') return { type: 'refused', detail: 'HTTP 409' };
    // It arrives some time later, and the reply later still, or never.
    await this.#clock.sleep(uniform(this.#random) * 18 * SECOND);
    const outcome = this.#take(intention);
    if (luck < 0.85) {
      this.lost += 1;
      return { type: 'unknown', detail: 'reply lost: ECONNRESET', afterMs: 0 };
    }
    await this.#clock.sleep(uniform(this.#random) * 10 * SECOND);
    return outcome;
  }

  #take({ step, leaseId, expiresMs, approval }: Intention): ApplyOutcome {
    const held = this.held();
    if (step === 'release') {
      const had = this.#held.delete(leaseId);
      return { type: had ? 'accepted' : 'already', detail: '' };
    }
    if (held.has(leaseId)) {
      this.#held.set(leaseId, Math.max(held.get(leaseId) ?? 0, expiresMs ?? Number.MAX_VALUE));
      return { type: step === 'renew' ? 'accepted' : 'already', detail: '' };
    }
    if (step === 'renew') return { type: 'refused', detail: 'there is no such lease' };
    const untilMs = expiresMs ?? Number.MAX_VALUE;
    if (this.#clock.nowMs() >= untilMs && this.#selfExpiring)
      return { type: 'already', detail: 'its time is over' };
    if (approval !== null && !this.agreed.has(leaseId))
      this.faults.push(`${leaseId} took effect without anybody having agreed`);
    const times = (this.#begun.get(leaseId) ?? 0) + 1;
    this.#begun.set(leaseId, times);
    if (times > 1) this.faults.push(`${leaseId} took effect ${times} times`);
    this.#held.set(leaseId, untilMs);
    return { type: 'accepted', detail: '' };
  }

  readonly agreed = new Set<string>();
}

/** Runs one seed: minutes of mishaps, then an honest world, then the account. */
export async function runChaos(seed: number): Promise<ChaosReport> {
  const world = new World(seed);
  await world.mishaps(240);
  return await world.account();
}

class World {
  readonly #random: Random;
  readonly #clock = createVirtualClock();
  readonly #memory: MemoryActionLog = createMemoryActionLog();
  readonly #targets: ReadonlyMap<string, Target>;
  readonly #decide: Decide;
  readonly #leases = new Map<string, Intention>();
  readonly #faults: string[] = [];
  #taken = 0;
  #intentions = 0;
  #crashes = 0;
  #count = 0;
  #kill: () => void = () => undefined;
  #gatewayAlive = true;

  constructor(seed: number) {
    this.#random = stream(seed, 'chaos');
    const target = (name: string, selfExpiring: boolean) =>
      [name, new Target(this.#clock, stream(seed, name), selfExpiring)] as const;
    this.#targets = new Map([target('expires', true), target('stays', false)]);
    const names = [...this.#targets.keys()];
    this.#decide = createDecide(new Slots(), {
      modeOf: () => 'autonomous',
      control: {
        ...controlBy(uniform(this.#random) < 0.5 ? names : names.reverse()),
        approvals: new Map([['revoke_session', { quorum: 1, withinMs: 60 * SECOND }]]),
      },
      earnedOf: () => ({ tier: 'terminate', live: true, why: 'measured' }),
      guardrails: {
        ...{ neverTouch: new Set(), coolDownMs: SECOND, immunityMs: SECOND },
        ...{ leaseMaxMs: 3_600_000, agentPerHour: 1e6, fleetPerMinute: 1e6 },
        ...{ breakerFleetShare: 1, breakerRoleShare: 1, breakerWindowMs: 60 * SECOND },
      },
    });
    this.#live();
  }

  async mishaps(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      await this.#mishap();
      await this.#clock.advance(SECOND);
      await this.#lane();
      this.#see();
    }
  }

  async account(): Promise<ChaosReport> {
    for (const target of this.#targets.values()) {
      target.isHonest = true;
      target.downUntilMs = 0;
    }
    this.#gatewayAlive = true;
    // What was on its way arrives, held rows come free, circuits close, pauses end.
    for (let second = 0; second < 120; second += 1) {
      await this.#clock.advance(SECOND);
      await this.#lane();
    }
    this.#judge();
    // Everything has an end: at most 90 s, renewed at most once or twice.
    for (let second = 0; second < 420; second += 1) {
      await this.#clock.advance(SECOND);
      await this.#lane();
      if (second % 60 === 59) this.#judge();
    }
    this.#kill();
    return await this.#close();
  }

  /** Nothing stands beyond its time where somebody lives to take it back and is let. */
  #judge(): void {
    const nowMs = this.#clock.nowMs();
    for (const [name, target] of this.#targets)
      for (const [leaseId, untilMs] of target.held())
        if (untilMs <= nowMs - 60 * SECOND)
          this.#faults.push(`${name} holds ${leaseId} ${nowMs - untilMs} ms beyond its time`);
  }

  async #close(): Promise<ChaosReport> {
    const ended: Record<string, number> = {};
    for (const [leaseId, { verb }] of this.#leases) {
      const state = (await this.#memory.lease(leaseId))?.state ?? 'unknown';
      ended[state] = (ended[state] ?? 0) + 1;
      const isOver = ['refused', 'lapsed', 'released', 'expired', 'failed'].includes(state);
      if (!isOver && !(verb === 'revoke_session' && state === 'accepted'))
        this.#faults.push(`lease ${leaseId} (${verb}) is left ${state}`);
    }
    for (const key of this.#memory.open()) this.#faults.push(`intention ${key} is unaccounted for`);
    for (const target of this.#targets.values()) {
      this.#faults.push(...target.faults);
      for (const [leaseId, untilMs] of target.held())
        if (untilMs !== Number.MAX_VALUE) this.#faults.push(`${leaseId} still stands at the end`);
    }
    return {
      faults: this.#faults,
      intentions: this.#intentions,
      leases: this.#leases.size,
      crashes: this.#crashes,
      lostReplies: [...this.#targets.values()].reduce((sum, { lost }) => sum + lost, 0),
      escalations: this.#memory.asked.filter(({ type }) => type === 'escalate').length,
      ended,
    };
  }

  /** One thing that goes wrong, or somebody who wants something. */
  async #mishap(): Promise<void> {
    const luck = uniform(this.#random);
    if (luck < 0.25) await this.#detect();
    else if (luck < 0.3) await this.#undo();
    else if (luck < 0.38) await this.#vote();
    else if (luck < 0.43) this.#crash();
    else if (luck < 0.5) {
      const calls: (keyof ActionLog)[] = ['takeDue', 'settle', 'expireOverdue', 'verify', 'ask'];
      this.#memory.failNext(this.#pick(calls), 1 + Math.floor(uniform(this.#random) * 3));
    } else if (luck < 0.53) {
      const target = this.#pick([...this.#targets.values()]);
      target.downUntilMs = this.#clock.nowMs() + uniform(this.#random) * 60 * SECOND;
    } else if (luck < 0.55) this.#gatewayAlive = !this.#gatewayAlive;
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(uniform(this.#random) * list.length)] as T;
  }

  async #detect(): Promise<void> {
    this.#count += 1;
    const agent = `agent-${Math.floor(uniform(this.#random) * 6)}`;
    const nowMs = this.#clock.nowMs();
    const response: Response = {
      action: this.#pick(VERBS),
      scope: uniform(this.#random) < 0.5 ? 'session' : 'agent',
      ttlMs: 20 * SECOND + Math.floor(uniform(this.#random) * 70 * SECOND),
    };
    const entity = { tenant: '-', agent, role: 'clerk', session: `s-${agent}` };
    const dated = { timeMs: nowMs, decidedMs: nowMs };
    const detection = detectionOf({ id: `d-${this.#count}`, entity, ...dated });
    const { intentions } = this.#decide.decide(detection, 'case', response, NOTHING, SIZE);
    await this.#intend(intentions);
  }

  async #intend(intentions: readonly Intention[]): Promise<void> {
    for (const one of intentions) {
      this.#intentions += 1;
      if (one.step === 'request') this.#leases.set(one.leaseId, one);
      await this.#memory.insert(one);
    }
  }

  async #undo(): Promise<void> {
    const ids = [...this.#leases.keys()];
    if (ids.length === 0) return;
    const common = { id: 'u', by: 'user:op', reason: 'looked at it', atMs: 0 };
    const request = { ...common, type: 'undo', leaseId: this.#pick(ids) } as const;
    await this.#intend(this.#decide.operate(request, this.#clock.nowMs()).intentions);
  }

  async #vote(): Promise<void> {
    const waiting = [...this.#leases.values()].filter(({ approval }) => approval !== null);
    if (waiting.length === 0) return;
    const { leaseId } = this.#pick(waiting);
    const said = uniform(this.#random) < 0.7 ? 'approve' : 'decline';
    const result = await this.#memory.vote(leaseId, 'ann', said, this.#clock.nowMs());
    if (result.type === 'granted')
      for (const target of this.#targets.values()) target.agreed.add(leaseId);
  }

  /** What the executor asked for reaches the lane within a second. */
  async #lane(): Promise<void> {
    for (const request of this.#memory.asked.slice(this.#taken)) {
      this.#taken += 1;
      if (request.type !== 'escalate' && request.type !== 'lift') continue;
      await this.#intend(this.#decide.operate(request, this.#clock.nowMs()).intentions);
    }
  }

  /** The gateway shows calls of whoever is not held back. */
  #see(): void {
    const ids = [...this.#leases.keys()];
    if (ids.length === 0 || uniform(this.#random) < 0.7) return;
    const leaseId = this.#pick(ids);
    const holds = [...this.#targets.values()].some((target) => target.held().has(leaseId));
    const tool = this.#leases.get(leaseId)?.subject.tools[0] ?? 'send_message';
    this.#memory.see(leaseId, { timeMs: this.#clock.nowMs(), allowed: !holds, tool });
  }

  /** The process is gone in the middle of whatever it does; what it sent is on its way all the same. */
  #crash(): void {
    this.#crashes += 1;
    this.#kill();
    this.#live();
  }

  #live(): void {
    let isDead = false;
    this.#kill = () => {
      isDead = true;
    };
    const never = new Promise<never>(() => undefined);
    const mortal = async <T>(work: Promise<T>): Promise<T> => {
      // Neither an answer nor a failure reaches somebody who is dead.
      const answer = await work.then(
        (value) => ({ value }),
        (cause: unknown) => ({ cause }),
      );
      if (isDead) return await never;
      if ('cause' in answer) throw answer.cause;
      return answer.value;
    };
    const clock: Clock = {
      nowMs: () => this.#clock.nowMs(),
      sleep: (ms, signal) => mortal(this.#clock.sleep(ms, signal)),
    };
    const log = Object.fromEntries(
      Object.entries(this.#memory.log).map(([name, call]) => [
        name,
        (...given: unknown[]) =>
          isDead ? never : mortal((call as (...all: unknown[]) => Promise<unknown>)(...given)),
      ]),
    ) as unknown as ActionLog;
    const drivers = new Map(
      [...this.#targets].map(([name, target]) => {
        const driver = target.driver();
        const apply: Driver['apply'] = (...given) => mortal(driver.apply(...given));
        return [name, { ...driver, apply }] as const;
      }),
    );
    const actor = createActor(log, drivers, clock, createTestLog().log, {
      random: () => uniform(this.#random),
      gateway: () => ({ watermarkMs: this.#clock.nowMs(), alive: this.#gatewayAlive }),
    });
    void actor.run(new AbortController().signal);
  }
}
