/** SIGKILL at many points while events flow: what is left equals an uninterrupted run's. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import type { ControlPlaneState } from '../../examples/control-plane/leases.ts';
import type { Config } from '../../src/model/config.ts';
import type { Database } from '../../src/model/ports.ts';
import { stream } from '../../src/simulation/random.ts';
import { type Loaded, load, sourcesOf } from './crash/load.ts';
import { differences, type Outcome, planeRows, readOutcome } from './crash/outcome.ts';
import { drawPlan, drawPoint, type KillPlan } from './crash/plan.ts';
import { createWatcher } from './crash/positions.ts';
import { openScene, type Scene } from './crash/scene.ts';
import { STEPS, type Tally, writeKillPoint } from './crash/spec.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import { type ProvidedPostgres, providePostgres } from './postgres.ts';
import { provideKafka } from './provider.ts';

// biome-ignore lint/style/noProcessEnv: how much is run, and from which seed, is chosen from outside
const env = process.env;
const KILLS = Number(env['PLUMBLINE_KILLS'] ?? 30);
const EVENTS = Number(env['PLUMBLINE_CRASH_EVENTS'] ?? 200_000);
const SEED = env['PLUMBLINE_CRASH_SEED'] ?? 'plumbline';
const PARTITIONS = 4;
const SLICE_RECORDS = 500;
/** Event time of the first record; the clock starts an hour before, so that no lease runs out. */
const START_MS = 1_780_000_000_000;
const HOUR_MS = 3_600_000;

/** One kill as it happened. */
interface Kill {
  readonly point: string;
  readonly lying: boolean;
  readonly records: number;
  readonly again: number;
  readonly ahead: number;
  /** Requests the control plane had carried out and whose outcome was not recorded. */
  readonly unrecorded: number;
  readonly elapsedMs: number;
}

const prefix = `plt-${process.pid}-crash-`;
const topics = sourcesOf(prefix).map(({ topic }) => topic);
const plan: KillPlan = drawPlan(SEED, KILLS);
const kills: Kill[] = [];
const tallies: Tally[] = [];
let kafka: KafkaProvided;
let postgres: ProvidedPostgres;
let scratch: string | undefined;
let loaded: Loaded;
let calm: Scene;
let stormy: Scene;

const say = (line: string) => process.stdout.write(`${line}\n`);

function configOf(group: string): Config {
  return {
    instance: group,
    kafka: { brokers: [...kafka.brokers], group, sessionTimeout: '6s' },
    sources: sourcesOf(prefix),
    correlate: { maxBuffered: 20_000 },
    roles: { default: { mode: 'autonomous' } },
    detectors: { maturity: { hard: 'enforce' } },
    guardrails: { breakerFleetShare: 1, breakerRoleShare: 1 },
  };
}

async function openNamed(name: string): Promise<Scene> {
  assert.ok(scratch !== undefined);
  const config = configOf(`${prefix}${name}`);
  return await openScene({ name, scratch, postgres, config, baseMs: START_MS - HOUR_MS });
}

before(async () => {
  kafka = await provideKafka();
  postgres = await providePostgres();
  scratch = await mkdtemp(join(tmpdir(), 'plt-crash-'));
  const startedMs = Date.now();
  loaded = await load({
    ...{ brokers: kafka.brokers, prefix, partitions: PARTITIONS, seed: SEED },
    ...{ events: EVENTS, startMs: START_MS },
  });
  const misdeeds = Object.values(loaded.misdeeds).reduce((sum, count) => sum + count, 0);
  const minutes = Math.round((loaded.lastMs - loaded.firstMs) / 60_000);
  say(
    `crash: seed ${SEED}, ${loaded.events} events over ${minutes} min of event time in ` +
      `${topics.length} topics of ${PARTITIONS} partitions, ${misdeeds} misdeeds; loaded in ${Date.now() - startedMs} ms`,
  );
  calm = await openNamed('calm');
  stormy = await openNamed('stormy');
});

after(async () => {
  await calm?.close();
  await stormy?.close();
  await postgres?.stop();
  await kafka?.stop();
  if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
});

