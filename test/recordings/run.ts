/** The recordings' checks: tampered witnesses through replay and through real Kafka; quality. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, test } from 'node:test';
import type { KafkaProvided } from '../integration/kafka-provided.ts';
import { type ProvidedPostgres, providePostgres } from '../integration/postgres.ts';
import { provideKafka } from '../integration/provider.ts';
import { retell } from './as-otlp.ts';
import {
  findingClasses,
  findingSet,
  type Observed,
  type Route,
  replayByCommand,
  replayInProcess,
  replayOtlp,
  runOtlpThroughKafka,
  runThroughKafka,
  type Servers,
} from './observed.ts';
import { runThroughLanes } from './rekeyed.ts';
import { kindsOf, type Row, sumOf, tableOf, writePage } from './report.ts';
import {
  type FoundLine,
  judge,
  moveTruth,
  naturalCauses,
  type Recording,
  readLines,
  runNode,
  SCORED,
  SHARED,
  TAMPERINGS,
  tamper,
  type Verdict,
} from './tampered.ts';

// biome-ignore lint/style/noProcessEnv: how much is run and written is chosen by the environment
const env = process.env;
const CORPUS = join(SHARED, 'corpus');
/** Seeds per folder of the long sweep, which no CI runs; 0: none. */
const SWEEP = Number(env['PLUMBLINE_TAMPER_SEEDS'] ?? '0');

interface Plan extends Recording {
  readonly byCommand?: true;
  readonly kafka?: Partial<Route>;
  /** Also through re-keyed topics and lanes: so many members are killed meanwhile. */
  readonly lanes?: number;
  /** Also as a Collector would send it: to Kafka, in protobuf. */
  readonly spans?: true;
}

const plan = (folder: (typeof SCORED)[number], seed: number, rest: Partial<Plan> = {}): Plan => ({
  folder,
  seed: String(seed),
  every: 1,
  ...rest,
});

/** Seeds are counted through, not chosen. */
const PLANS: readonly Plan[] = [
  plan('known/score', 1, { byCommand: true, kafka: {}, spans: true }),
  plan('fresh/1/score', 2, { byCommand: true, kafka: {} }),
  plan('fresh/2/score', 3),
  plan('fresh/3/score', 4),
  plan('fresh/4/score', 5, { kafka: {} }),
  plan('known/score', 6, { every: 3, kafka: {} }),
  plan('fresh/1/score', 7, { kafka: { partitions: 1 } }),
  plan('fresh/2/score', 8, { every: 3, kafka: { partitions: 7 } }),
  plan('fresh/3/score', 9, { every: 3, kafka: {}, spans: true }),
  plan('fresh/4/score', 10, { every: 2, kafka: { retime: true } }),
  plan('known/score', 11),
  plan('fresh/1/score', 12, { kafka: {} }),
  plan('fresh/2/score', 13, { every: 2, kafka: {} }),
  plan('fresh/3/score', 14, { every: 6, kafka: {}, lanes: 4 }),
  plan('fresh/4/score', 15),
  plan('fresh/1/score', 16, { every: 2, kafka: {}, lanes: 3 }),
];

const nameOf = ({ folder, every }: Recording) => (every === 1 ? folder : `${folder} 1/${every}`);
const say = (text: string) => process.stdout.write(`${text}\n`);

/** At least 99 %; where that is less than one tampering, one may be missed (see the report). */
function assertVerdict(verdict: Verdict): void {
  const { decidable, named, placed, noisy, covered, faults } = verdict;
  const missable = Math.max(1, Math.floor(decidable / 100));
  const said = faults.join('\n');
  assert.ok(decidable - named <= missable, `${decidable - named} tamperings missed:\n${said}`);
  assert.ok(named - placed <= missable, `${named - placed} named at a wrong record:\n${said}`);
  assert.equal(noisy, 0, `findings in sessions that must be quiet:\n${said}`);
  assert.ok((covered ?? 0) >= 0.99, `the silent interval is covered to ${covered}`);
}

function assertSum({ verdict }: Row): void {
  const { decidable, named, placed, noisy } = verdict;
  assert.ok(named >= 0.99 * decidable, `named ${named} of ${decidable}`);
  assert.ok(placed >= 0.99 * decidable, `at the right record ${placed} of ${decidable}`);
  assert.equal(noisy, 0);
}

/** One place for everything the checks write; removed at the end. */
function scratchFolder(): { readonly of: (name: string) => string } {
  let root = '';
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'plumbline-recordings-'));
  });
  after(async () => {
    await rm(root, { recursive: true, force: true });
  });
  return { of: (name) => join(root, name) };
}

