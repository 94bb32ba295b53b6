/** The early path: it changes when something is done, and never what is found, decided and told. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { KINDS_OF_ANALYTIC } from '../../src/detect/detect.ts';
import { readDetectorFile } from '../../src/detect/detector-file.ts';
import { canonicalJson } from '../../src/model/canonical-json.ts';
import type { Intention, Mode } from '../../src/model/decision.ts';
import type { Detection } from '../../src/model/detection.ts';
import type { Detector } from '../../src/model/detector.ts';
import type { Kind, WireEvent } from '../../src/model/event.ts';
import type { Exception } from '../../src/model/exception.ts';
import { idOf } from '../../src/model/ids.ts';
import type { PipelineOptions } from '../../src/pipeline/options.ts';
import { chance, integer, pick, stream } from '../../src/simulation/random.ts';
import { encodeEvent } from '../../src/source/canonical.ts';
import { fleetOf, LARGE_EVERY, readWildly, START_MS } from '../sim/disorder.ts';
import { disordered, inOrder, recordsOf, withHeartbeats } from '../sim/fleet-log.ts';
import { clockOfRecords, type Lane, neverIdle, openLane, readInOrder } from '../sim/lane.ts';
import { LATENESS_MS, laneOptions } from '../sim/lane-options.ts';
import { createLaneStore, type LaneStore } from '../sim/lane-store.ts';
import { shippedLibrary } from '../sim/library.ts';
import { createMemoryLog } from '../sim/memory-log.ts';

/** How many fleets: half as many as the spine's own test takes, in CI 1,000; a person may take more. */
// biome-ignore lint/style/noProcessEnv: the number of seeds is the one thing a person may raise.
const SEEDS = Math.ceil(Number(process.env['PLUMBLINE_SEEDS'] ?? 200) / 2);

const { detectors: shipped, inventory } = await shippedLibrary();

/** A rule that one event decides, and that asks for something. */
function rule(stem: string, selection: string, response: string, service = 'gateway'): Detector {
  const text = `
title: Made for a test of the early path
name: ${stem.replaceAll('-', '_')}
id: 6e0b6f0e-3f2a-4f0a-9a50-1d2f3c4b5a6${stem.length % 10}
taxonomy: plumbline
status: experimental
date: 2026-11-29
falsepositives: ['none that are known']
level: high
tags: [atlas.t0053]
logsource: { product: ai_agent, service: ${service} }
detection: { sel: ${selection}, condition: sel }
plumbline:
  format: 1
  maturity: enforce
  evidence_class: hard
  emit: early
  needs: { sources: [${service}], evidence: L0 }
  entity: [agent.id]
  response: ${response}
  why: It is made for a test of the early path.
  misses: Whatever lies outside the test.
  triage: Read the test it was made for.
`;
  const texts = [...parseAllDocuments(text)].map((document) => ({
    ...{ file: `scope/${stem}.yaml`, document: document.toJS() as unknown, lineOf: () => null },
  }));
  const { detector, problems } = readDetectorFile(texts, KINDS_OF_ANALYTIC);
  assert.deepEqual(problems, []);
  return detector as Detector;
}

/** Rules that fire all the time, with several rungs and both reaches. */
const RULES: readonly Detector[] = [
  rule(
    'any-write',
    '{ call.executed: true, ref.tool.class: [write, execute] }',
    '{ action: freeze_tool, scope: session, ttl: 15m }',
  ),
  rule(
    'any-long-call',
    '{ action.tool|contains: e, action.outcome: error }',
    '{ action: posture, scope: agent, ttl: 10m }',
  ),
  rule(
    'any-announcement',
    '{ reasoning.intents.tool|contains: s }',
    '{ action: freeze_tool, scope: agent, ttl: 1m }',
    'reasoning',
  ),
];
const early: readonly Detector[] = [...shipped, ...RULES];
const final = early.map((one) => ({ ...one, emit: 'final' as const }));
const edited = early.map((one) => ({ ...one, triage: `${one.triage} Edited.` }));

