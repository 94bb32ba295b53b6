/** Coverage: what bears an id or answers a failure is counted, and gaps are shown as gaps. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { coverageLines, coveragePage } from '../../src/commands/coverage-page.ts';
import { coverageOf } from '../../src/detect/coverage.ts';
import type { FailuresFile } from '../../src/detect/failures.ts';
import { shippedLibrary } from '../sim/library.ts';

const { detectors, taxonomy } = await shippedLibrary();
const [first] = detectors;
if (first === undefined) throw new Error('no detector is shipped');

const failure = (id: string, named: string[], outside?: string) => ({
  id,
  from: 'text',
  says: `What goes wrong | in ${id}.`,
  detectors: named,
  ...(outside === undefined ? {} : { outside }),
});
const file: FailuresFile = {
  complete: false,
  planned: ['later'],
  failures: [
    failure('seen', [first.stem, 'later']),
    failure('planned', ['later']),
    failure('nobody', []),
    failure('elsewhere', [], 'No witness of ours can see it.'),
  ],
};

describe('coverage', () => {
  const coverage = coverageOf([...detectors].reverse(), taxonomy, file);

  it('tells answered, planned, open and outside apart', () => {
    const states = coverage.failures.map(({ state }) => state);
    assert.deepEqual(states, ['answered', 'planned', 'gap', 'outside']);
    assert.deepEqual(coverage.failures[0]?.detectors, [first.stem]);
    assert.deepEqual(coverage.failures[0]?.planned, ['later']);
  });

  it('lists under every id just the detectors that bear it', () => {
    const borne = coverage.lists.flatMap(({ ids }) =>
      ids.flatMap(({ tag, detectors: stems }) => stems.map((stem) => `${stem} ${tag}`)),
    );
    const wanted = detectors.flatMap(({ stem, tags }) => tags.map((tag) => `${stem} ${tag}`));
    assert.deepEqual(borne.sort(), wanted.sort());
  });

  it('is the same whatever the order of the detectors', () => {
    assert.deepEqual(coverageOf(detectors, taxonomy, file), coverage);
  });

  it('names what answers nothing on the list, and what is in shadow', () => {
    assert.equal(coverage.beyond.length, detectors.length - 1);
    const [quiet] = coverageOf([{ ...first, maturity: 'shadow' }], taxonomy, file).shadow;
    assert.equal(quiet, first.stem);
  });

  it('is drawn with its gaps', () => {
    const lines = coverageLines(coverage, false).join('\n');
    assert.match(lines, /1 of 4 answered, 1 planned, 1 open, 1 outside/);
    assert.match(lines, /^NO +nobody/m);
    assert.ok(coverageLines(coverage, true).length > coverageLines(coverage, false).length);
    const page = coveragePage(coverage);
    assert.match(page, /\| nobody \| What goes wrong \\\| in nobody\. \| NO \|/);
    assert.match(page, /Not covered: atlas\.t/);
  });
});