function checkRecordings(): void {
  const scratch = scratchFolder();
  const replayed: Row[] = [];
  const observed: Row[] = [];
  const rekeyed: Row[] = [];
  const told: Row[] = [];
  const notes: string[] = [];
  const tampered = new Map<Plan, { dir: string; replay: Observed }>();

  describe('recordings as they are', () => {
    for (const folder of SCORED)
      it(`${folder}: reconciliation finds only what the recording holds by nature`, async () => {
        const out = scratch.of(`honest-${folder.replaceAll('/', '-')}`);
        const { scores } = await replayInProcess(join(CORPUS, folder), out);
        const natural = await naturalCauses(folder, join(out, 'truth'));
        const found = (await readLines<FoundLine>(scores)).flatMap(({ session_id: id, findings }) =>
          findings.map((finding) => ({ id, class: finding.class })),
        );
        const wrong = found.filter(
          (one) => TAMPERINGS.has(one.class) && !natural.get(one.id)?.includes(one.class),
        );
        assert.deepEqual(wrong, []);
      });
  });

  describe('tampered recordings through replay', () => {
    for (const one of PLANS)
      it(`${nameOf(one)}, seed ${one.seed}`, async () => {
        const dir = scratch.of(`tampered-${one.seed}`);
        await tamper(one, dir);
        const replayOf = one.byCommand === true ? replayByCommand : replayInProcess;
        const replay = await replayOf(dir, scratch.of(`replay-${one.seed}`));
        tampered.set(one, { dir, replay });
        const verdict = await judge(join(dir, 'truth.jsonl'), replay.scores, replay.coverage);
        const path = one.byCommand === true ? 'replay (command)' : 'replay';
        replayed.push({ folder: nameOf(one), seed: one.seed, path, verdict });
        assertVerdict(verdict);
      });

    it('in all', () => assertSum(sumOf(replayed, 'replay')));
  });

  describe('tampered recordings, two of their books told in OTLP', () => {
    for (const one of PLANS)
      it(`${nameOf(one)}, seed ${one.seed}`, async () => {
        const made = tampered.get(one);
        assert.ok(made, 'the replay of this recording failed');
        const into = scratch.of(`otlp-${one.seed}`);
        const retold = await retell(made.dir, into);
        const out = await replayOtlp(into, retold, scratch.of(`otlp-found-${one.seed}`));
        const verdict = await judge(join(made.dir, 'truth.jsonl'), out.scores, out.coverage);
        told.push({ folder: nameOf(one), seed: one.seed, path: 'OTLP, replay', verdict });
        assertVerdict(verdict);
        assert.deepEqual(await findingSet(out.scores), await findingSet(made.replay.scores));
      });

    it('in all', () => assertSum(sumOf(told, 'OTLP')));
  });

  describe('tampered recordings through real Kafka and PostgreSQL', () => {
    const servers = sharedServers(notes);
    for (const one of PLANS.filter(({ kafka }) => kafka !== undefined))
      it(`${nameOf(one)}, seed ${one.seed}, ${routeText(one)}`, async () => {
        const made = tampered.get(one);
        assert.ok(made, 'the replay of this recording failed');
        const route = { partitions: 4, retime: false, ...one.kafka, name: `tamper-${one.seed}` };
        const out = scratch.of(`kafka-${one.seed}`);
        const { shiftMs, ...files } = await runThroughKafka(made.dir, out, servers(), route);
        const truth = join(made.dir, 'truth.jsonl');
        await moveTruth(truth, shiftMs);
        const verdict = await judge(truth, files.scores, files.coverage);
        observed.push({ folder: nameOf(one), seed: one.seed, path: routeText(one), verdict });
        assertVerdict(verdict);
        assert.deepEqual(await findingSet(files.scores), await findingSet(made.replay.scores));
      });

    it('in all', () => assertSum(sumOf(observed, 'Kafka')));
  });

  describe('tampered recordings through re-keyed topics, under rebalance', () => {
    const servers = sharedServers([]);
    for (const one of PLANS.filter(({ lanes }) => lanes !== undefined))
      it(`${nameOf(one)}, seed ${one.seed}, ${one.lanes} kills`, async () => {
        const made = tampered.get(one);
        assert.ok(made, 'the replay of this recording failed');
        const { seed, lanes: kills = 0 } = one;
        const name = `lanes-${seed}`;
        const out = scratch.of(name);
        const read = await runThroughLanes(made.dir, out, servers(), { name, seed, kills });
        const verdict = await judge(join(made.dir, 'truth.jsonl'), read.scores, read.coverage);
        const path = `${read.records} records without keys; ${read.joined} members, ${read.killed} killed`;
        rekeyed.push({ folder: nameOf(one), seed, path, verdict });
        assertVerdict(verdict);
        assert.deepEqual(await findingSet(read.scores), await findingSet(made.replay.scores));
      });

    for (const one of PLANS.filter(({ spans }) => spans === true))
      it(`${nameOf(one)}, seed ${one.seed}, spans in protobuf without a key`, async () => {
        const made = tampered.get(one);
        assert.ok(made, 'the replay of this recording failed');
        const into = scratch.of(`spans-${one.seed}`);
        const route = { partitions: 5, name: `spans-${one.seed}` };
        const out = scratch.of(`spans-found-${one.seed}`);
        const retold = await retell(made.dir, into);
        const files = await runOtlpThroughKafka(into, retold, out, servers(), route);
        const verdict = await judge(join(made.dir, 'truth.jsonl'), files.scores, files.coverage);
        const { decidable, named, noisy, covered, faults } = verdict;
        const said = faults.join('\n');
        assert.equal(named, decidable, said);
        assert.equal(noisy, 0, said);
        assert.ok((covered ?? 0) >= 0.99, `the silent interval is covered to ${covered}`);
        assert.deepEqual(
          await findingClasses(files.scores),
          await findingClasses(made.replay.scores),
        );
      });
  });

  describe('quality of what was learnt', () => {
    it('known: false alarms stay at the declared budget', async () => {
      const [learn, score] = [join(CORPUS, 'known/learn'), join(CORPUS, 'known/score')];
      const { scores } = await replayByCommand(score, scratch.of('quality'), learn);
      const judgeArgs = [
        join(SHARED, 'eval/metrics.mjs'),
        scores,
        join(CORPUS, 'known/labels.jsonl'),
      ];
      const { false_alarms: falseAlarms, sessions } = JSON.parse(
        await runNode([...judgeArgs, '--json']),
      ) as { false_alarms: number; sessions: { missing_scores: number } };
      const text = (await runNode(judgeArgs)).trimEnd();
      notes.push('## Labels of `known`', '', ...text.split('\n').map((line) => `    ${line}`), '');
      say(text);
      assert.equal(sessions.missing_scores, 0);
      assert.ok(falseAlarms <= 0.02, `${falseAlarms} of the benign sessions are alerted`);
    });
  });

  if (SWEEP > 0) sweep(scratch.of, notes);

  after(async () => {
    const paths = new Map([
      ['Through replay', replayed],
      ['Through OTLP', told],
      ['Through Kafka', observed],
      ['Through re-keyed topics, members killed', rekeyed],
    ]);
    for (const [path, rows] of paths) {
      const sum = sumOf(rows, path);
      say(`\n${path}\n${tableOf([...rows, sum])}\n\n${kindsOf(sum)}`);
      for (const fault of sum.verdict.faults) say(`  ${fault}`);
    }
    if (env['UPDATE'] === '1') await writePage(paths, notes);
  });
}

