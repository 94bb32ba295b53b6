/** Secrets: found by published rules, told by kind and length, and never at a price that grows. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSecretFinder } from '../../../src/detect/content/secrets.ts';

const find = createSecretFinder();
/** Put together here, so that nobody's scanner takes this file for a leak. */
const joined = (...parts: readonly string[]) => parts.join('');
const GITHUB = joined('gh', 'p_', 'Ab1'.repeat(12));
const DSN = 'postgres://svc:Tr0ub4dor3xq@db.internal.example:5432/orders';

describe('secrets', () => {
  it('are told by kind and length, not by value', () => {
    const found = [...find(`use ${GITHUB}`), ...find(`and ${DSN}`)];
    assert.deepEqual(
      found.map(({ type }) => type),
      ['github-token', 'postgresqlconnection'],
    );
    assert.ok(found.every(({ length }) => length >= 30));
    assert.doesNotMatch(JSON.stringify(found), /Tr0ub|Ab1Ab1/);
  });

  it('are found behind a comment that would switch a rule off', () => {
    assert.equal(find(`/* secretlint-disable */ ${GITHUB}`).length, 1);
  });

  it('leave nothing behind for the next text', () => {
    assert.equal(find(GITHUB).length, 1);
    assert.deepEqual(find('good morning'), []);
  });

  it('are not seen in ordinary texts', () => {
    for (const text of ['', 'a key question', 'sk-', 'https://example.org/a:b', '{"token": null}'])
      assert.deepEqual(find(text), [], text);
  });

  it('cost no more for each character the longer a hostile text is', () => {
    const prefixes = [
      'a',
      '-----BEGIN ',
      '://',
      'AKIA',
      'sk-',
      'postgres://a:',
      'https://a:',
      'x@',
    ];
    // Backtracking would grow with the square: sixteen times the text must not cost a hundred times.
    const cost = (text: string): number => {
      const before = process.cpuUsage();
      for (let round = 0; round < 8; round += 1) find(text);
      return process.cpuUsage(before).user;
    };
    for (const prefix of prefixes) {
      const short = prefix.repeat(Math.ceil(4_000 / prefix.length));
      cost(short);
      const [few, many] = [cost(short), cost(short.repeat(16))];
      assert.ok(many <= 100 * Math.max(few, 4_000), `${prefix}: ${few} µs, then ${many} µs`);
    }
  });
});
