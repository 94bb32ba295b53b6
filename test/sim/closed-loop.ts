/** Closed loop: decision, executor and targets over HTTP, watched by a simulated gateway stream. */
import assert from 'node:assert/strict';
import { createActor } from '../../src/act/act.ts';
import type { Driver } from '../../src/act/driver.ts';
import { createHttp } from '../../src/adapters/control-http.ts';
import type { ControlPlan } from '../../src/decide/chain.ts';
import { createDecide } from '../../src/decide/decide.ts';
import { leakDetection } from '../../src/decide/leak.ts';
import type { ActionLog } from '../../src/model/action-log.ts';
import {
  type Escalation,
  type Intention,
  type LeaseState,
  VERBS,
  type Verb,
  type Verification,
} from '../../src/model/decision.ts';
import type { Detection } from '../../src/model/detection.ts';
import type { Detector, Response } from '../../src/model/detector.ts';
import type { Attempt } from '../../src/model/fact.ts';
import type { Http } from '../../src/model/ports.ts';
import { Slots } from '../../src/state/slots.ts';
import type { Counterpart, StartCounterpart } from '../act/counterparts/counterpart.ts';
import { createMemoryActionLog } from '../act/memory-action-log.ts';
import { createTestLog } from '../act/test-log.ts';
import { detectionOf } from '../decide/findings.ts';
import { createVirtualClock, type VirtualClock } from './clock.ts';

/** How long a lease stands, ms. */
export const TTL_MS = 300_000;
/** One call of the agent so often, the first after `CALL_FIRST_MS`. */
export const CALL_EVERY_MS = 5_000;
const CALL_FIRST_MS = 3_700;
const STEP_MS = 250;

/** What a lease came to. */
export interface LeaseStory {
  readonly driver: string;
  readonly verb: Verb;
  readonly state: LeaseState;
  readonly verification: Verification;
  readonly by: string;
  /** Calls after the grace, and calls while it was still spreading. */
  readonly leaked: number;
  readonly latency: number;
  /** Why somebody else was asked; null: nobody was. */
  readonly escalated: Escalation | null;
}

/** A running loop. */
export interface ClosedLoop {
  readonly clock: VirtualClock;
  /** By the names of the chains. */
  readonly targets: ReadonlyMap<string, Counterpart>;
  /** Something hostile was found: the rung is asked for as a detector asks. */
  begin(verb: Verb, about: Intention['subject']): Promise<void>;
  /** Lets the time pass, calls and lane with it; `at` is called each step. */
  run(ms: number, at?: (sinceMs: number) => Promise<void>): Promise<void>;
  /** From now on the agent calls nothing. */
  silence(): Promise<void>;
  /** Every lease so far, in the order it was asked for. */
  leases(): Promise<readonly LeaseStory[]>;
  /** Calls that went through since `begin`, and how many there were. */
  calls(): { readonly through: number; readonly all: number };
  /** True where no target stops the subject any more. */
  free(): Promise<boolean>;
  /** What was decided beyond the first word, oldest first: `verb outcome`. */
  readonly decisions: readonly string[];
  close(): Promise<void>;
}

