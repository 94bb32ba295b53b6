/** Rounds of scoring from memory: CPU of each part over equal units, and bytes held for them. */
import { createHash } from 'node:crypto';
import { readCall, readMandate, readResult } from '../src/baseline/conduct/reading.ts';
import { templateOf } from '../src/baseline/conduct/state.ts';
import { CONDUCT } from '../src/baseline/conduct.ts';
import type { Json } from '../src/baseline/dimension.ts';
import type { InForceProfile } from '../src/baseline/in-force.ts';
import { learnProfile } from '../src/baseline/learn.ts';
import { forceOf } from '../src/commands/baseline-force.ts';
import { unitsOf } from '../src/evaluation/recordings/session-units.ts';
import type { Readings } from '../src/model/reading.ts';
import type { UnitRecord } from '../src/model/unit.ts';
import { createEvidence } from '../src/score/evidence.ts';
import { standardOf } from '../src/score/stage.ts';
import { createFleet } from '../src/simulation/fleet.ts';
import { STORY_ROLES } from '../src/simulation/story-roles.ts';
import { encodeEvent } from '../src/source/canonical.ts';
import { Slots } from '../src/state/slots.ts';
import { textOf } from '../src/stats/sentences.ts';
import { answer, cpuUs, input } from './child.ts';
import { benchLane } from './lane.ts';
import { FLEET } from './workload.ts';

/** What to do. */
export interface ScoringInput {
  /** Units to learn from. */
  readonly learn: number;
  /** Events to score, at least. */
  readonly events: number;
  readonly rounds: number;
  /** Rounds that are not told of. */
  readonly warm: number;
}

/** What one round cost, µs of CPU. */
export interface ScoringRound {
  readonly readUs: number;
  /** With reading. */
  readonly conductUs: number;
  readonly dimensionsUs: number;
  readonly evidenceUs: number;
}

/** What was measured. */
export interface ScoringOutcome {
  readonly rounds: readonly ScoringRound[];
  readonly outcomes: number;
  readonly events: number;
  readonly calls: number;
  readonly units: number;
  /** Of text that is tokenised. */
  readonly bytes: number;
  readonly unitBytes: number;
  /** Of each unit after its last call, as it is stored. */
  readonly storedBytes: readonly number[];
  readonly agentBytes: number;
}

/** Agents that evidence is held of when its bytes are counted. */
const AGENTS = 2_000;

const { learn, events, rounds, warm } = input<ScoringInput>();
const all = await storyUnits(learn, events);
const given: UnitRecord[] = [];
let items = 0;
for (const unit of all.slice(learn)) {
  if (items >= events) break;
  given.push(unit);
  items += unit.items.length;
}
const profile = learnProfile(
  all.slice(0, learn),
  { level: 'fleet', subject: '*' },
  { rehearsal: CONDUCT, seed: 1 },
);
const force = forceOf([profile]);
const inForce = force.profiles.all[0] as InForceProfile;
const { conduct } = inForce;
if (conduct === null) throw new Error('too few units: no conduct was learnt');
const standard = standardOf(force.judgings[0] as (typeof force.judgings)[0], force.plans);
const readings = given.map(readingsOf);
const outcomes = new Set<string>();
const done: ScoringRound[] = [];
for (let round = 0; round < rounds; round += 1) {
  globalThis.gc?.();
  const hash = createHash('sha256');
  const one = {
    readUs: timed(() => given.forEach(readUnit)),
    conductUs: timed(() => {
      for (const unit of given) hash.update(`${conductOf(unit)} `);
    }),
    dimensionsUs: timed(() => {
      for (const unit of given) hash.update(`${dimensionsOf(unit).length} `);
    }),
    evidenceUs: timed(() => hash.update(String(evidenceOf(readings, given.length).fired))),
  };
  outcomes.add(hash.digest('hex'));
  if (round >= warm) done.push(one);
}
const calls = given.flatMap((unit) => unit.items.filter(({ type }) => type === 'call'));
answer({
  rounds: done,
  outcomes: outcomes.size,
  events: items,
  calls: calls.length,
  units: given.length,
  bytes: given.reduce((sum, unit) => sum + bytesOf(unit), 0),
  unitBytes: held(() => given.map((unit) => [stateOf(unit), dimensionsOf(unit)])) / given.length,
  storedBytes: given.map((unit) => storedOf([stateOf(unit), dimensionsOf(unit)])),
  agentBytes: held(() => evidenceOf(readings, AGENTS).slots) / AGENTS,
} satisfies ScoringOutcome);

