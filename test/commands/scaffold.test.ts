/** `scaffold`: every kind is a sound detector, refused until written, with cases that fail till then. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { parseYaml } from '../../src/adapters/files.ts';
import { readCase, type WrittenCase } from '../../src/commands/case-file.ts';
import { ROOT, readLibrary } from '../../src/commands/library.ts';
import { lint } from '../../src/commands/lint.ts';
import { scaffold } from '../../src/commands/scaffold.ts';
import { KINDS_OF_ANALYTIC } from '../../src/detect/detect.ts';
import { KINDS } from '../../src/model/event.ts';
import { compare, prepare, runPlain, unreadable } from '../detectors/run.ts';
import { shippedLibrary } from '../sim/library.ts';
import { inFolder, typed } from './typed.ts';

const FORMS = ['rule', 'correlation', ...Object.keys(KINDS_OF_ANALYTIC)];

async function casesIn(file: string) {
  const { file: read, problems } = parseYaml(file, await readFile(file, 'utf8'));
  assert.deepEqual(problems, []);
  const written = read.documents[0]?.value as readonly WrittenCase[];
  return written.map((each) => readCase(file, each));
}

describe('scaffold', () => {
  it('writes a detector that can be read, of every kind and for every book', async () => {
    await inFolder(async (dir) => {
      for (const form of FORMS)
        for (const service of KINDS) {
          const place = `volume/new-${form}-${service}`;
          const args = ['--kind', form, '--service', service, '--detectors', dir];
          const { code, refusal } = await typed(scaffold, place, ...args);
          assert.deepEqual([code, refusal], [0, null], place);
        }
      const { detectors, problems } = await readLibrary(dir);
      assert.deepEqual(problems, []);
      assert.equal(detectors.length, FORMS.length * KINDS.length);
      assert.equal(new Set(detectors.map(({ uuid }) => uuid)).size, detectors.length);
      for (const { maturity } of detectors) assert.equal(maturity, 'shadow');
    });
  });

  it('names its schema as the shipped detectors do, and is dated today', async () => {
    await inFolder(async (dir) => {
      await typed(scaffold, 'scope/x', '--kind', 'rule', '--detectors', dir);
      const text = await readFile(path.join(dir, 'scope', 'x.yaml'), 'utf8');
      const schema = /^# yaml-language-server: \$schema=(.+)\n/.exec(text)?.[1] ?? '';
      const target = path.resolve(dir, 'scope', schema);
      assert.equal(target, path.join(ROOT, 'docs/reference/detector.schema.json'));
      assert.ok(text.includes(`\ndate: ${new Date().toISOString().slice(0, 10)}\n`));
    });
  });

  it('is refused by the lint until every placeholder is written', async () => {
    await inFolder(async (dir) => {
      await typed(scaffold, 'scope/x', '--kind', 'rule', '--detectors', dir);
      const { code, json } = await typed(lint, dir);
      assert.equal(code, 1);
      const { findings } = json as { findings: { rule: string; file: string }[] };
      const todo = findings.filter(({ rule }) => rule === 'placeholder');
      const [file, cases] = ['x.yaml', 'x.test.yaml'].map((name) => path.join(dir, 'scope', name));
      assert.ok(todo.filter((each) => each.file === file).length >= 8);
      assert.equal(todo.filter((each) => each.file === cases).length, 15);
    });
  });

  for (const form of FORMS)
    it(`has ten cases of a ${form} that can be run, and every one of them fails`, async () => {
      await inFolder(async (dir) => {
        await typed(scaffold, 'volume/x', '--kind', form, '--detectors', dir);
        // As in the repository: the other detectors see the cases, too.
        const own = await readLibrary(dir);
        const { detectors, inventory } = await shippedLibrary();
        const all = [...detectors, ...own.detectors];
        const cases = await casesIn(path.join(dir, 'volume', 'x.test.yaml'));
        assert.equal(cases.length, 10);
        assert.equal(
          cases.filter(({ expect }) => expect.some((e) => e.detector === 'x')).length,
          5,
        );
        for (const one of cases) {
          const runner = prepare(one, { detectors: all, inventory });
          const store = runPlain(runner);
          assert.deepEqual(unreadable(store), []);
          const { found, wanted } = compare(runner, store, one.expect);
          assert.notDeepEqual(found, wanted, one.name);
        }
      });
    });

  it('passes once it is written', async () => {
    await inFolder(async (dir) => {
      await typed(scaffold, 'volume/x', '--kind', 'rule', '--detectors', dir);
      const [file, cases] = ['x.yaml', 'x.test.yaml'].map((name) => path.join(dir, 'volume', name));
      const edit = async (name = '', ...changes: [string, string][]) => {
        let text = await readFile(name, 'utf8');
        for (const [from, to] of changes) text = text.replaceAll(from, to);
        await writeFile(name, text);
      };
      await edit(
        file,
        ['action.tool: TODO', 'action.tool: send_message'],
        ['role: TODO', 'role: x'],
      );
      const { detectors, inventory } = await readLibrary(dir);
      const verdicts = async () =>
        (await casesIn(cases ?? '')).map((one) => {
          const runner = prepare(one, { detectors, inventory });
          const { found, wanted } = compare(runner, runPlain(runner), one.expect);
          return isDeepStrictEqual(found, wanted);
        });
      assert.deepEqual(await verdicts(), new Array(10).fill(false));
      await edit(cases, ['[{ detector: TODO }]', '[]']);
      // What must stay silent does, and nothing fires yet.
      assert.deepEqual(await verdicts(), [...new Array(5).fill(false), ...new Array(5).fill(true)]);
      await edit(cases, ['tool: read_record', 'tool: send_message']);
      assert.deepEqual(await verdicts(), [...new Array(5).fill(true), ...new Array(5).fill(false)]);
    });
  });

  it('overwrites nothing, and knows what a place and a kind are', async () => {
    await inFolder(async (dir) => {
      const refused = async (pattern: RegExp, ...args: string[]) => {
        const { code, refusal } = await typed(scaffold, ...args, '--detectors', dir);
        assert.equal(code, 2);
        assert.match(refusal ?? '', pattern);
      };
      await typed(scaffold, 'scope/x', '--kind', 'rule', '--detectors', dir);
      const before = await readFile(path.join(dir, 'scope', 'x.yaml'), 'utf8');
      await refused(/there already; nothing was written/, 'scope/x', '--kind', 'rate');
      await refused(/there already/, 'volume/x', '--kind', 'rate');
      await refused(/FAMILY\/STEM/, '../x', '--kind', 'rule');
      await refused(/FAMILY\/STEM/, 'scope/Bulk_Mail', '--kind', 'rule');
      await refused(/no family is called "scopes"/, 'scopes/y', '--kind', 'rule');
      await refused(/word of Sigma/, 'scope/them', '--kind', 'rule');
      await refused(/--kind is one of rule, correlation/, 'scope/y', '--kind', 'constructor');
      await refused(/--service is one of/, 'scope/y', '--kind', 'rule', '--service', 'x');
      assert.equal(await readFile(path.join(dir, 'scope', 'x.yaml'), 'utf8'), before);
      assert.deepEqual((await readdir(dir)).sort(), ['scope']);
    });
  });
});
