/** Every detector as shipped: its file, its cases, and the cases under disorder, loss and crash. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseYaml } from '../src/adapters/files.ts';
import { readLibrary } from '../src/commands/library.ts';
import type { Detector } from '../src/model/detector.ts';
import type { Problem } from '../src/model/errors.ts';
import { integer, stream } from '../src/simulation/random.ts';
import { readCase, type WrittenCase } from './detectors/case-file.ts';
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

const ROOT = join(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'detectors');
const SEEDS = [1, 2, 3, 4, 5];
/** Cases of each sort that a detector has. */
const CASES_MIN = 5;

const print = ({ file, line, key, message }: Problem) => `${file}:${line ?? 0}: ${key}: ${message}`;

const { detectors, inventory, problems } = await readLibrary(FOLDER);

function casesOf(detector: Detector) {
  const file = detector.file.replace(/\.yaml$/, '.test.yaml');
  const parsed = parseYaml(file, readFileSync(file, 'utf8'));
  assert.deepEqual(parsed.problems.map(print), []);
  const written = (parsed.file.documents[0]?.value ?? []) as readonly WrittenCase[];
  return written.map((each) => readCase(file, each));
}

/** Everything is run where this is set (.ci/run sets it); else of each kind of disorder a part. */
// biome-ignore lint/style/noProcessEnv: how much is run is chosen by the environment
const THOROUGH = process.env['PLUMBLINE_CASES'] === 'all';

/** Numbers up to and without `end`: all of them, or `most` that the name of the case picks. */
function picked(name: string, end: number, most: number): readonly number[] {
  const all = Array.from({ length: end }, (_, at) => at);
  if (all.length <= most) return all;
  const random = stream(name, 'picked');
  return Array.from({ length: most }, () => integer(random, 0, end - 1));
}

/** `crashes`: at how many steps of a long case the process dies; of a short one at each. */
function checkSame(runner: Runner, name: string, crashes: number): void {
  const plain = verdictOf(runPlain(runner));
  const same = (how: string, other: string[]) => assert.deepEqual(other, plain, how);
  const steps = runner.events.length;
  const seeds = THOROUGH ? SEEDS : picked(`${name} order`, 1000, 1);
  for (const seed of seeds) same(`shuffled, seed ${seed}`, verdictOf(runShuffled(runner, seed)));
  same('every record twice', verdictOf(runDuplicated(runner)));
  const lengths = Math.floor(Math.log2(2 * steps)) + 1;
  for (const power of picked(`${name} slices`, lengths, THOROUGH ? lengths : 1))
    same(`slices of ${2 ** power}`, verdictOf(runSliced(runner, 2 ** power)));
  const stride = Math.max(1, Math.floor(steps / crashes));
  const deaths = THOROUGH
    ? Array.from({ length: Math.ceil(steps / stride) }, (_, at) => at * stride)
    : picked(`${name} crash`, steps, Math.ceil(crashes / 10));
  for (const step of deaths) same(`crash after slice ${step}`, verdictOf(runCrashed(runner, step)));
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

        it(one.name, () => {
          const store = runPlain(runner);
          const broken = one.events.filter(({ raw }) => raw !== null).length;
          assert.equal(unreadable(store).length, broken, unreadable(store).join('\n'));
          const { found, wanted } = compare(runner, store, one.expect);
          assert.deepEqual(found, wanted);
        });

        it(`${one.name}: in any order, twice, in slices, across crashes`, () => {
          checkSame(runner, `${detector.stem} ${one.name}`, fires ? 30 : 6);
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
