/** Observed recordings: one folder through replay, or through real Kafka and PostgreSQL. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createKafkaPublisher } from '../../src/adapters/kafka.ts';
import { ensureTopics } from '../../src/adapters/kafka-topics.ts';
import { coverageLines, scoreLines } from '../../src/commands/findings.ts';
import { type Library, ROOT as PACKAGE, readLibrary } from '../../src/commands/library.ts';
import { rehearse } from '../../src/commands/rehearse.ts';
import { freshDatabase, type ProvidedPostgres, silentLog } from '../integration/postgres.ts';
import { inProtobuf, otlpSources, type Retold } from './as-otlp.ts';
import { type FoundLine, readLines, runNode } from './tampered.ts';

const MAIN = 'src/main.ts';

/** Files that say what was found. */
export interface Observed {
  readonly scores: string;
  readonly coverage: string;
}

/** Servers shared by all recordings. */
export interface Servers {
  readonly brokers: readonly string[];
  readonly postgres: ProvidedPostgres;
}

/** How a recording goes through Kafka. */
export interface Route {
  /** Prefix of the topics and name of the group; unique in a run. */
  readonly name: string;
  readonly partitions: number;
  readonly retime: boolean;
}

/** Where the findings of one path are written. */
export async function filesIn(dir: string): Promise<Observed> {
  await mkdir(dir, { recursive: true });
  return { scores: join(dir, 'scores.jsonl'), coverage: join(dir, 'coverage.jsonl') };
}

/** Through the command line: `replay`. `learn` is learnt from first, where it is given. */
export async function replayByCommand(
  folder: string,
  out: string,
  learn: string | null = null,
): Promise<Observed> {
  const files = await filesIn(out);
  const learning = learn === null ? [] : ['--learn', learn];
  const args = ['replay', '--quiet', ...learning, '--score', folder];
  await runNode([MAIN, ...args, '--out', files.scores, '--coverage', files.coverage]);
  return files;
}

/** The same within this process, for speed. */
export async function replayInProcess(folder: string, out: string): Promise<Observed> {
  const files = await filesIn(out);
  const result = await rehearse({
    dir: folder,
    library: await libraryOnce(),
    config: null,
    evidence: 'L3',
    log: silentLog,
    progress: () => undefined,
  });
  const lines = (values: readonly unknown[]) =>
    values.map((value) => `${JSON.stringify(value)}\n`).join('');
  await writeFile(files.scores, lines(scoreLines({ ...result, threshold: null })));
  await writeFile(files.coverage, lines(coverageLines(result.coverage, result.untilMs)));
  return files;
}

/** The same of a folder whose reasoning and gateway were told in OTLP. */
export async function replayOtlp(folder: string, retold: Retold, out: string): Promise<Observed> {
  const files = await filesIn(out);
  const found = await rehearse({
    dir: folder,
    library: await libraryOnce(),
    config: { sources: otlpSources() },
    evidence: 'L3',
    log: silentLog,
    progress: () => undefined,
  });
  assert.deepEqual(found.deadLetters, []);
  const detections = found.detections.map((one) => ({ ...one, seq: retold.seqOf(one) }));
  const lines = (values: readonly unknown[]) =>
    values.map((value) => `${JSON.stringify(value)}\n`).join('');
  await writeFile(files.scores, lines(scoreLines({ ...found, detections, threshold: null })));
  await writeFile(files.coverage, lines(coverageLines(found.coverage, found.untilMs)));
  return files;
}

let library: Promise<Library> | undefined;

async function libraryOnce(): Promise<Library> {
  library ??= readLibrary(`${PACKAGE}detectors`);
  return await library;
}

/**
 * Through the command line and real servers: `produce` into fresh topics, `run` the daemon on a
 * fresh database until it has caught up, then export `findings`. Returns by how much times moved.
 */
