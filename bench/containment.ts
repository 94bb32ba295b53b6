/** Containment: from a hostile call in Kafka to a lease that holds, on a real broker and database. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ControlPlane, startControlPlane } from '../examples/control-plane/server.ts';
import { createKafkaPublisher } from '../src/adapters/kafka.ts';
import { ensureTopics } from '../src/adapters/kafka-topics.ts';
import { KINDS, type WireEvent } from '../src/model/event.ts';
import { gatewayEvent } from '../src/simulation/emission.ts';
import { encodeEvent } from '../src/source/canonical.ts';
import { freePort } from '../test/integration/kafka-probe.ts';
import { type Launched, launch, untilTrue } from '../test/integration/plumbline.ts';
import {
  type FreshDatabase,
  freshDatabase,
  providePostgres,
  silentLog,
} from '../test/integration/postgres.ts';
import { provideKafka } from '../test/integration/provider.ts';
import {
  controlAt,
  FORBIDDEN,
  GRANTED,
  registers,
  SECRET,
  SECRET_NAME,
  storySources,
  type Told,
  uses,
  writeConfig,
} from '../test/integration/story.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { begin, type Result } from './measure.ts';

/** The benchmark. */
export const containment: Bench = {
  name: 'containment',
  claim:
    'hostile call appended → lease effective at the example control plane → verified by a refusal',
  run: async (options) => {
    const kafka = await provideKafka();
    const postgres = await providePostgres();
    const database = await freshDatabase(postgres);
    const folder = await mkdtemp(join(tmpdir(), 'plt-containment-'));
    try {
      return await measure(options, kafka, database, folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
      await database.drop();
      await postgres.stop();
      await kafka.stop();
    }
  },
};

/** How late a record may be here: what everything waits for before it is decided. */
const LATENESS_MS = 1_000;
const EVERY_MS = 200;
const CROWD = 200;
const LOOK_MS = 5;

interface Caught {
  readonly agent: string;
  readonly session: string;
  readonly appendedMs: number;
  effectiveMs: number | null;
  leaseId: string | null;
}

async function measure(
  { events: wanted, smoke, say, command }: BenchOptions,
  kafka: Awaited<ReturnType<typeof provideKafka>>,
  database: FreshDatabase,
  folder: string,
): Promise<Result> {
  const end = begin('containment', command);
  const hostile = wanted ?? (smoke ? 5 : 200);
  const prefix = `contain-${process.pid}-`;
  const client = { brokers: kafka.brokers, clientId: 'bench', log: silentLog };
  await ensureTopics(
    client,
    KINDS.map((kind) => ({ topic: `${prefix}${kind}`, partitions: 4 })),
  );
  const publisher = createKafkaPublisher(client);
  const publish = (told: readonly Told[]) =>
    publisher.publish(
      told.map(({ topic, event }) => ({
        ...{ topic: `${prefix}${topic}`, key: keyOf(event), value: encodeEvent(event) },
        timestampMs: Date.now(),
      })),
    );
  const port = await freePort();
  const plane = await startControlPlane({ port, secret: SECRET });
  const config = await writeConfig(folder, {
    kafka: { brokers: [...kafka.brokers], group: `${prefix}group` },
    sources: storySources(prefix),
    control: controlAt(plane.url),
    guardrails: { breakerFleetShare: 1, breakerRoleShare: 1, fleetPerMinute: 10_000 },
  });
  const env = { DATABASE_URL: database.url, [SECRET_NAME]: SECRET };
  const daemon = launch(['run', '--config', config], { cwd: folder, env });
  const caught: Caught[] = [];
  try {
    const names = Array.from({ length: hostile }, (_, n) => `hostile-${n}`);
    const crowd = Array.from({ length: CROWD }, (_, n) => `sound-${n}`);
    // Each has a role of its own: a fleet that does the same is one case, and another story.
    await publish(
      [...names, ...crowd].flatMap((name) => registers(name, Date.now() - 60_000, `role ${name}`)),
    );
    await untilTrue('the lane', () => daemon.stderr().includes('lane claimed'), daemon);
    const over = new AbortController();
    const sound = soundTraffic(publish, crowd, over.signal);
    const looking = look(plane, caught, publish, over.signal);
    await sleep(5_000);
    for (const agent of names) {
      const session = `session-${agent}`;
      await publish(uses(FORBIDDEN, agent, session, Date.now(), `role ${agent}`));
      caught.push({ agent, session, appendedMs: Date.now(), effectiveMs: null, leaseId: null });
      await sleep(EVERY_MS);
    }
    await untilTrue('every lease', () => caught.every((one) => one.effectiveMs !== null), daemon);
    await verified(database, hostile, daemon);
    over.abort();
    const published = await sound;
    await looking;
    say(`${hostile} hostile calls among ${published} sound records, all contained`);
    return end({
      workload: { hostile, 'sound records': published, 'lateness ms': LATENESS_MS },
      figures: await figuresOf(database, caught),
      rounds: caught,
      notes: [
        `everything is decided when the watermark has passed it: ${LATENESS_MS} ms of lateness are configured here and are in every figure but \`to act\`; the default is 30 s`,
        `effective: the example control plane, asked every ${LOOK_MS} ms, answers that a call of this session is not allowed; verified: the refusal of the next call, written by the gateway, was read back from Kafka`,
        'one machine runs broker, database, daemon, control plane and the traffic; percentiles by the nearest rank',
      ],
    });
  } finally {
    await daemon.end('SIGTERM');
    await plane.close();
    await publisher.close();
  }
}

function keyOf(event: WireEvent): string {
  return event.agent?.id ?? '';
}

/** Work that is in order, some hundred records a second. Resolves to how many there were. */
async function soundTraffic(
  publish: (told: readonly Told[]) => Promise<void>,
  crowd: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for (let round = 0; !signal.aborted; round += 1) {
    const told = Array.from({ length: 10 }, (_, n) => {
      const agent = crowd[(round * 10 + n) % crowd.length] ?? '';
      return uses(GRANTED, agent, `session-${agent}-${round}`, Date.now(), `role ${agent}`);
    }).flat();
    await publish(told);
    count += told.length;
    await sleep(50);
  }
  return count;
}

/** Notes when a lease holds, and has the gateway refuse the agent's next call by it. */
async function look(
  plane: ControlPlane,
  caught: readonly Caught[],
  publish: (told: readonly Told[]) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const nowMs = Date.now();
    const waiting = new Map(
      caught.filter((one) => one.effectiveMs === null).map((one) => [one.agent, one]),
    );
    const refused: Told[] = [];
    if (waiting.size > 0)
      for (const { leaseId, subject, state } of plane.state().leases) {
        const one = waiting.get(subject.agent);
        if (one === undefined || state !== 'active') continue;
        one.effectiveMs = nowMs;
        one.leaseId = leaseId;
        refused.push(refusal(one, nowMs));
      }
    if (refused.length > 0) await publish(refused);
    await sleep(LOOK_MS);
  }
}