async function openRequests(db: Database): Promise<number> {
  const [row] = await db.query(`select count(*) as open from outbox where state <> 'done'`);
  return Number(row?.['open']);
}

/** Reads the rest without a kill, and lets everything that is still to be sent be sent. */
async function finish(scene: Scene, name: string): Promise<void> {
  const startedMs = Date.now();
  const read = await scene.live(null);
  assert.equal(
    read.code,
    0,
    `${name}: reading ended with ${read.code} ${read.signal}\n${await scene.logTail()}`,
  );
  tallies.push(read.tally);
  const readMs = Date.now() - startedMs;
  const sent = await scene.liveUntil(async () => (await openRequests(scene.db)) === 0);
  assert.equal(
    sent.code,
    0,
    `${name}: sending ended with ${sent.code} ${sent.signal}\n${await scene.logTail()}`,
  );
  say(`crash: ${name}: read to the end in ${readMs} ms, outbox empty ${sent.tookMs} ms later`);
}

it('runs without interruption, as the measure of the other run', async () => {
  await finish(calm, 'calm');
  // A machine that stands still for seconds is put out of the group and reads on from the store: what
  // it reads again is counted apart, and every event counts once.
  const [row] = await calm.db.query(
    `select (counters->>'records')::int - coalesce((counters->>'repeats')::int, 0) as records from lane`,
  );
  assert.equal(row?.['records'], EVENTS);
});

it(`is killed ${KILLS} times, and comes back each time`, async () => {
  const watcher = await createWatcher(kafka.brokers, `${prefix}stormy`, topics);
  const random = stream(SEED, 'kill points');
  const startedMs = Date.now();
  try {
    for (const [life, step] of plan.steps.entries()) {
      const lying = life >= plan.lying.from && life < plan.lying.to;
      await stormy.loseReplies(lying ? 0.3 : 0);
      const stood = await watcher.look(stormy.db);
      const left = {
        again: Math.floor(stood.again / SLICE_RECORDS),
        slices: Math.floor((EVENTS - stood.records) / SLICE_RECORDS),
        kills: KILLS - life,
      };
      const point = drawPoint(random, step, left);
      const ended = await stormy.live(point);
      const name = writeKillPoint(point);
      assert.equal(
        ended.signal,
        'SIGKILL',
        `life ${life} was to die at ${name}, and ended with ${ended.code}\n${await stormy.logTail()}`,
      );
      tallies.push(ended.tally);
      const { records, again, ahead, sending } = await watcher.look(stormy.db);
      const { keys } = stormy.plane.state();
      const unrecorded = sending.filter((key) => (keys[key]?.applied ?? 0) > 0).length;
      const elapsedMs = Date.now() - startedMs;
      kills.push({
        point: name,
        lying,
        records,
        again,
        ahead: ahead.records,
        unrecorded,
        elapsedMs,
      });
    }
  } finally {
    await watcher.close();
    sayKills();
  }
  await stormy.loseReplies(0);
  await finish(stormy, 'stormy');
  const between = kills.filter(({ point, ahead }) => /^store-committed/.test(point) && ahead > 0);
  const unanswered = kills.filter(({ point, lying }) => /^action-sent/.test(point) && lying);
  assert.ok(between.length >= Math.min(3, KILLS), `${between.length} kills between the commits`);
  assert.ok(unanswered.length >= Math.min(3, KILLS), `${unanswered.length} kills at lost replies`);
});

function sayKills(): void {
  say(`crash: seed ${SEED}; kills: step:count, then what the world knew at that moment`);
  say(
    '   #  point                  replies  committed  to re-read  not told Kafka  done, unrecorded  elapsed',
  );
  kills.forEach((kill, at) => {
    const cells = [
      String(at + 1).padStart(4),
      ` ${kill.point.padEnd(21)}`,
      (kill.lying ? 'lost 30%' : 'honest').padEnd(8),
      String(kill.records).padStart(9),
      String(kill.again).padStart(11),
      String(kill.ahead).padStart(15),
      String(kill.unrecorded).padStart(17),
      `${(kill.elapsedMs / 1000).toFixed(1)} s`.padStart(9),
    ];
    say(cells.join(' '));
  });
  say('crash: steps                killed at  passed');
  for (const step of STEPS) {
    const killed = kills.filter(({ point }) => point.startsWith(`${step}:`)).length;
    const passed = tallies.reduce((sum, tally) => sum + (tally[step] ?? 0), 0);
    say(`       ${step.padEnd(20)} ${String(killed).padStart(9)} ${String(passed).padStart(7)}`);
  }
}

