/** Members: one, two, three, killed and joined: the same findings, decisions and leases as one lane. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../src/model/config.ts';
import { differences } from './crash/outcome.ts';
import type { KafkaProvided } from './kafka-provided.ts';
import { type Loaded, load, makeTopics, sourcesOf } from './members/load.ts';
import { readMembersOutcome } from './members/outcome.ts';
import { openStage, type Stage } from './members/stage.ts';
import { type ProvidedPostgres, providePostgres } from './postgres.ts';
import { provideKafka } from './provider.ts';

// biome-ignore lint/style/noProcessEnv: how much is run, and from which seed, is chosen from outside
const env = process.env;
const EVENTS = Number(env['PLUMBLINE_MEMBERS_EVENTS'] ?? 60_000);
const SEED = env['PLUMBLINE_MEMBERS_SEED'] ?? 'plumbline';
const START_MS = 1_780_000_000_000;
const HOUR_MS = 3_600_000;
const LANES = 6;
const TENANTS = 12;

const prefix = `plt-${process.pid}-members-`;
const say = (line: string) => process.stdout.write(`${line}\n`);
let kafka: KafkaProvided;
let postgres: ProvidedPostgres;
let scratch: string | undefined;
const stages: Stage[] = [];
let loaded: Loaded;

function configOf(name: string, lanes: boolean): Config {
  return {
    kafka: {
      ...{ brokers: [...kafka.brokers], group: `${prefix}${name}`, sessionTimeout: '6s' },
      ...(lanes ? { lanes: { count: LANES, topic: `${prefix}${name}-events` } } : {}),
    },
    sources: sourcesOf(prefix),
    roles: { default: { mode: 'autonomous' } },
    detectors: { maturity: { hard: 'enforce' } },
    guardrails: { breakerFleetShare: 1, breakerRoleShare: 1 },
  };
}

async function stageOf(name: string, lanes: boolean): Promise<Stage> {
  assert.ok(scratch !== undefined);
  const baseMs = START_MS - HOUR_MS;
  const stage = await openStage({ name, scratch, postgres, config: configOf(name, lanes), baseMs });
  stages.push(stage);
  return stage;
}

/** Reads all there is with one member that exits at the end. */
async function finish(stage: Stage, name: string): Promise<void> {
  const startedMs = Date.now();
  const { code, signal } = await (await stage.start(true)).ended;
  assert.equal(code, 0, `${name} ended with ${code} ${signal}\n${await stage.logTail()}`);
  say(`members: ${name}: read to the end in ${Date.now() - startedMs} ms`);
}

before(async () => {
  kafka = await provideKafka();
  postgres = await providePostgres();
  scratch = await mkdtemp(join(tmpdir(), 'plt-members-'));
  const options = { brokers: kafka.brokers, prefix, seed: SEED, events: EVENTS, tenants: TENANTS };
  await makeTopics({ ...options, startMs: START_MS });
  loaded = await load({ ...options, startMs: START_MS });
  say(`members: seed ${SEED}, ${loaded.events} events in ${loaded.records} records`);
});

after(async () => {
  for (const stage of stages) await stage.close();
  await postgres?.stop();
  await kafka?.stop();
  if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
});

it('finds the same in lanes as in one', async () => {
  const single = await stageOf('single', false);
  await finish(single, 'one lane');
  const alone = await stageOf('alone', true);
  await finish(alone, 'one member alone');
  const expected = await readMembersOutcome(single.db);
  const actual = await readMembersOutcome(alone.db);
  say(`members: ${Object.entries(expected).map(([name, rows]) => `${Object.keys(rows).length} ${name}`).join(', ')}`);
  for (const row of await single.db.query(`select outcome, left(detail, 200) as detail, count(*) as n from outbox group by 1, 2`)) say(JSON.stringify(row));
  const found = Object.keys(expected).flatMap((name) =>
    differences(name, expected[name] ?? {}, actual[name] ?? {}),
  );
  for (const line of found) say(`members: ${line}`);
  assert.equal(found.length, 0);
  await sleep(0);
});
