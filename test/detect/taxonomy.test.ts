/** Public ids: the data file equals what was delivered, tags are checked, wrong ones get advice. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { ROOT } from '../../src/commands/library.ts';
import { readTaxonomyFile } from '../../src/commands/taxonomy-file.ts';
import { readTaxonomy, tagProblem, tagProblems } from '../../src/detect/taxonomy.ts';
import { shippedLibrary } from '../sim/library.ts';

const { taxonomy, problems } = await readTaxonomyFile(ROOT);
const DELIVERED = new URL('../../../shared/conformance/taxonomy/', import.meta.url);

interface Delivered {
  readonly version: string;
  readonly tactics?: readonly { readonly id: string; readonly name: string }[];
  readonly techniques?: readonly Named[];
  readonly risks?: readonly Named[];
}
interface Named {
  readonly id: string;
  readonly name: string;
  readonly tactics?: readonly string[];
}

/** The id as tags spell it. */
const spelt = (id: string) => id.replace(/^AML\./, '').toLowerCase();

describe('public ids', () => {
  it('are read without a problem', () => {
    assert.deepEqual(problems, []);
    assert.equal(taxonomy.nameOf('atlas.t0053'), 'AI Agent Tool Invocation');
    assert.equal(taxonomy.nameOf('atlas.t9999'), null);
    assert.equal(taxonomy.nameOf('constructor'), null);
  });

  for (const [file, namespace] of [
    ['atlas.json', 'atlas'],
    ['owasp-agentic.json', 'owasp-asi'],
    ['owasp-mcp.json', 'owasp-mcp'],
  ] as const) {
    const url = new URL(file, DELIVERED);
    if (!existsSync(url)) continue;
    it(`of ${namespace} are those delivered`, () => {
      const delivered = JSON.parse(readFileSync(url, 'utf8')) as Delivered;
      const list = taxonomy.lists.find((one) => one.namespace === namespace);
      assert.ok(list?.complete);
      assert.ok(delivered.version.startsWith(list.version));
      const wanted = (delivered.techniques ?? delivered.risks ?? []).map(
        ({ id, name, tactics = [] }) => ({ id: spelt(id), name, groups: tactics.map(spelt) }),
      );
      assert.deepEqual(list.ids, wanted);
      const tactics = (delivered.tactics ?? []).map(({ id, name }) => ({ id: spelt(id), name }));
      assert.deepEqual(list.groups, tactics);
    });
  }

  it('are borne by every tag of every shipped detector', async () => {
    const { detectors } = await shippedLibrary();
    assert.ok(detectors.length > 0);
    for (const { stem, tags } of detectors)
      for (const tag of tags) assert.equal(tagProblem(tag, taxonomy), null, `${stem}: ${tag}`);
  });

  it('are suggested where a tag has none', () => {
    const message = tagProblem('atlas.t0035', taxonomy) ?? '';
    assert.equal(message, '', 'the id exists');
    assert.match(tagProblem('atlas.t0503', taxonomy) ?? '', /nearest: atlas\.t\d{4}.*\(/);
    assert.match(tagProblem('owasp-asi.asi11', taxonomy) ?? '', /owasp-asi\.asi01 \(Agent Goal/);
    assert.match(tagProblem('owasp-asi.asi00', taxonomy) ?? '', /has no asi00/);
    assert.match(tagProblem('attack.t9999', taxonomy) ?? '', /add it to detectors\/taxonomy/);
    assert.match(tagProblem('mitre.t1', taxonomy) ?? '', /there are: atlas\., owasp-asi\./);
  });

  it('are refused with file, line and key', () => {
    const where = { file: 'x.yaml', lineOf: () => 7 };
    const [first, ...others] = tagProblems(['atlas.t0053', 'atlas.t0503'], taxonomy, where);
    assert.deepEqual([first?.file, first?.line, first?.key], ['x.yaml', 7, 'tags.1']);
    assert.deepEqual(others, []);
  });

  it('are none where the file is broken, and the mistake is said', () => {
    const read = readTaxonomy({ taxonomies: [{ namespace: 'x' }] }, { file: 't', lineOf: () => 1 });
    assert.equal(read.taxonomy.lists.length, 0);
    assert.ok(read.problems.length > 0);
  });
});
