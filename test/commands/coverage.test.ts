/** `coverage`: the list beside a library counts, and somebody else's library needs none of ours. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readCoverage } from '../../src/commands/coverage.ts';
import { ROOT } from '../../src/commands/library.ts';
import { shippedLibrary } from '../sim/library.ts';

const library = await shippedLibrary();

describe('coverage of a library', () => {
  it('is that of the package, without a problem', async () => {
    const { coverage, problems } = await readCoverage(library, `${ROOT}detectors`);
    assert.deepEqual(problems, []);
    assert.equal(coverage.detectors, library.detectors.length);
    assert.equal(coverage.failures.filter(({ state }) => state === 'gap').length, 0);
  });

  it('is set against our list where another library has none, and shows what it lacks', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'coverage-'));
    try {
      const other = { ...library, detectors: [] };
      const { coverage, problems } = await readCoverage(other, folder);
      assert.deepEqual(problems, []);
      assert.ok(coverage.failures.length > 60);
      assert.ok(coverage.failures.every(({ state }) => state !== 'answered'));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('names every mistake of the list beside the library, with its line', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'coverage-'));
    try {
      const text =
        'complete: false\nplanned: []\nfailures:\n' +
        '  - { id: a, from: text, says: What goes wrong with agents., detectors: [nobody] }\n';
      await writeFile(join(folder, 'failures.yaml'), text);
      const { problems } = await readCoverage(library, folder);
      assert.deepEqual(
        problems.map(({ line, message }) => [line, message]),
        [[4, 'no detector of this stem']],
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