/** Enough units of the story fleet, in order of session. */
async function storyUnits(units: number, more: number): Promise<UnitRecord[]> {
  const { decode } = await benchLane();
  const fleet = createFleet({ ...FLEET, agents: 200, temper: { rho: 0.3 }, roles: STORY_ROLES });
  // A session of a story has some 25 records.
  const records = fleet.take(units * 40 + 2 * more);
  const decoded = records.flatMap(
    ({ topic, key, event, atMs }, offset) =>
      decode({
        ...{ topic, partition: 0, offset, timestampMs: atMs },
        ...{ key: Buffer.from(key), value: Buffer.from(encodeEvent(event)) },
      }).events,
  );
  return unitsOf(decoded).filter((unit) => unit.items.some(({ type }) => type === 'call'));
}

function timed(work: () => void): number {
  const start = cpuUs();
  work();
  return cpuUs() - start;
}

function readUnit(unit: UnitRecord): void {
  templateOf(unit.head);
  readMandate(unit.head.mandate ?? '', 512);
  for (const item of unit.items) {
    if (item.type !== 'call' || item.ours) continue;
    readCall(item);
    readResult(item.result);
  }
}

function stateOf(unit: UnitRecord): Json {
  const state = conduct?.begin(unit.head) ?? null;
  for (const item of unit.items) conduct?.see(state as never, item);
  return state as unknown as Json;
}

function conductOf(unit: UnitRecord): number | null {
  return conduct?.scoreOf(stateOf(unit) as never) ?? null;
}

function dimensionsOf({ head, items: seen }: UnitRecord): readonly Json[] {
  const { following, dimensions } = inForce;
  const followed = following.begin(head);
  for (const item of seen) following.see(followed, item);
  dimensions.forEach(({ scorer }, at) => {
    scorer.close(followed.states[at] as Json);
  });
  return followed.states;
}

/** Readings after each call of a unit, and at its close. */
function readingsOf(unit: UnitRecord): Readings[] {
  const followed = inForce.following.begin(unit.head);
  const state = conduct?.begin(unit.head) as never;
  const found: Readings[] = [];
  const say = (isClosed: boolean) => {
    const dimensions = inForce.dimensions.map(({ dimension, scorer }, at) => ({
      dimension: dimension.name,
      source: dimension.source,
      cell: `${dimension.needs}/seen`,
      score:
        dimension.timing === 'running'
          ? (followed.scores[at] ?? null)
          : isClosed
            ? scorer.close(followed.states[at] as Json)
            : null,
    }));
    const cell = conduct?.cellOf(state) ?? '';
    const joint = { dimension: inForce.jointName, cell, score: conduct?.scoreOf(state) ?? null };
    found.push({ ms: unit.lastMs, dimensions, joint });
  };
  for (const item of unit.items) {
    conduct?.see(state, item);
    inForce.following.see(followed, item);
    if (item.type === 'call' && !item.ours) say(false);
  }
  say(true);
  return found;
}

/** Evidence of `units` units, given in turn, each agent its own; how many thresholds fired. */
function evidenceOf(from: readonly Readings[][], units: number): { slots: Slots; fired: number } {
  const slots = new Slots();
  const evidence = createEvidence(slots);
  let fired = 0;
  for (let at = 0; at < units; at += 1) {
    const own = from[at % from.length] ?? [];
    const key = { agent: `1:-:agent-${at}`, unit: `unit-${at}` };
    own.forEach((one, k) => {
      fired +=
        k < own.length - 1
          ? evidence.running(key, one, standard).length
          : evidence.close(key, one, standard).firings.length;
    });
  }
  return { slots, fired };
}

function storedOf(state: unknown): number {
  return Buffer.byteLength(JSON.stringify(state));
}

/** Bytes of the heap that what is made holds. */
function held(make: () => unknown): number {
  const before = heap();
  const made = [make()];
  const bytes = heap() - before;
  if (made.length === 0) throw new Error('what was made has to live until here');
  return bytes;
}

function heap(): number {
  for (let round = 0; round < 4; round += 1) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function bytesOf({ head, items: seen }: UnitRecord): number {
  let text = head.mandate ?? '';
  for (const item of seen)
    if (item.type === 'call' && !item.ours) text += textOf(item.args) + textOf(item.result, 20_000);
  return Buffer.byteLength(text);
}