function settingsOf(seed: number, detectors: readonly Detector[]): PipelineOptions {
  const random = stream(seed, 'settings');
  const modes: readonly Mode[] = ['observe', 'advise', 'constrained'];
  const mode = pick<Mode>(random, [...modes, 'autonomous', 'autonomous', 'autonomous']);
  const options = laneOptions({
    ...{ detectors, inventory, modeOf: () => mode },
    guardrails: {
      breakerFleetShare: pick(random, [0.4, 1]),
      breakerRoleShare: 1,
      coolDownMs: pick(random, [1_000, 300_000]),
      leaseMaxMs: pick(random, [40_000, 900_000]),
    },
  });
  // The clock goes with the records: what a slice holds is fresh, and no source is idle.
  return neverIdle(options);
}

/** Lease that a decision begins by itself → the early one that stood already and is used instead. */
function adoptedBy(store: LaneStore): ReadonlyMap<string, string> {
  const own = [...store.decisions.values()].filter(({ outcome }) => outcome === 'act');
  return new Map(
    own.flatMap(({ id, leaseId }) => {
      const byItself = idOf('lease', id);
      return leaseId === null || leaseId === byItself ? [] : [[leaseId, byItself] as const];
    }),
  );
}

/** What the fold said, without what was done before its turn and withdrawn in its turn; each line once. */
function foldOf(store: LaneStore, adopted: ReadonlyMap<string, string>): string[] {
  const named = (text: string) => {
    let renamed = text;
    for (const [early, own] of adopted) renamed = renamed.replaceAll(own, early);
    return renamed;
  };
  const early = new Set([...store.early.values()].map(({ detection }) => detection.id));
  const detections = [...store.detections.values()].map((each) => {
    const witnesses = each.witnesses.map(({ position: _position, ...rest }) => rest);
    return { ...each, witnesses };
  });
  // That an early detection did not come true is said of what the fold never said.
  const amendments = store.amendments.filter(
    (one) =>
      one.type !== 'retracted' ||
      !early.has(one.detectionId) ||
      store.detections.has(one.detectionId),
  );
  const people = [...store.cases.values()];
  const told = [...store.announcements.values(), ...store.coverage.values()];
  const sent = [...store.intentions.values()].filter(
    ({ leaseId }) => store.settled.get(leaseId)?.outcome !== 'withdrawn',
  );
  const lines = [
    ...[...detections, ...store.decisions.values(), ...amendments, ...people, ...told].map((one) =>
      named(canonicalJson(one)),
    ),
    ...[...store.chains.values()].map((one) => inAnyOrder(named(canonicalJson(one)))),
    ...store.members,
    ...store.activity.map(named),
    ...sent.map((one) => named(canonicalJson(asked(one)))),
  ];
  return [...new Set(lines)].sort();
}

/**
 * A chain lists its nodes by time and id, and an adopted lease is one under another name. Where it ran out
 * before the turn of whoever asked for it first, and is begun anew, it is two that bear one name.
 */
function inAnyOrder(text: string): string {
  const chain = JSON.parse(text) as { nodes: { id: string; ms: number }[]; edges: object[] };
  const nodes = new Map<string, string>();
  for (const node of chain.nodes.toSorted((one, two) => two.ms - one.ms))
    nodes.set(node.id, canonicalJson(node));
  const edges = chain.edges.map(canonicalJson).sort();
  return canonicalJson({ ...chain, nodes: [...nodes.values()].sort(), edges });
}

/** What is asked of a driver. A request is the same, whichever of those who ask for it came first. */
function asked({ key: _key, caseId: _case, grounds: _grounds, ...rest }: Intention): object {
  const { leaseId, step, driver, verb, subject } = rest;
  return step === 'request' ? { leaseId, step, driver, verb, subject } : rest;
}

