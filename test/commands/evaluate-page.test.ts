/** The page: places are filled in, parts that were not run keep what they said, prose is complete. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageOf, readTemplate } from '../../src/commands/evaluate-page.ts';
import { SECTIONS, type Section } from '../../src/commands/evaluate-section.ts';

const HEAD = { date: '2026-11-20', command: 'evaluate --only nab', minutes: { nab: 0.4 } };
const section = (texts: Record<string, string>): Section => ({ goals: [], texts, figures: null });
const part = (name: string, text: string) =>
  `<!-- part ${name} -->\n${text}\n<!-- end ${name} -->\n`;
const TEMPLATE = `# Title\n${part('corpus', '{{date}} {{known}}')}${part('nab', '{{minutes}} {{ranking}} $&')}`;

test('a part that was run is filled in; others say that they were not', () => {
  const page = pageOf(TEMPLATE, null, new Map([['nab', section({ ranking: 'TABLE' })]]), HEAD);
  assert.match(page, /part nab -->\n1 TABLE \$&\n<!-- end nab/);
  assert.match(page, /part corpus -->\n## corpus\n\nNot run yet\.\n<!-- end corpus/);
});

test('a part that was not run keeps what the page said, whatever it said', () => {
  const before = `# Old title\n${part('corpus', 'old $1 {{known}}')}${part('nab', 'old')}`;
  const page = pageOf(TEMPLATE, before, new Map([['nab', section({ ranking: '$1' })]]), HEAD);
  assert.match(page, /# Title/);
  assert.match(page, /part corpus -->\nold \$1 \{\{known\}\}\n<!-- end corpus/);
  assert.match(page, /part nab -->\n1 \$1 \$&\n/);
});

test('the prose has every part once, and each with its goals, date and command', async () => {
  const template = await readTemplate();
  for (const name of SECTIONS) {
    const blocks = template.split(`<!-- part ${name} -->`);
    assert.equal(blocks.length, 2, name);
    const block = (blocks[1] ?? '').split(`<!-- end ${name} -->`)[0] ?? '';
    for (const place of ['goals', 'date', 'command', 'minutes'])
      assert.ok(block.includes(`{{${place}}}`), `${name}: ${place}`);
  }
});