function routeText({ kafka = {} }: Plan): string {
  const { partitions = 4, retime = false } = kafka;
  const text = `Kafka, ${partitions} partition${partitions === 1 ? '' : 's'}`;
  return retime ? `${text}, retimed` : text;
}

function sharedServers(notes: string[]): () => Servers {
  let kafka: KafkaProvided | undefined;
  let postgres: ProvidedPostgres | undefined;
  before(async () => {
    kafka = await provideKafka();
    postgres = await providePostgres();
    const line = `provider: Kafka ${kafka.version} (${kafka.source}), PostgreSQL ${postgres.version} (${postgres.source})`;
    say(line);
    notes.unshift(`The run through Kafka used ${line}.`, '');
  });
  after(async () => {
    await kafka?.stop();
    await postgres?.stop();
  });
  return () => {
    assert.ok(kafka !== undefined && postgres !== undefined);
    return { brokers: kafka.brokers, postgres };
  };
}

/** Many more seeds, also of fleets a third and a sixth as large; says each fault. */
function sweep(of: (name: string) => string, notes: string[]): void {
  describe(`sweep over ${SWEEP} seeds a folder`, () => {
    for (const every of [1, 3, 6])
      it(`one session in ${every}`, async () => {
        const rows: Row[] = [];
        for (const folder of SCORED)
          for (let seed = 1; seed <= SWEEP; seed += 1)
            rows.push(await swept(of('sweep'), folder, seed, every));
        const sums = SCORED.map((folder) => ({
          ...sumOf(
            rows.filter((row) => row.folder === folder),
            `1/${every}`,
          ),
          folder,
        }));
        const table = tableOf([...sums, sumOf(rows, `1/${every}`)]);
        say(table);
        notes.push(`## Sweep: ${SWEEP} seeds a folder, one session in ${every}`, '', table, '');
        const faults = rows.flatMap(({ folder, seed, verdict }) =>
          verdict.faults.map((fault) => `    ${folder} ${seed}: ${fault}`),
        );
        for (const fault of faults) say(fault);
        // The page holds no identifiers of the recordings.
        const listed = faults.map((fault) => fault.replace(/: s-\w+:/, ':'));
        if (listed.length > 0) notes.push('Faults, each of them:', '', ...listed, '');
        assertSum(sumOf(rows, 'sweep'));
      });
  });
}

async function swept(dir: string, folder: string, seed: number, every: number): Promise<Row> {
  await rm(dir, { recursive: true, force: true });
  await tamper({ folder, seed: `sweep-${seed}`, every }, join(dir, 'in'));
  const { scores, coverage } = await replayInProcess(join(dir, 'in'), join(dir, 'out'));
  const verdict = await judge(join(dir, 'in/truth.jsonl'), scores, coverage);
  return { folder, seed: `sweep-${seed}`, path: `1/${every}`, verdict };
}

if (existsSync(CORPUS)) checkRecordings();
else {
  test('no recordings beside this checkout: nothing to check', () => {
    say('../shared/corpus is not here: the recordings are not part of this repository');
    assert.equal(existsSync(CORPUS), false);
  });
}
