/** Doctor's words: each look on its line, advice below it, and nothing foreign reaches a terminal raw. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fail, lookLines, ok, tally, warn } from '../../src/commands/doctor-text.ts';

describe('looks', () => {
  const looks = [
    ok('node', 'Node 24'),
    warn('kafka', 'kept short', 'raise it'),
    fail('disk', 'full', 'make room'),
  ];

  it('are a line each, with what to do below those that need something', () => {
    const lines = lookLines(looks);
    assert.equal(lines.length, 5);
    assert.match(lines[0] ?? '', /^ok {4}node {3}Node 24$/);
    assert.match(lines[1] ?? '', /^warn {2}kafka {2}kept short$/);
    assert.match(lines[2] ?? '', /^ +→ raise it$/);
    assert.match(lines[3] ?? '', /^fail {2}disk/);
  });

  it('are counted by how they came out', () => {
    assert.deepEqual(tally(looks), { ok: 1, warn: 1, fail: 1 });
    assert.deepEqual(tally([]), { ok: 0, warn: 0, fail: 0 });
  });

  it('show what a server said escaped and cut', () => {
    const [line = '', advice = ''] = lookLines([
      fail('x', `\u001b[2J\n${'a'.repeat(9_999)}`, '\u202eno'),
    ]);
    for (const raw of ['\u001b', '\n', '\u202e']) assert.ok(!(line + advice).includes(raw));
    assert.ok(line.length < 500);
  });
});