/** Starts targets, executor and lane; `chains` names the targets in the order they are tried. */
export async function startClosedLoop(
  starts: Readonly<Record<string, StartCounterpart>>,
  chains: Partial<Record<Verb, readonly string[]>>,
): Promise<ClosedLoop> {
  const clock = createVirtualClock();
  const wire = trackedHttp();
  const targets = new Map<string, Counterpart>();
  for (const [name, start] of Object.entries(starts))
    targets.set(name, await start({ http: wire.http, clock }));
  const lane = createLane(clock, chains);
  const drivers = new Map<string, Driver>(
    [...targets].map(([name, { driver }]) => [name, wire.tracked(driver)]),
  );
  const actor = createActor(lane.actions, drivers, clock, createTestLog().log, {
    random: () => 0.5,
    gateway: () => ({ watermarkMs: clock.nowMs() - 500, alive: true }),
  });
  const halt = new AbortController();
  const running = actor.run(halt.signal);
  const startMs = clock.nowMs();
  let ranMs = 0;
  let through = 0;
  let all = 0;
  let isSilent = false;
  const free = async () => {
    for (const target of targets.values()) if (await target.stops()) return false;
    return true;
  };
  const call = async () => {
    const allowed = await free();
    all += 1;
    if (allowed) through += 1;
    lane.saw(clock.nowMs(), allowed);
  };
  return {
    clock,
    targets,
    decisions: lane.decisions,
    begin: async (verb, about) => {
      await lane.begin(verb, about);
      actor.wake();
    },
    async run(ms, at) {
      const untilMs = ranMs + ms;
      while (ranMs < untilMs) {
        await at?.(ranMs);
        await clock.advance(STEP_MS);
        ranMs = clock.nowMs() - startMs;
        await wire.quiet(clock);
        if (
          !isSilent &&
          ranMs >= CALL_FIRST_MS &&
          (ranMs - CALL_FIRST_MS) % CALL_EVERY_MS < STEP_MS
        )
          await call();
        await lane.turn();
      }
    },
    silence: async () => {
      isSilent = true;
    },
    leases: lane.leases,
    calls: () => ({ through, all }),
    free,
    async close() {
      halt.abort();
      await wire.quiet(clock);
      await running;
      for (const target of targets.values()) await target.close();
    },
  };
}

/**
 * The real client and the real drivers, and when nothing is on its way: virtual time waits for real
 * answers, and for what a driver does off the event loop between them (a signature takes its time).
 */
function trackedHttp() {
  const inner = createHttp();
  const flying = new Set<Promise<void>>();
  const fly = <T>(answer: Promise<T>): Promise<T> => {
    const land = () => void flying.delete(landed);
    const landed: Promise<void> = answer.then(land, land);
    flying.add(landed);
    return answer;
  };
  const http: Http = (request) => fly(inner(request));
  const tracked = (driver: Driver): Driver => ({
    ...driver,
    apply: (intention, prior) => fly(driver.apply(intention, prior)),
  });
  const quiet = async (clock: VirtualClock) => {
    for (;;) {
      await clock.drain();
      if (flying.size === 0) return;
      await Promise.all(flying);
    }
  };
  return { http, quiet, tracked };
}

const RULES: Response = { action: 'escalate', scope: 'agent', ttlMs: TTL_MS };
const LEAK = {
  stem: 'containment-leak',
  version: 'v1',
  family: 'integrity',
  level: 'critical',
  evidenceClass: 'hard',
  tags: [],
} as unknown as Detector;