export async function runThroughKafka(
  folder: string,
  out: string,
  servers: Servers,
  route: Route,
): Promise<Observed & { readonly shiftMs: number }> {
  const files = await filesIn(out);
  const config = join(out, 'plumbline.yaml');
  await writeFile(config, configText(servers.brokers, route.name));
  const database = await freshDatabase(servers.postgres, { empty: true, poolMax: 1 });
  const env = { DATABASE_URL: database.url };
  try {
    const produced = await runNode([
      ...[MAIN, 'produce', '--quiet', '--json', '--dir', folder],
      ...['--brokers', servers.brokers.join(','), '--prefix', `${route.name}-`],
      ...['--partitions', String(route.partitions), ...(route.retime ? ['--retime'] : [])],
    ]);
    const { shiftMs } = JSON.parse(produced) as { shiftMs: number };
    const common = ['--quiet', '--config', config];
    await runNode([MAIN, 'run', ...common, '--until-caught-up', '--migrate'], env);
    const wanted = ['--out', files.scores, '--coverage', files.coverage];
    await runNode([MAIN, 'findings', ...common, ...wanted], env);
    return { ...files, shiftMs };
  } finally {
    await database.drop();
  }
}

/**
 * The same of a folder told in OTLP: spans in protobuf, many agents a record and no key, as a Collector
 * writes them. Findings name no `seq`, for spans have none.
 */
export async function runOtlpThroughKafka(
  folder: string,
  retold: Retold,
  out: string,
  servers: Servers,
  route: Omit<Route, 'retime'>,
): Promise<Observed> {
  const files = await filesIn(out);
  const config = join(out, 'plumbline.json');
  const prefix = `${route.name}-`;
  const kafka = { brokers: servers.brokers, group: route.name };
  await writeFile(config, JSON.stringify({ kafka, sources: otlpSources(prefix) }));
  const database = await freshDatabase(servers.postgres, { empty: true, poolMax: 1 });
  const env = { DATABASE_URL: database.url };
  try {
    await runNode([
      ...[MAIN, 'produce', '--quiet', '--dir', folder, '--brokers', servers.brokers.join(',')],
      ...['--prefix', prefix, '--partitions', String(route.partitions)],
    ]);
    await publishSpans(retold, prefix, servers.brokers, route.partitions);
    const common = ['--quiet', '--config', config];
    await runNode([MAIN, 'run', ...common, '--until-caught-up', '--migrate'], env);
    const wanted = ['--out', files.scores, '--coverage', files.coverage];
    await runNode([MAIN, 'findings', ...common, ...wanted], env);
    return files;
  } finally {
    await database.drop();
  }
}

async function publishSpans(
  { batches }: Retold,
  prefix: string,
  brokers: readonly string[],
  partitions: number,
): Promise<void> {
  const options = { brokers, clientId: 'recordings', log: silentLog };
  const topics = [...batches.keys()].map((topic) => ({ topic: `${prefix}${topic}`, partitions }));
  await ensureTopics(options, topics);
  const publisher = createKafkaPublisher(options);
  try {
    for (const [topic, requests] of batches)
      await publisher.publish(
        requests.map((one) => ({ topic: `${prefix}${topic}`, key: null, value: inProtobuf(one) })),
      );
  } finally {
    await publisher.close();
  }
}

/** Configuration of a daemon that reads recordings from topics with this prefix. */
export function configText(brokers: readonly string[], name: string): string {
  const source = (topic: string, trust: string) =>
    `  - { name: ${topic}, topic: ${name}-${topic}, decoder: recorded-runs/1, trust: ${trust}, kinds: [${topic}] }`;
  return [
    `kafka: { brokers: ${JSON.stringify(brokers)}, group: ${name} }`,
    'sources:',
    source('governance', 'platform'),
    source('reasoning', 'agent'),
    source('gateway', 'gateway'),
    source('metrics', 'runtime'),
    '',
  ].join('\n');
}

/** Every finding as `session class`, sorted. */
export async function findingClasses(file: string): Promise<string[]> {
  const lines = await readLines<FoundLine>(file);
  return lines
    .flatMap(({ session_id: id, findings }) => findings.map((f) => `${id} ${f.class}`))
    .sort();
}

/** Every finding as `session class seq`, sorted: two paths over one recording must give the same. */
export async function findingSet(file: string): Promise<string[]> {
  const lines = await readLines<FoundLine>(file);
  return lines
    .flatMap(({ session_id: id, findings }) => findings.map((f) => `${id} ${f.class} ${f.seq}`))
    .sort();
}
