/** Every detector as shipped: its file, its cases, and the cases under disorder, loss and crash. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseYaml } from '../src/adapters/files.ts';
import { readCase, type WrittenCase } from '../src/commands/case-file.ts';
import type { Detector } from '../src/model/detector.ts';
import type { Problem } from '../src/model/errors.ts';
import { integer, stream } from '../src/simulation/random.ts';
import {
  compare,
  needed,
  prepare,
  type Runner,
  runCrashed,
  runDuplicated,
  runPlain,
  runShuffled,
  runSliced,
  runWithout,
  saidAnything,
  unreadable,
  verdictOf,
} from './detectors/run.ts';
import { THOROUGH } from './sim/amount.ts';
import { shippedLibrary } from './sim/library.ts';

type Store = ReturnType<typeof runPlain>;

const SEEDS = [1, 2, 3, 4, 5];
/** Cases of each sort that a detector has. */
const CASES_MIN = 5;

const print = ({ file, line, key, message }: Problem) => `${file}:${line ?? 0}: ${key}: ${message}`;

const { detectors, inventory, problems } = await shippedLibrary();

function casesOf(detector: Detector) {
  const file = detector.file.replace(/\.yaml$/, '.test.yaml');
  const parsed = parseYaml(file, readFileSync(file, 'utf8'));
  assert.deepEqual(parsed.problems.map(print), []);
  const written = (parsed.file.documents[0]?.value ?? []) as readonly WrittenCase[];
  return written.map((each) => readCase(file, each));
}

/** What the name of a case picks of a number of choices. */
function picked(name: string, choices: number): number {
  return integer(stream(name, 'picked'), 0, choices - 1);
}

/** Every way in which records may come that changes nothing; `deaths`: after which slices. */
function* disorders(runner: Runner, deaths: readonly number[]): Generator<[string, () => Store]> {
  for (const seed of SEEDS) yield [`shuffled, seed ${seed}`, () => runShuffled(runner, seed)];
  yield ['every record twice', () => runDuplicated(runner)];
  for (let most = 1; most <= 2 * runner.events.length; most *= 2)
    yield [`slices of ${most}`, () => runSliced(runner, most)];
  for (const step of deaths) yield [`crash after slice ${step}`, () => runCrashed(runner, step)];
}

/**
 * `crashes`: at how many steps of a long case the process dies; of a short one at each. In part: one
 * of these deaths, and one of the other disorders.
 */
function checkSame(runner: Runner, plain: Store, name: string, crashes: number): void {
  const wanted = verdictOf(plain);
  const stride = Math.max(1, Math.floor(runner.events.length / crashes));
  const count = Math.ceil(runner.events.length / stride);
  const deaths = Array.from({ length: count }, (_, at) => at * stride);
  const all = [...disorders(runner, deaths)];
  const others = all.length - deaths.length;
  const part = [
    all[picked(`${name} disorder`, others)],
    all[others + picked(`${name} crash`, deaths.length)],
  ];
  for (const [how, run] of THOROUGH ? all : part.filter((each) => each !== undefined))
    assert.deepEqual(verdictOf(run()), wanted, how);
}

describe('detectors', () => {
  it('are free of mistakes', () => {
    assert.deepEqual(problems.map(print), []);
    assert.ok(detectors.length >= 15, `${detectors.length} detectors`);
  });

  it('have ids and names of their own', () => {
    for (const key of ['uuid', 'stem', 'version'] as const)
      assert.equal(new Set(detectors.map((each) => each[key])).size, detectors.length, key);
  });

  it('name their schema in the first line', () => {
    for (const { file } of detectors) {
      const [first] = readFileSync(file, 'utf8').split('\n', 1);
      const schema = '../../docs/reference/detector.schema.json';
      assert.equal(first, `# yaml-language-server: $schema=${schema}`, file);
    }
  });

  for (const detector of detectors) {
    describe(`${detector.family}/${detector.stem}`, () => {
      const cases = casesOf(detector);

      it('has five firing and five silent cases', () => {
        const firing = cases.filter(({ expect }) =>
          expect.some((each) => each.detector === detector.stem),
        ).length;
        assert.ok(firing >= CASES_MIN, `${firing} cases that fire`);
        assert.ok(cases.length - firing >= CASES_MIN, `${cases.length - firing} silent cases`);
      });

      for (const one of cases) {
        const runner = prepare(one, { detectors, inventory });
        const fires = one.expect.some((each) => each.detector === detector.stem);
        let store: Store | undefined;
        const plain = () => {
          store ??= runPlain(runner);
          return store;
        };

        it(one.name, () => {
          const store = plain();
          const broken = one.events.filter(({ raw }) => raw !== null).length;
          assert.equal(unreadable(store).length, broken, unreadable(store).join('\n'));
          const { found, wanted } = compare(runner, store, one.expect);
          assert.deepEqual(found, wanted);
        });

        it(`${one.name}: in any order, twice, in slices, across crashes`, () => {
          checkSame(runner, plain(), `${detector.stem} ${one.name}`, fires ? 30 : 6);
          store = undefined;
        });

        if (!fires) continue;
        for (const kind of needed(detector))
          it(`${one.name}: without ${kind} it does not fall silent`, () => {
            assert.notEqual(saidAnything(runWithout(runner, kind)), null);
          });
      }
    });
  }
});
