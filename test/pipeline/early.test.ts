/** The early path: it changes when something is done, and never what is found, decided and told. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { KINDS_OF_ANALYTIC } from '../../src/detect/detect.ts';
import { readDetectorFile } from '../../src/detect/detector-file.ts';
import { canonicalJson } from '../../src/model/canonical-json.ts';
import type { Intention, Mode } from '../../src/model/decision.ts';
import type { Detector } from '../../src/model/detector.ts';
import { idOf } from '../../src/model/ids.ts';
import type { PipelineOptions } from '../../src/pipeline.ts';
import { chance, integer, pick, stream } from '../../src/simulation/random.ts';
import { fleetOf, LARGE_EVERY, readWildly, START_MS } from '../sim/disorder.ts';
import { disordered, inOrder, recordsOf, withHeartbeats } from '../sim/fleet-log.ts';
import { openLane, readInOrder } from '../sim/lane.ts';
import { LATENESS_MS, laneOptions } from '../sim/lane-options.ts';
import { createLaneStore, type LaneStore } from '../sim/lane-store.ts';
import { shippedLibrary } from '../sim/library.ts';

/** How many fleets; CI takes 2,000, and a person may take more. */
// biome-ignore lint/style/noProcessEnv: the number of seeds is the one thing a person may raise.
const SEEDS = Number(process.env['PLUMBLINE_SEEDS'] ?? 200);

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
  return laneOptions({
    ...{ detectors, inventory, modeOf: () => mode },
    guardrails: {
      breakerFleetShare: pick(random, [0.4, 1]),
      breakerRoleShare: 1,
      coolDownMs: pick(random, [1_000, 300_000]),
      leaseMaxMs: pick(random, [40_000, 900_000]),
    },
  });
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
      readInOrder(openLane(plainLog, plain, settingsOf(seed, final), START_MS), plainLog);
      const log = disordered(sentAll, random, LATENESS_MS, 5);
      const wild = createLaneStore();
      const options = {
        ...settingsOf(seed, early),
        releaseMax: pick(random, [1, 20, 5000]),
        pageEveryBytes: pick(random, [16 * 1024, 32 * 1024 * 1024]),
      };
      // Fresh: on this clock no event is older than its lateness.
      readWildly(log, openLane(log, wild, options, START_MS), random, edited);
      const names = adoptedBy(wild);
      assert.deepEqual(foldOf(wild, names), foldOf(plain, names), `seed ${seed}`);
      assert.equal(plain.early.size, 0);
      assert.equal(wild.settled.size, wild.early.size, `seed ${seed}: each is settled`);
      acts += wild.early.size;
      confirmed += wild.counters['early-confirmed'] ?? 0;
      adopted += names.size;
      withdrawn += wild.counters['early-withdrawn'] ?? 0;
    }
    if (SEEDS < 200) return;
    // Lest the property hold because nothing was early, or nothing went wrong.
    assert.ok(confirmed > SEEDS / 4, `${confirmed} of ${acts} confirmed`);
    assert.ok(adopted > 0, `${adopted} adopted by an earlier detection`);
    assert.ok(withdrawn > 0, `${withdrawn} withdrawn`);
  });
});