/** Says everything that differs between the two runs, and fails if anything does. */
function assertSame(expected: Outcome, actual: Outcome): void {
  const names = Object.keys(expected) as (keyof Outcome)[];
  const found = names.flatMap((name) => differences(name, expected[name], actual[name]));
  for (const line of found) say(`crash: ${line}`);
  assert.equal(found.length, 0, 'the two runs differ; see above');
}

function sizes(outcome: Outcome): string {
  const { journal, counters, notices, ...counted } = outcome;
  const parts = Object.entries(counted).map(
    ([name, rows]) => `${Object.keys(rows).length} ${name}`,
  );
  return `${parts.join(', ')}; counters ${JSON.stringify(counters)}; notices ${JSON.stringify(notices)}; journal ${JSON.stringify(journal)}`;
}

function keyFaults(state: ControlPlaneState, known: Outcome['intentions']): string[] {
  const faults: string[] = [];
  for (const [key, line] of Object.entries(known)) {
    const count = state.keys[key];
    if (count === undefined) faults.push(`never received: ${key} ${line}`);
    else if (count.applied !== 1) faults.push(`applied ${count.applied} times: ${key} ${line}`);
  }
  for (const key of Object.keys(state.keys))
    if (known[key] === undefined) faults.push(`received without a recorded intention: ${key}`);
  return faults;
}

it('has found, decided and done the same: none lost, none doubled', async () => {
  const expected = await readOutcome(calm.db);
  const actual = await readOutcome(stormy.db);
  say(`crash: calm:   ${sizes(expected)}`);
  say(`crash: stormy: ${sizes(actual)}`);
  assertSame(expected, actual);
  assert.ok(Object.keys(expected.detections).length > EVENTS / 2_000, 'too little was found');
  assert.ok(Object.keys(expected.intentions).length > EVENTS / 10_000, 'too little was done');
  const [calmPlane, stormyPlane] = [calm.plane.state(), stormy.plane.state()];
  assert.deepEqual(differences('control plane', planeRows(calmPlane), planeRows(stormyPlane)), []);
  assert.deepEqual(keyFaults(calmPlane, expected.intentions), []);
  assert.deepEqual(keyFaults(stormyPlane, actual.intentions), []);
  const repeated = Object.values(stormyPlane.keys).filter(({ received }) => received > 1);
  say(
    `crash: control plane: ${stormyPlane.leases.length} leases active, ` +
      `${Object.keys(stormyPlane.keys).length} keys, ${repeated.length} received more than once, each applied once`,
  );
});

it('releases everything once its time is over, and both runs end alike', async () => {
  for (const scene of [calm, stormy]) {
    scene.advance(loaded.lastMs - loaded.firstMs + 48 * HOUR_MS);
    const ended = await scene.liveUntil(async () => {
      const [row] = await scene.db.query(
        `select count(*) as standing from lease where state in ('requested', 'accepted', 'releasing')`,
      );
      return Number(row?.['standing']) === 0 && (await openRequests(scene.db)) === 0;
    });
    assert.equal(ended.code, 0, await scene.logTail());
  }
  const expected = await readOutcome(calm.db);
  const actual = await readOutcome(stormy.db);
  assertSame(expected, actual);
  const [calmPlane, stormyPlane] = [calm.plane.state(), stormy.plane.state()];
  assert.deepEqual(differences('control plane', planeRows(calmPlane), planeRows(stormyPlane)), []);
  const active = stormyPlane.leases.filter(({ state }) => state === 'active');
  assert.deepEqual(active, []);
  say(
    `crash: after expiry: ${Object.keys(actual.leases).length} leases over in both runs, none active`,
  );
});
