/** Window files: what the handbook shows is read, what export writes opens again. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseYaml, toYaml } from '../../src/adapters/files.ts';
import { openWindow } from '../../src/baseline/window.ts';
import { readWindowFile, windowFile, windowFileName } from '../../src/baseline/window-file.ts';

const SHOWN = `change: gov-evt-8831            # signed by a listed approver other than the beneficiary
scope: { role: support-triage }
dimensions: [sequence, intent-gap, text-drift, level.tokens, level.latency]
opens: 2026-11-18T09:00:00Z
expires: 2026-11-25T09:00:00Z
state: REVIEW
proposal: sha256:${'ab'.repeat(32)}
`;
const read = (text: string) => {
  const document = parseYaml('w.yaml', text).file.documents[0] ?? assert.fail();
  return readWindowFile(document.value, { file: 'w.yaml', lineOf: document.lineOf }, 'gina');
};

it('reads the example of the handbook and writes it back', () => {
  const { opening, problems } = read(SHOWN);
  assert.deepEqual(problems, []);
  assert.ok(opening !== null);
  assert.deepEqual(opening.scope, { level: 'role', subject: 'support-triage' });
  assert.equal(opening.opensMs, Date.UTC(2026, 10, 18, 9));
  assert.equal(opening.lengthMs, 7 * 86_400_000);
  const opened = openWindow(opening);
  assert.ok(opened.ok);
  assert.match(windowFileName(opened.window), /^2026-11-18-support-triage-[0-9a-f]{6}\.yaml$/);
  const again = read(toYaml(windowFile(opened.window)));
  assert.deepEqual(again.problems, []);
  const reopened = openWindow(again.opening ?? assert.fail());
  assert.ok(reopened.ok);
  assert.deepEqual(reopened.window, opened.window);
  assert.deepEqual(Object.keys(windowFile(opened.window)).slice(0, 5), [
    ...['change', 'scope', 'dimensions', 'opens', 'expires'],
  ]);
});

it('says every mistake with its line', () => {
  const wrong: [from: string | RegExp, to: string, expected: RegExp][] = [
    ['role: support-triage', 'role: a, agent: b', /^2 scope: exactly one/],
    ['{ role: support-triage }', '{}', /^2 scope: exactly one/],
    ['2026-11-25', '2026-11-17', /^5 expires: lies before it opens/],
    ['2026-11-25', '2026-12-25', /^5 expires: a window gets 30 days at most/],
    ['2026-11-18T', '2026-02-30T', /^4 opens: is no date/],
    ['gov-evt-8831', 'rule:genesis', /^1 change: a rule opens its windows itself/],
    [/dimensions: .*/, 'dimensions: []', /^3 dimensions: needs 1 or more/],
    ['state: REVIEW', 'state: DONE', /^6 state: must be one of LEARNING/],
    ['state: REVIEW', 'status: REVIEW', /^6 status: unknown key/],
  ];
  for (const [from, to, expected] of wrong) {
    const { opening, problems } = read(SHOWN.replace(from, to));
    assert.equal(opening, null, to);
    const said = problems.map(({ line, key, message }) => `${line} ${key}: ${message}`);
    assert.ok(
      said.some((one) => expected.test(one)),
      said.join('\n'),
    );
  }
});
