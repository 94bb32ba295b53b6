/** Recordings through re-keyed topics, read by members that come, go and die. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { createKafkaPublisher } from '../../src/adapters/kafka.ts';
import { ensureTopics } from '../../src/adapters/kafka-topics.ts';
import type { OutRecord } from '../../src/model/ports.ts';
import { integer, type Random, stream } from '../../src/simulation/random.ts';
import { freshDatabase, silentLog } from '../integration/postgres.ts';
import { configText, filesIn, type Observed, type Servers } from './observed.ts';
import { ROOT, runNode } from './tampered.ts';

const MAIN = 'src/main.ts';
/** Counts that fit no lane, nor each other. */
const PARTITIONS: Readonly<Record<string, number>> = {
  governance: 1,
  reasoning: 4,
  gateway: 3,
  metrics: 2,
};
const LANES = 5;
const BATCH = 2000;

/** What happened on the way. */
export interface Rekeyed extends Observed {
  readonly records: number;
  readonly joined: number;
  readonly killed: number;
}

/** Every stream as a collector would write it: records without a key, each on any partition. */
async function publish(
  folder: string,
  servers: Servers,
  prefix: string,
  random: Random,
): Promise<number> {
  const kafka = { brokers: servers.brokers, clientId: 'plt-rekeyed', log: silentLog };
  await ensureTopics(
    kafka,
    Object.entries(PARTITIONS).map(([topic, partitions]) => ({
      topic: `${prefix}${topic}`,
      partitions,
      // A recording lies months back.
      settings: { 'retention.ms': '-1' },
    })),
  );
  const publisher = createKafkaPublisher(kafka);
  let count = 0;
  try {
    for (const [topic, partitions] of Object.entries(PARTITIONS)) {
      const packed = await readFile(join(folder, `${topic}.jsonl.gz`)).catch(() => null);
      const text =
        packed === null
          ? await readFile(join(folder, `${topic}.jsonl`), 'utf8')
          : gunzipSync(packed).toString();
      const lines = text.split('\n');
      const records = lines
        .filter((line) => line !== '')
        .map((value): OutRecord => {
          const partition = integer(random, 0, partitions - 1);
          return { topic: `${prefix}${topic}`, partition, key: null, value };
        });
      for (let at = 0; at < records.length; at += BATCH)
        await publisher.publish(records.slice(at, at + BATCH));
      count += records.length;
    }
  } finally {
    await publisher.close();
  }
  return count;
}

function start(config: string, env: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, [MAIN, 'run', '--quiet', '--config', config], {
    cwd: ROOT,
    stdio: 'ignore',
    // biome-ignore lint/style/noProcessEnv: a child needs the PATH, and nothing else of ours
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once('exit', () => resolve());
  child.kill(signal);
  if (child.exitCode === null && child.signalCode === null) await promise;
}

/**
 * Publishes the folder, lets two to three members read it while one of them is killed every few
 * seconds and another comes, lets one alone read the rest, and exports what was found.
 */
export async function runThroughLanes(
  folder: string,
  out: string,
  servers: Servers,
  options: { readonly name: string; readonly seed: string; readonly kills: number },
): Promise<Rekeyed> {
  const { name, seed, kills } = options;
  const files = await filesIn(out);
  const config = join(out, 'plumbline.yaml');
  const lanes = `, sessionTimeout: 6s, lanes: { count: ${LANES}, topic: ${name}-events }`;
  await writeFile(config, configText(servers.brokers, name).replace(' }\n', `${lanes} }\n`));
  const database = await freshDatabase(servers.postgres, { poolMax: 2 });
  const env = { DATABASE_URL: database.url };
  const random = stream(seed, 'rekeyed');
  const alive: ChildProcess[] = [];
  let joined = 0;
  let killed = 0;
  try {
    const records = await publish(folder, servers, `${name}-`, random);
    const join = async () => {
      alive.push(start(config, env));
      joined += 1;
      await sleep(integer(random, 1_500, 3_500));
    };
    const moved = async () => {
      const [row] = await database.db.query(
        'select coalesce(sum(next_offset), 0) as n from progress',
      );
      return Number(row?.['n']);
    };
    await join();
    while (killed < kills) {
      while (alive.length < 3) await join();
      const before = await moved();
      await sleep(integer(random, 1_000, 2_500));
      for (let look = 0; look < 60 && (await moved()) === before; look += 1) await sleep(250);
      const [victim] = alive.splice(integer(random, 0, alive.length - 1), 1);
      if (victim !== undefined) await end(victim, 'SIGKILL');
      killed += 1;
    }
    while (alive.length > 0) await end(alive.pop() as ChildProcess, 'SIGTERM');
    const common = ['--quiet', '--config', config];
    await runNode([MAIN, 'run', ...common, '--until-caught-up'], env);
    const wanted = ['--out', files.scores, '--coverage', files.coverage];
    await runNode([MAIN, 'findings', ...common, ...wanted], env);
    return { ...files, records, joined, killed };
  } finally {
    for (const one of alive) one.kill('SIGKILL');
    await database.drop();
  }
}