/** The lane's part: decisions, requests of the executor, and what the gateway showed. */
function createLane(clock: VirtualClock, chains: Partial<Record<Verb, readonly string[]>>) {
  const memory = createMemoryActionLog();
  const judged = new Map<string, { by: string; leaked: number; latency: number }>();
  const actions: ActionLog = {
    ...memory.log,
    verify: (leaseId, verification, by, leaked, latency, nowMs) => {
      judged.set(leaseId, { by, leaked, latency });
      return memory.log.verify(leaseId, verification, by, leaked, latency, nowMs);
    },
  };
  const decider = createDecide(new Slots(), {
    modeOf: () => 'autonomous',
    control: planOf(chains),
    guardrails: {
      ...{ neverTouch: new Set(), coolDownMs: 0, immunityMs: 0, leaseMaxMs: TTL_MS },
      ...{ agentPerHour: 1e6, fleetPerMinute: 1e6 },
      ...{ breakerFleetShare: 1, breakerRoleShare: 1, breakerWindowMs: 900_000 },
    },
    earnedOf: () => ({ tier: 'terminate', live: true, why: 'by hand' }),
  });
  const requests: Intention[] = [];
  const decisions: string[] = [];
  let answered = 0;
  let found: Detection = detectionOf();

  const insert = async (intentions: readonly Intention[]) => {
    for (const intention of intentions) {
      if (intention.step === 'request') requests.push(intention);
      await memory.insert(intention);
      if (intention.approval !== null)
        await memory.vote(intention.leaseId, 'somebody', 'approve', clock.nowMs());
    }
  };
  const decide = async (detection: Detection, response: Response, above: Verb | null = null) => {
    const nothing = {
      ...{ blindNow: [], changedMs: null, windows: [], refusedByUs: new Set<string>() },
      ...{ shared: null, above },
    };
    const size = { total: 100, roles: { clerk: 100 } };
    const decided = decider.decide(detection, 'case', response, nothing, size);
    await insert(decided.intentions);
    return decided.decision;
  };
  return {
    actions,
    decisions,
    async begin(verb: Verb, { tenant, agent, session, tools: [tool] }: Intention['subject']) {
      const nowMs = clock.nowMs();
      const entity = { tenant, agent, role: 'clerk', session: session ?? 's-1' };
      found = detectionOf({ entity, timeMs: nowMs, decidedMs: nowMs, tool: tool ?? null });
      const scope = session === null ? 'agent' : 'session';
      const { outcome, guardrails } = await decide(found, { action: verb, scope, ttlMs: TTL_MS });
      assert.equal(outcome, 'act', JSON.stringify(guardrails.filter(({ passed }) => !passed)));
    },
    /** Does what the executor asks for, as the pipeline does it. */
    async turn() {
      for (; answered < memory.asked.length; answered += 1) {
        const request = memory.asked[answered];
        if (request?.type !== 'escalate' && request?.type !== 'lift') continue;
        const operated = decider.operate(request, clock.nowMs());
        decisions.push(...operated.decisions.map((one) => `${one.taken} ${one.outcome}`));
        await insert(operated.intentions);
        if (operated.exhausted === null) continue;
        const leak = leakDetection(LEAK, 'enforce', operated.exhausted, clock.nowMs());
        const { taken, outcome } = await decide(leak, RULES, operated.exhausted.lease.verb);
        decisions.push(`containment-leak: ${taken} ${outcome}`);
      }
    },
    saw(ms: number, allowed: boolean) {
      const { tenant, agent, session } = found.entity;
      const attempt = attemptOf(ms, allowed);
      const concerned = decider.activity(tenant, agent, session ?? 's-1', attempt, `e${ms}`);
      for (const { leaseId, timeMs, tool } of concerned)
        memory.see(leaseId, { timeMs, allowed, tool });
    },
    async leases(): Promise<readonly LeaseStory[]> {
      const stories: LeaseStory[] = [];
      for (const { leaseId, driver, verb } of requests) {
        const lease = await memory.lease(leaseId);
        const asked = memory.asked.find(
          (one) => one.type === 'escalate' && one.leaseId === leaseId,
        );
        assert.ok(lease !== null);
        stories.push({
          ...{ driver, verb, ...lease },
          ...(judged.get(leaseId) ?? { by: '–', leaked: 0, latency: 0 }),
          escalated: asked?.type === 'escalate' ? asked.why : null,
        });
      }
      return stories;
    },
  };
}

function planOf(chains: Partial<Record<Verb, readonly string[]>>): ControlPlan {
  const given = VERBS.flatMap((verb) => {
    const chain = chains[verb];
    return chain === undefined ? [] : [[verb, chain] as const];
  });
  return {
    chains: new Map(given),
    approvals: new Map([['revoke_session', { quorum: 1, withinMs: 600_000 }]]),
  };
}

function attemptOf(ms: number, allowed: boolean): Attempt {
  return {
    ms,
    tool: 'send_money',
    toolClass: 'spend',
    decision: allowed ? 'allow' : 'deny',
    outcome: allowed ? 'ok' : 'none',
  } as Attempt;
}