describe('the early path', () => {
  it(`finds, decides and tells the same as without it, in any order and across crashes: ${SEEDS} seeds`, () => {
    let acts = 0;
    let confirmed = 0;
    let withdrawn = 0;
    let adopted = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const random = stream(seed, 'disorder');
      // Slow enough that an agent is known by the time it acts.
      const pace = pick(random, [30, 60, 200]);
      const fleet = recordsOf({ ...fleetOf(seed), sessionsPerHour: pace }).sent;
      const sentAll = chance(random, 0.7)
        ? withHeartbeats(fleet, integer(random, 3, seed % LARGE_EVERY === 0 ? 9 : 5))
        : fleet;
      const plainLog = inOrder(sentAll);
      const plain = createLaneStore();
      const clock = clockOfRecords(START_MS);
      readInOrder(openLane(plainLog, plain, settingsOf(seed, final), clock), plainLog);
      const log = disordered(sentAll, random, LATENESS_MS, 5);
      const wild = createLaneStore();
      const options = {
        ...settingsOf(seed, early),
        releaseMax: pick(random, [1, 20, 5000]),
        pageEveryBytes: pick(random, [16 * 1024, 32 * 1024 * 1024]),
      };
      readWildly(log, openLane(log, wild, options, clock), random, edited);
      const names = adoptedBy(wild);
      assert.deepEqual(foldOf(wild, names), foldOf(plain, names), `seed ${seed}`);
      assert.equal(plain.early.size, 0);
      assert.equal(wild.settled.size, wild.early.size, `seed ${seed}: each is settled`);
      acts += wild.early.size;
      confirmed += wild.counters['early-confirmed'] ?? 0;
      adopted += names.size;
      withdrawn += wild.counters['early-withdrawn'] ?? 0;
    }
    if (SEEDS < 100) return;
    // Lest the property hold because nothing was early, or nothing went wrong.
    assert.ok(confirmed > SEEDS / 8, `${confirmed} of ${acts} confirmed`);
    assert.ok(adopted > 0, `${adopted} adopted by an earlier detection`);
    assert.ok(withdrawn > 0, `${withdrawn} withdrawn`);
  });

  it('asks when the event comes, and the fold says the same in its turn, once', () => {
    const { lane, store, come } = lab();
    come(call(1));
    assert.equal(lane.pipeline.isPressing(), true);
    lane.commit();
    assert.ok(lane.pipeline.watermarkMs < NOW_MS, 'its turn has not come');
    const [found] = [...store.early.values()];
    assert.equal(found?.detection.provisional, true);
    assert.equal(found?.decision.provisional, true);
    assert.deepEqual([store.detections.size, store.cases.size, store.decisions.size], [0, 0, 0]);
    assert.deepEqual(steps(store), ['request']);
    const [{ issuedMs, expiresMs, leaseId }] = intentions(store);
    assert.deepEqual([issuedMs, expiresMs], [NOW_MS, NOW_MS + 900_000], 'by the time of the event');
    lane.drain();
    assert.deepEqual([...store.detections.keys()], [found?.detection.id]);
    assert.equal([...store.detections.values()][0]?.provisional, undefined);
    assert.equal(store.decisions.get(found?.decision.id ?? '')?.leaseId, leaseId);
    assert.deepEqual(
      [...store.cases.values()].map(({ count }) => count),
      [1],
    );
    assert.deepEqual(steps(store), ['request'], 'nothing is sent a second time');
    assert.deepEqual(outcomes(store), ['confirmed']);
  });

  it('asks once, however often the event comes, and whatever is lost in between', () => {
    const { lane, store, come, again } = lab();
    come(call(1));
    come(call(1));
    lane.crash();
    again();
    lane.commit();
    assert.deepEqual(
      steps(store),
      ['request'],
      'what was lost is asked for by whoever reads it again',
    );
    lane.crash();
    again();
    come(call(1));
    assert.equal(lane.pipeline.isPressing(), false, 'what was stored is known');
    lane.drain();
    assert.deepEqual([steps(store), outcomes(store)], [['request'], ['confirmed']]);
  });

  it('asks once for an agent that goes on, and for nothing that was refused', () => {
    const { lane, store, come } = lab();
    come(call(1, { decision: 'deny', outcome: 'error' }));
    assert.equal(lane.pipeline.isPressing(), false);
    come(call(2));
    come(call(3));
    lane.drain();
    assert.deepEqual(steps(store), ['request']);
    assert.deepEqual(outcomes(store), ['confirmed']);
  });

  it('waits where there is no hurry, or nobody knows enough', () => {
    const silent = (title: string, changes: Partial<Setup>, event: WireEvent, comesMs = NOW_MS) => {
      const { lane, store, come } = lab(changes);
      come(event, comesMs);
      lane.commit();
      assert.equal(store.early.size, 0, title);
    };
    silent('the event is old when it comes', { nowMs: NOW_MS + LATENESS_MS + 1 }, call(1));
    silent('it comes behind the watermark', {}, call(1, {}, BEFORE_MS - 2 * LATENESS_MS));
    silent('nobody has heard of the agent', {}, { ...call(1), agent: { id: 'stranger' } });
    silent('the session is known by its trace only', {}, withoutSession(call(1)));
    silent('the role only observes', { mode: 'observe' }, call(1));
    silent('the role is advised', { mode: 'advise' }, call(1));
    for (const maturity of ['shadow', 'alert'] as const)
      silent(`its maturity is ${maturity}`, { maturity: { hard: maturity } }, call(1));
    silent('an exception excuses it', { exceptions: [EXCUSE] }, call(1));
    silent('it does not ask for it', { detectors: [{ ...RULE, emit: 'final' }] }, call(1));
    silent('it would be over before its turn', { leaseMaxMs: LATENESS_MS }, call(1));
    const { lane, store, come } = lab();
    come(call(1));
    lane.commit();
    assert.equal(store.early.size, 1, 'lest all of these hold for another reason');
  });

  it('takes a stamp from the future for the time of its arrival, early and in its turn', () => {
    const { lane, store, come } = lab();
    come(call(1, {}, NOW_MS + 3_600_000));
    lane.drain();
    assert.deepEqual(
      intentions(store).map(({ issuedMs }) => issuedMs),
      [NOW_MS],
    );
    assert.deepEqual(outcomes(store), ['confirmed']);
  });

  it('counts what is early against the brakes of the fleet', () => {
    const { lane, store, come } = lab({ agents: 4, fleetShare: 0.5 });
    for (const agent of ['a0', 'a1', 'a2', 'a3']) come(call(1, {}, NOW_MS, agent));
    lane.commit();
    assert.deepEqual(
      intentions(store).map(({ subject }) => subject.agent),
      ['a0', 'a1'],
    );
    lane.drain();
    assert.deepEqual(outcomes(store), ['confirmed', 'confirmed']);
    assert.deepEqual(store.notices.filter(({ code }) => code === 'breaker.tripped').length, 1);
  });

  it('withdraws what its turn does not confirm', () => {
    const meanwhile: readonly [string, Parameters<Lane['pipeline']['reload']>[0], number][] = [
      ['an exception came', { detectors: [RULE], exceptions: [EXCUSE] }, 1],
      ['it may only alert', { detectors: [{ ...RULE, maturity: 'alert' }], exceptions: [] }, 1],
      ['it is gone', { detectors: [], exceptions: [] }, 0],
    ];
    for (const [title, change, heard] of meanwhile) {
      const { lane, store, come } = lab({ maturity: {} });
      come(call(1));
      lane.commit();
      const [asked] = intentions(store);
      lane.pipeline.reload(change, 'a test');
      lane.drain();
      assert.deepEqual(steps(store), ['request', 'release'], title);
      assert.equal(intentions(store)[1]?.leaseId, asked?.leaseId, title);
      assert.equal(intentions(store)[1]?.cause, 'withdrawn', title);
      assert.deepEqual(outcomes(store), ['withdrawn'], title);
      assert.equal(store.detections.size, heard, title);
      const retracted = store.amendments.filter(({ type }) => type === 'retracted').length;
      assert.equal(retracted, 1 - heard, `${title}: what did not come true is taken back`);
    }
  });

  it('goes over from one version to the next where the detector was exchanged in between', () => {
    const { lane, store, come } = lab();
    come(call(1));
    lane.commit();
    const next = { ...RULE, version: 'another' };
    lane.pipeline.reload({ detectors: [next], exceptions: [] }, 'a test');
    lane.drain();
    assert.deepEqual(steps(store), ['request'], 'what stands goes on standing');
    assert.deepEqual(outcomes(store), ['confirmed']);
    const [found] = [...store.early.values()];
    const retracted = store.amendments.flatMap((one) =>
      one.type === 'retracted' ? [one.detectionId] : [],
    );
    assert.deepEqual(
      retracted,
      [found?.detection.id],
      'the old version did not say it in its turn',
    );
    assert.deepEqual(
      [...store.detections.values()].map(({ version }) => version),
      ['another'],
    );
    const [decision] = [...store.decisions.values()];
    assert.equal(decision?.leaseId, found?.decision.leaseId);
  });

  it('leaves an agent alone by a detector that was wrong about it a while ago', () => {
    const { lane, store, come, again, pass } = lab({ maturity: {} });
    come(call(1));
    lane.pipeline.reload({ detectors: [RULE], exceptions: [EXCUSE] }, 'a test');
    pass(NOW_MS + 2 * LATENESS_MS);
    lane.commit();
    assert.deepEqual(outcomes(store), ['withdrawn']);
    lane.pipeline.reload({ detectors: [RULE], exceptions: [] }, 'a test');
    come(call(2, {}, NOW_MS + 2 * LATENESS_MS), NOW_MS + 2 * LATENESS_MS);
    lane.commit();
    assert.equal(store.early.size, 1, 'that one waits for its turn');
    lane.crash();
    again();
    lane.drain();
    assert.deepEqual(steps(store), ['request', 'release', 'request']);
  });

  it('frees at once whom a person frees before its turn, and hears that person in its turn', () => {
    const by = { id: 'r1', by: 'ann', reason: 'it is our own test', atMs: NOW_MS };
    const undo = (leaseId: string) => ({ ...by, type: 'undo', leaseId }) as const;
    const wrong = (detection: Detection) => {
      const { id, detector, version, entity } = detection;
      const judged = { id, detector, version, entity, acted: 'freeze_tool' } as const;
      return { ...by, type: 'verdict', verdict: 'false_positive', detections: [judged] } as const;
    };
    for (const kind of ['undo', 'verdict'] as const) {
      const { lane, store, come, pass } = lab();
      come(call(1));
      lane.commit();
      const [{ leaseId }] = intentions(store);
      const [found] = [...store.early.values()];
      const request = kind === 'undo' ? undo(leaseId) : wrong(found?.detection as Detection);
      const operate = () => {
        lane.pipeline.operate(request);
        const commit = lane.pipeline.commit();
        store.apply(commit);
        lane.pipeline.committed();
        return commit.effects.operatorRequests;
      };
      assert.deepEqual(operate(), [], `${kind}: it is asked again`);
      assert.deepEqual(steps(store), ['request', 'release'], kind);
      assert.deepEqual(operate(), [], kind);
      pass(NOW_MS + 2 * LATENESS_MS);
      assert.deepEqual(operate(), ['r1'], `${kind}: now it is taken up`);
      assert.deepEqual(steps(store), ['request', 'release'], `${kind}: it was released before`);
      come(call(2, {}, NOW_MS + 2 * LATENESS_MS), NOW_MS + 2 * LATENESS_MS);
      lane.drain();
      assert.deepEqual(steps(store), ['request', 'release'], `${kind}: it is left alone`);
      assert.equal(store.verdicts.length, kind === 'verdict' ? 1 : 0);
    }
  });

  it('takes refusals by an early lease for its own doing, also where it was withdrawn', () => {
    const { lane, store, come } = lab({ maturity: {}, detectors: [RULE, REFUSED] });
    come(call(1));
    lane.pipeline.reload({ detectors: [REFUSED, RULE], exceptions: [EXCUSE] }, 'a test');
    const refused = { decision: 'deny', outcome: 'error' } as const;
    come(call(2, refused, NOW_MS + 1000));
    lane.drain();
    const found = [...store.detections.values()].map(({ detector }) => detector);
    assert.deepEqual(found, [RULE.stem], 'the refusal is no evidence');
  });
});

