/** The executable style guide: the rules of style §13 on the real tree and on bad ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { figures } from './architecture/figures.ts';
import { BAD_TREES, GOOD_TREE } from './architecture/fixtures.ts';
import { RULES } from './architecture/rules.ts';
import { pathsLike, readTree, treeOf, type Violation } from './architecture/tree.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const tree = readTree(root);

const listed = (violations: readonly Violation[]): string =>
  violations.map(({ path, line, message }) => `  ${path}:${line} ${message}`).join('\n');

for (const { name, check } of RULES) {
  test(`architecture: ${name}`, () => {
    const found = check(tree);
    assert.equal(found.length, 0, `rule "${name}" is broken:\n${listed(found)}`);
  });

  test(`architecture: ${name} rejects what it should and nothing else`, () => {
    const bad = BAD_TREES.filter((fixture) => fixture.rule === name);
    assert.ok(bad.length > 0, `rule "${name}" has no negative fixture`);
    for (const { wrong, at, files } of bad) {
      const found = check(treeOf(files));
      assert.ok(
        found.some((violation) => violation.path === at),
        `"${name}" lets pass: ${wrong} (${at})\n${listed(found)}`,
      );
    }
    assert.equal(listed(check(treeOf(GOOD_TREE))), '', `"${name}" rejects a good tree`);
  });
}

test('architecture: every fixture names a rule', () => {
  const names = new Set(RULES.map((rule) => rule.name));
  assert.deepEqual(
    BAD_TREES.filter((fixture) => !names.has(fixture.rule)).map((fixture) => fixture.wrong),
    [],
  );
});

test('architecture: the tree was read', () => {
  assert.ok(tree.files.has('src/model/event.ts') && tree.files.has('package.json'));
});

test('architecture: the scanner keeps its place in every file', () => {
  const count = (text: string, char: string) => text.split(char).length;
  for (const path of pathsLike(tree, /\.ts$/)) {
    const { text, bare } = tree.scan(path);
    assert.equal(bare.length, text.length, path);
    for (const [open, close] of ['{}', '()', '[]'].map((pair) => [...pair])) {
      assert.equal(
        count(bare, open ?? ''),
        count(bare, close ?? ''),
        `${path}: ${open} and ${close}`,
      );
    }
  }
});

test('architecture: figures to look at', (t) => {
  const lines = figures(tree);
  assert.ok(lines.length > 0);
  for (const line of lines) t.diagnostic(line);
});