function refusal({ agent, session, leaseId }: Caught, atMs: number): Told {
  const bearer = {
    ...{ agentId: agent, role: `role ${agent}`, tenant: null, sessionId: session },
    ...{ parent: null, principal: null },
  };
  const event = gatewayEvent(bearer, atMs, 3, `${session}/2`, {
    ...{ phase: 'result', tool: FORBIDDEN, args: { scope: session } },
    ...{ decision: 'deny', outcome: 'error', status: 403 },
    policy: { id: `plumbline:${leaseId}` },
  });
  return { topic: 'gateway', event };
}

async function verified({ db }: FreshDatabase, count: number, daemon: Launched): Promise<void> {
  // A refusal may itself be a finding: an agent can have more than one lease.
  const sql = `select count(distinct agent)::int as n from lease where verification = 'verified'`;
  await untilTrue(
    'every lease to be verified',
    async () => (await db.query(sql))[0]?.['n'] === count,
    daemon,
  );
}

async function figuresOf(
  { db }: FreshDatabase,
  caught: readonly Caught[],
): Promise<Result['figures']> {
  const rows = await db.query(
    'select id, evidence_ms, recorded_ms, accepted_ms, verified_ms, verified_by, leaked_calls from lease',
  );
  const byId = new Map(rows.map((row) => [String(row['id']), row]));
  const of = (value: (one: Caught, row: Readonly<Record<string, unknown>>) => number) =>
    caught
      .filter(({ leaseId }) => byId.get(leaseId ?? '')?.['verified_ms'] !== null)
      .map((one) => value(one, byId.get(one.leaseId ?? '') ?? {}))
      .sort((a, b) => a - b);
  const effective = of((one) => (one.effectiveMs ?? Number.NaN) - one.appendedMs);
  const toVerified = of((one, row) => Number(row['verified_ms']) - one.appendedMs);
  const toDetect = of((_, row) => Number(row['recorded_ms']) - Number(row['evidence_ms']));
  const toAct = of((_, row) => Number(row['accepted_ms']) - Number(row['recorded_ms']));
  return {
    'appended → effective, p50, ms': rank(effective, 0.5),
    'appended → effective, p99, ms': rank(effective, 0.99),
    'event → detection recorded, p50, ms': rank(toDetect, 0.5),
    'event → detection recorded, p99, ms': rank(toDetect, 0.99),
    'to act: recorded → accepted, p50, ms': rank(toAct, 0.5),
    'to act: recorded → accepted, p99, ms': rank(toAct, 0.99),
    'appended → containment verified, p50, ms': rank(toVerified, 0.5),
    'appended → containment verified, p99, ms': rank(toVerified, 0.99),
    'verified by a refusal': rows.filter((row) => row['verified_by'] === 'denial').length,
    'leaked calls': rows.reduce((sum, row) => sum + Number(row['leaked_calls']), 0),
  };
}

/** Nearest rank: a value that was measured. */
function rank(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