const NOW_MS = START_MS + 3_600_000;
const BEFORE_MS = NOW_MS - 600_000;
const TOOL = 'export_everything';

const RULE = rule(
  'one-call',
  `{ action.tool: ${TOOL}, action.outcome: ok }`,
  '{ action: freeze_tool, scope: session, ttl: 15m }',
);
/** Finds refusals, and does nothing about them. */
const REFUSED: Detector = {
  ...rule('refusal', '{ action.decision: deny }', '{ action: posture, scope: agent, ttl: 1m }'),
  ...{ response: null, emit: 'final' },
};
const EXCUSE: Exception = {
  ...{ id: 'known', match: { agent: ['a0'] }, detectors: ['one-call'], expiresMs: 2 * NOW_MS },
  ...{ owner: 'ann', reason: 'a rehearsal', evidence: ['aa'], file: 'x.yaml' },
};

interface Setup {
  readonly nowMs: number;
  readonly mode: Mode;
  readonly maturity: PipelineOptions['maturity'];
  readonly detectors: readonly Detector[];
  readonly exceptions: readonly Exception[];
  readonly leaseMaxMs: number;
  readonly fleetShare: number;
  readonly agents: number;
}

/** A lane whose agents were registered ten minutes ago, and records that come one by one. */
function lab(setup: Partial<Setup> = {}) {
  const { nowMs = NOW_MS, mode = 'autonomous', agents = 1 } = setup;
  const log = createMemoryLog();
  const store = createLaneStore();
  const { leaseMaxMs = 3_600_000, fleetShare = 1 } = setup;
  const options = laneOptions({
    ...{ inventory, modeOf: () => mode, detectors: setup.detectors ?? [RULE] },
    ...(setup.maturity === undefined ? {} : { maturity: setup.maturity }),
    ...(setup.exceptions === undefined ? {} : { exceptions: setup.exceptions }),
    guardrails: { leaseMaxMs, breakerFleetShare: fleetShare, breakerRoleShare: 1 },
  });
  const append = (event: WireEvent, timestampMs: number) =>
    log.append({ topic: event.kind, partition: 0, value: encodeEvent(event), timestampMs });
  for (let n = 0; n < agents; n += 1) append(registered(`a${n}`), BEFORE_MS - 60_000);
  for (const event of beats(BEFORE_MS)) append(event, BEFORE_MS);
  const lane = openLane(log, store, options, nowMs);
  const again = () => {
    for (const at of lane.waiting()) lane.read(at, 1000);
  };
  again();
  lane.commit();
  return {
    ...{ lane, store, again },
    come(event: WireEvent, timestampMs = NOW_MS) {
      append(event, timestampMs);
      again();
    },
    /** Event time goes on. */
    pass(ms: number) {
      for (const event of beats(ms)) append(event, ms);
      again();
    },
  };
}

