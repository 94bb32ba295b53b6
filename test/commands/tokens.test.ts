/** `tokens`: a token shown once, the line that lets it in, and words that are refused. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tokenDigest } from '../../src/commands/token.ts';
import { tokens } from '../../src/commands/tokens.ts';
import { typed } from './typed.ts';

interface Made {
  readonly name: string;
  readonly token: string;
  readonly sha256: string;
  readonly scopes: readonly string[];
}

describe('tokens new', () => {
  it('shows the token and the line for the configuration, which holds its hash alone', async () => {
    const { code, text, json } = await typed(tokens, 'new', 'gateway-1');
    const { name, token, sha256, scopes } = json as Made;
    assert.equal(code, 0);
    assert.deepEqual([name, scopes], ['gateway-1', ['posture.read']]);
    assert.equal(sha256, tokenDigest(token));
    const line = text.split('\n').find((one) => one.includes('sha256:')) ?? '';
    assert.equal(line.trim(), `gateway-1: { sha256: ${sha256}, scopes: [posture.read] }`);
    assert.equal(text.split(token).length, 2, 'once, and not in the line');
  });

  it('takes other scopes, and makes another token each time', async () => {
    const args = ['new', 'box', '--scopes', 'control.poll,posture.read'];
    const [one, other] = [await typed(tokens, ...args), await typed(tokens, ...args)];
    assert.deepEqual((one.json as Made).scopes, ['control.poll', 'posture.read']);
    assert.notEqual((one.json as Made).token, (other.json as Made).token);
  });

  it('makes the token of a source, which sends to it and reads nothing', async () => {
    const { text, json } = await typed(tokens, 'new', 'spans', '--source');
    const { sha256, scopes } = json as Made;
    assert.deepEqual(scopes, ['ingest']);
    assert.match(text, /In the source spans of the configuration/);
    assert.ok(text.includes(`http: { sha256: [${sha256}] }`), text);
    const both = await typed(tokens, 'new', 'spans', '--source', '--scopes', 'posture.read');
    assert.match(both.refusal ?? '', /has no scopes/);
    // Nobody who reads may be given it.
    const reader = await typed(tokens, 'new', 'spans', '--scopes', 'ingest');
    assert.match(reader.refusal ?? '', /no scope "ingest"/);
  });

  it('refuses what cannot stand in the configuration', async () => {
    for (const args of [[], ['list'], ['new'], ['new', 'A B'], ['new', '../x']])
      assert.notEqual((await typed(tokens, ...args)).refusal, null, args.join(' '));
    const wrong = await typed(tokens, 'new', 'gw', '--scopes', 'everything');
    assert.match(wrong.refusal ?? '', /no scope "everything"; there are posture\.read/);
  });
});
