/** Exception files: nothing may be left out, and each mistake is named with its line. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseYaml } from '../../src/adapters/files.ts';
import { readExceptions } from '../../src/detect/exception-file.ts';
import type { Detector } from '../../src/model/detector.ts';

const NOW = Date.UTC(2026, 10, 29);
const DETECTORS = [
  { stem: 'unstated-action', family: 'intent' },
  { stem: 'silent-source', family: 'integrity' },
] as unknown as readonly Detector[];

const SOUND = `id: nightly-export
match:
  agent: [a, b]
  tool: send_message
detectors: [unstated-action]
expires: 2026-12-29
owner: anna
reason: the export runs every night
evidence: [0123456789ab]
`;

function read(text: string) {
  const { file, problems } = parseYaml('exceptions/x.yaml', text);
  assert.deepEqual(problems, []);
  const texts = file.documents.map(({ value, lineOf }) => {
    return { file: file.file, document: value, lineOf };
  });
  return readExceptions(texts, DETECTORS, NOW);
}

const said = (text: string) =>
  read(text).problems.map(({ line, key, message }) => `${line} ${key}: ${message}`);

describe('exception files', () => {
  it('are read with the end of their last day', () => {
    const { exceptions, problems } = read(SOUND);
    assert.deepEqual(problems, []);
    const [one] = exceptions;
    assert.equal(one?.expiresMs, Date.UTC(2026, 11, 30));
    assert.deepEqual(one?.match, { agent: ['a', 'b'], tool: ['send_message'] });
    assert.equal(one?.file, 'exceptions/x.yaml');
  });

  it('want every key', () => {
    const keys = ['id', 'match', 'detectors', 'expires', 'owner', 'reason', 'evidence'];
    for (const key of keys) {
      const found = said(SOUND.replace(new RegExp(`^${key}:.*\n(  .*\n)*`, 'm'), ''));
      assert.equal(found.length, 1, key);
      assert.match(found[0] ?? '', new RegExp(key), key);
    }
  });

  it('lapse within 90 days, on a day that exists; one that lapsed is no mistake', () => {
    const until = (day: string) => said(SOUND.replace('2026-12-29', day));
    assert.deepEqual(until('2027-02-27'), []);
    assert.deepEqual(until('2027-02-28'), [
      '6 expires: at most 90 days ahead: 2027-02-27 or earlier',
    ]);
    assert.deepEqual(until('2026-11-31'), ['6 expires: 2026-11-31 is no day of the calendar']);
    assert.deepEqual(until('2020-01-01'), []);
  });

  it('excuse no integrity and no detector that is not there, and not everything', () => {
    const of = (stem: string) => said(SOUND.replace('[unstated-action]', `[${stem}]`));
    assert.match(of('silent-source')[0] ?? '', /^5 detectors.0: .*nothing excuses/);
    assert.match(of('unstated')[0] ?? '', /^5 detectors.0: no such detector; there are: silent-/);
    const all = SOUND.replace(/match:\n.*\n.*\n/, 'match: {}\n');
    assert.match(said(all)[0] ?? '', /^2 match: name at least one/);
    assert.match(said(SOUND.replace('tool:', 'user:'))[0] ?? '', /user/);
  });

  it('have an id of their own; one mistake leaves the others in force', () => {
    const { exceptions, problems } = read(
      `${SOUND}---\n${SOUND}---\n${SOUND.replace('nightly', 'daily')}`,
    );
    assert.deepEqual(
      exceptions.map(({ id }) => id),
      ['nightly-export', 'daily-export'],
    );
    assert.match(problems[0]?.message ?? '', /is taken by exceptions\/x.yaml/);
    assert.equal(problems[0]?.line, 11);
  });
});