function registered(agent: string): WireEvent {
  return {
    ...about('governance', 'lifecycle', `${agent}/registered`, BEFORE_MS - 60_000, agent),
    governance: { change: 'agent.registered', detail: { role: 'clerk' } },
  };
}

/** Signs of life that carry event time along. */
function beats(ms: number): WireEvent[] {
  const action = { phase: 'result', tool: 'health', decision: 'allow', outcome: 'ok' } as const;
  return [
    { ...about('gateway', 'heartbeat', `beat/${ms}`, ms, 'beacon'), action },
    {
      ...about('governance', 'heartbeat', `sign/${ms}`, ms, 'beacon'),
      governance: { change: 'flag.changed' },
    },
  ];
}

function call(
  seq: number,
  changes: Partial<NonNullable<WireEvent['action']>> = {},
  ms = NOW_MS,
  agent = 'a0',
): WireEvent {
  return {
    ...about('gateway', 'tool_call', `${agent}/${seq}`, ms, agent),
    session: { id: `session-${agent}` },
    action: { phase: 'result', tool: TOOL, decision: 'allow', outcome: 'ok', ...changes },
  };
}

function withoutSession({ session: _session, ...event }: WireEvent): WireEvent {
  return { ...event, keys: { traceId: 'a'.repeat(32) } };
}

function about(kind: Kind, category: string, id: string, ms: number, agent: string): WireEvent {
  return { id, kind, category, time: { eventNs: `${ms}000000` }, agent: { id: agent } };
}

const intentions = (store: LaneStore) =>
  [...store.intentions.values()] as [Intention, ...Intention[]];
const steps = (store: LaneStore) => intentions(store).map(({ step }) => step);
const outcomes = (store: LaneStore) => [...store.settled.values()].map(({ outcome }) => outcome);
