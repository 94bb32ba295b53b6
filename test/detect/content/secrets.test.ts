/** Secrets: found by published rules, told by kind and length, and never at a price that grows. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSecretFinder } from '../../../src/detect/content/secrets.ts';
import { integer, stream } from '../../../src/simulation/random.ts';

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

  it('are the same whether rules are put to a text by its literals or all of them to every text', () => {
    const all = createSecretFinder(false);
    const random = stream(5, 'secrets');
    const pick = (list: readonly string[]): string =>
      list[integer(random, 0, list.length - 1)] as string;
    const run = (letters: string, length: number): string =>
      Array.from({ length }, () => pick(letters.split(''))).join('');
    const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
    const HEX = '0123456789abcdef';
    const heads = [
      ...['ghp_', 'ghs_', 'github_pat_', 'glpat-', 'npm_', 'xoxb-1-', 'SG.', 'shppa_', 'sk_live_'],
      ...['glc_', 'glsa_', 'sk-', 'sk-proj-', 'sk-ant-api03-', 'gsk_', 'hf_', 'lin_api_', 'ntn_'],
      ...['hvs.', 'hvb.', 'vcp_', 'dapi', 'dckr_pat_', 'figd_', 'cfut_', 'tskey-auth-', 'ops_ey'],
      ...[
        'AKIA',
        'AWS_SECRET_ACCESS_KEY = ',
        'aws_account_id: ',
        'HTTPS://HOOKS.SLACK.COM/services/T',
      ],
      ...[
        'https://a:',
        'postgres://u:',
        'MongoDB://u:',
        'mysql://u:',
        '-----BEGIN RSA PRIVATE KEY-----',
      ],
    ];
    const tails = [
      '',
      'T3BlbkFJ',
      '@db.example:1/x',
      '/B1/c',
      '.abc',
      '-a1',
      'AA',
      'fQ=',
      '_',
      ' ',
    ];
    tails.push('\n-----END RSA PRIVATE KEY-----');
    const types = new Set<string>();
    for (let n = 0; n < 6000; n += 1) {
      let text = pick(['', 'see ', 'é', '"']);
      for (let part = integer(random, 1, 2); part > 0; part -= 1) {
        const lengths = ['20', '24', '32', '34', '36', '40', '46', '48', '52', '82', '95', '140'];
        const body = run(pick([LETTERS, HEX, '0123456789']), Number(pick(lengths)));
        text +=
          pick(heads) +
          body +
          pick(tails) +
          run(LETTERS, integer(random, 0, 40)) +
          pick([' ', '\n', '']);
      }
      const found = find(text);
      assert.deepEqual(found, all(text), text);
      for (const { type } of found) types.add(type);
    }
    assert.ok(types.size >= 15, `${types.size} kinds met: ${[...types].join(', ')}`);
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
