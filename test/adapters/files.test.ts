/** Tests of files: YAML with lines and limits, atomic writes. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import {
  exists,
  listFolder,
  parseYaml,
  readText,
  readYamlDocuments,
  readYamlFolder,
  toYaml,
  writeAtomic,
} from '../../src/adapters/files.ts';
import { OperatingError } from '../../src/model/errors.ts';

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'files-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const TEXT = `# comment
name: one
list:
  - a: 1
    b: 2
  - { a: 3 }
anchor: &x
  deep: [1, 2]
alias: *x
---
second: true
`;

test('documents come with the lines of their keys', () => {
  const { file, problems } = parseYaml('f.yaml', TEXT);
  assert.deepEqual(problems, []);
  const [first, second] = file.documents;
  assert.deepEqual(first?.value, {
    name: 'one',
    list: [{ a: 1, b: 2 }, { a: 3 }],
    anchor: { deep: [1, 2] },
    alias: { deep: [1, 2] },
  });
  const cases: [(string | number)[], number][] = [
    [[], 2],
    [['name'], 2],
    [['list'], 3],
    [['list', 0], 4],
    [['list', 0, 'b'], 5],
    [['list', 1, 'a'], 6],
    [['list', 7], 3],
    [['list', 0, 'missing'], 4],
    [['missing', 'deeper'], 2],
    [['name', 'not', 'a', 'map'], 2],
    [['alias', 'deep', 1], 8],
  ];
  for (const [at, line] of cases) assert.equal(first?.lineOf(at), line, at.join('.'));
  assert.equal(second?.lineOf(['second']), 11);
});

test('what the text gets wrong is a problem with a line, and the other documents stand', () => {
  const { file, problems } = parseYaml(
    'f.yaml',
    'a: 1\nb: 2\na: 3\n---\ngood: 1\n---\nx: [1\ny: 2\n',
  );
  assert.deepEqual(
    file.documents.map((document) => document.value),
    [{ good: 1 }],
  );
  assert.ok(problems.length >= 2);
  assert.equal(problems[0]?.line, 3);
  assert.match(problems[0]?.message ?? '', /unique/);
  assert.ok(problems.slice(1).every((problem) => (problem.line ?? 0) >= 7));
});

test('wildcards without quotes are told with their line and what to write', () => {
  const said = (text: string) =>
    parseYaml('x.yaml', text).problems.map(({ line, message }) => `${line} ${message}`);
  assert.match(
    said('a: 1\nb: *foo*').join(),
    /^2 \*foo\* names no anchor; .* in quotes: '\*foo\*'$/,
  );
  const both = said('a: [*x, *y]\nb: *z');
  assert.deepEqual(
    both.map((each) => each.slice(0, 4)),
    ['1 *x', '1 *y', '2 *z'],
  );
  assert.match(said('a: *').join(), /written in quotes/);
  assert.match(said('a: %name%').join(), /begins with % or @ .* written in quotes/);
  assert.deepEqual(said("a: '*foo*'\nb: &x 1\nc: *x"), []);
});

test('a document in which a key stands twice is kept apart, to be judged and not used', () => {
  const { file, problems } = parseYaml('x.yaml', 'a: 1\na: 2\nb: 3\n---\nc: 1\n');
  assert.equal(problems.length, 1);
  assert.match(problems[0]?.message ?? '', /stands twice; put its values into one list/);
  assert.equal(problems[0]?.line, 2);
  assert.deepEqual(
    file.documents.map(({ value }) => value),
    [{ c: 1 }],
  );
  assert.deepEqual(
    file.faulty.map(({ value }) => value),
    [{ a: 2, b: 3 }],
  );
});

test('hostile YAML is refused or inert', () => {
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]']
    .concat(
      ['b', 'c', 'd', 'e'].map(
        (name, at) => `${name}: &${name} [${Array(9).fill(`*${'abcd'[at]}`).join(',')}]`,
      ),
    )
    .join('\n');
  const { file, problems } = parseYaml('bomb.yaml', bomb);
  assert.equal(file.documents.length, 0);
  assert.match(problems[0]?.message ?? '', /alias/);
  assert.equal(parseYaml('big.yaml', 'x'.repeat(1024 * 1024 + 1)).problems.length, 1);
  const tagged = parseYaml('t.yaml', 'run: !!js/function "function () {}"');
  assert.ok(tagged.problems.length > 0);
  const proto = parseYaml('p.yaml', '__proto__: { polluted: true }').file.documents[0]?.value;
  assert.equal(Object.getPrototypeOf(proto), Object.prototype);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  assert.ok(Array.isArray(parseYaml('empty.yaml', '').file.documents));
});

test('folders are read by name; what cannot be read is a problem', async () => {
  await inFolder(async (folder) => {
    await writeFile(path.join(folder, 'b.yaml'), 'b: 1');
    await writeFile(path.join(folder, 'a.yml'), 'a: 1');
    await writeFile(path.join(folder, 'c.txt'), 'c: 1');
    await mkdir(path.join(folder, 'd.yaml'));
    const { files, problems } = await readYamlFolder(folder);
    assert.deepEqual(
      files.map(({ file }) => path.basename(file)),
      ['a.yml', 'b.yaml', 'd.yaml'],
    );
    assert.match(problems[0]?.message ?? '', /EISDIR/);
    const missing = path.join(folder, 'missing');
    assert.equal((await readYamlFolder(missing)).problems.length, 1);
    assert.deepEqual(await readYamlFolder(missing, { optional: true }), {
      files: [],
      problems: [],
    });
    assert.match((await readYamlDocuments(missing)).problems[0]?.message ?? '', /ENOENT/);
  });
});

test('a file is replaced as a whole, folders are made, nothing is left behind', async () => {
  await inFolder(async (folder) => {
    const file = path.join(folder, 'deep/er/x.txt');
    await writeAtomic(file, 'one');
    await writeAtomic(file, Buffer.from('two'));
    assert.equal(await readText(file), 'two');
    assert.deepEqual(await readdir(path.dirname(file)), ['x.txt']);
    assert.equal(await exists(file), true);
    assert.equal(await exists(path.join(file, 'below')), false);
    await assert.rejects(writeAtomic(path.join(file, 'below/y'), 'x'), OperatingError);
    assert.equal(await readFile(file, 'utf8'), 'two');
    assert.deepEqual(await listFolder(path.join(folder, 'deep')), ['er']);
    assert.deepEqual(await listFolder(path.join(folder, 'nothing')), []);
    await assert.rejects(readText(path.join(folder, 'nothing')), { code: 'NOT_FOUND' });
    await assert.rejects(readText(folder), { code: 'SOURCE_UNREADABLE' });
  });
});

test('what is written as YAML reads back the same', () => {
  const value = { b: [1, 'two', { three: null }], a: 'yes', text: 'line\n  more: "x"\n', n: '1e3' };
  const { file, problems } = parseYaml('out.yaml', toYaml(value));
  assert.deepEqual(problems, []);
  assert.deepEqual(file.documents[0]?.value, value);
  assert.deepEqual(Object.keys(file.documents[0]?.value as object), ['b', 'a', 'text', 'n']);
});
