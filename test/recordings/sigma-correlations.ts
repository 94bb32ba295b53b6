/** Sigma conformance: the official samples of correlations are read, and what their schema demands. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readYamlDocuments } from '../../src/adapters/files.ts';
import { readCorrelation } from '../../src/detect/sigma/correlation/definition.ts';
import { linkCorrelations } from '../../src/detect/sigma/correlation/link.ts';
import { MATERIAL } from './sigma-corpus.ts';

const SAMPLES = join(MATERIAL, 'spec/samples/correlation');
const names = (await readdir(SAMPLES)).filter((name) => /\.ya?ml$/.test(name)).sort();

async function readSample(name: string) {
  const { file, problems } = await readYamlDocuments(join(SAMPLES, name));
  assert.deepEqual(problems, []);
  const [document] = file.documents;
  const where = { file: name, lineOf: document?.lineOf ?? (() => null) };
  return { where, ...readCorrelation(document?.value, where) };
}

describe('official samples of correlations', () => {
  it('are there', () => assert.ok(names.length >= 8, `${names.length} samples`));

  for (const name of names.filter((each) => each !== 'value_percentile.yml'))
    it(`${name} is read and links to the rules it names`, async () => {
      const { rule, where, problems } = await readSample(name);
      assert.deepEqual(problems, []);
      assert.ok(rule !== null);
      assert.equal(rule.type, name.replace(/(_ecs)?\.yml$/, ''));
      const bases = rule.rules.map((one) => ({ key: one, name: one, id: one, kinds: [] }));
      const linked = linkCorrelations([{ rule, where }], bases, '');
      assert.deepEqual(linked.problems, []);
    });

  it('value_percentile.yml asks for the rarity of a text: refused, with the way to go', async () => {
    const { rule, problems } = await readSample('value_percentile.yml');
    assert.equal(rule, null);
    assert.deepEqual(
      problems.map(({ key }) => key),
      ['correlation.condition'],
    );
    assert.match(problems[0]?.message ?? '', /novelty/);
    assert.notEqual(problems[0]?.line, null);
  });
});
