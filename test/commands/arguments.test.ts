/** Arguments: strict parsing, and mistakes said with what is possible. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brokersOf, lengthOfTime, parse, UsageError, usage } from '../../src/commands/arguments.ts';
import { OperatingError } from '../../src/model/errors.ts';

const SPEC = { agent: 'value', open: 'flag', limit: 'value' } as const;

const refused = (work: () => unknown, message: RegExp): void => {
  assert.throws(work, (cause) => {
    assert.ok(cause instanceof UsageError);
    assert.equal(cause.code, 'CONFIG_INVALID');
    assert.equal(cause.retryable, false);
    assert.match(cause.message, message);
    return true;
  });
};

describe('arguments', () => {
  it('reads flags, values and words in any order', () => {
    const given = parse(['undo', '--agent', 'a 1', 'abc', '--open', '--limit=7'], SPEC);
    assert.deepEqual(given.words, ['undo', 'abc']);
    assert.equal(given.value('agent'), 'a 1');
    assert.equal(given.has('open'), true);
    assert.equal(given.count('limit', 1), 7);
  });

  it('knows what was not given', () => {
    const given = parse([], SPEC);
    assert.deepEqual(given.words, []);
    assert.equal(given.has('open'), false);
    assert.equal(given.value('agent'), undefined);
    assert.equal(given.count('limit', 1), undefined);
  });

  it('has the common options for every command', () => {
    const given = parse(['--json', '--quiet', '--config', 'x.yaml', '--help'], {});
    assert.deepEqual(
      ['json', 'quiet', 'help'].map((name) => given.has(name)),
      [true, true, true],
    );
    assert.equal(given.value('config'), 'x.yaml');
  });

  it('takes what follows two dashes as words', () => {
    assert.deepEqual(parse(['--', '--open'], SPEC).words, ['--open']);
  });

  it('refuses what it does not know, and says what it knows', () => {
    refused(
      () => parse(['--agnet', 'a'], SPEC),
      /Unknown option '--agnet'; did you mean --agent\?/,
    );
    refused(() => parse(['--whatever', 'a'], SPEC), /'--whatever'. Known.*--json.*--agent/);
    refused(() => parse(['-x'], SPEC), /Unknown option '-x'/);
  });

  it('refuses a value without its text, and a flag with one', () => {
    refused(() => parse(['--agent'], SPEC), /--agent.*argument missing/);
    refused(() => parse(['--agent', '--open'], SPEC), /--agent/);
    refused(() => parse(['--open=yes'], SPEC), /--open.*does not take an argument/);
  });

  it('refuses counts that are none', () => {
    for (const text of ['0', '-1', '1.5', 'ten', 'NaN', '1e400', '9007199254740993'])
      refused(() => parse([`--limit=${text}`], SPEC).count('limit', 1), /--limit takes a whole/);
    assert.equal(parse(['--limit=0'], SPEC).count('limit', 0), 0);
  });

  it('does not mistake members of every object for options', () => {
    refused(() => parse(['--constructor'], SPEC), /Unknown option/);
    assert.equal(parse([], SPEC).value('constructor'), undefined);
    assert.equal(parse([], SPEC).has('__proto__'), false);
  });

  it('marks a mistake of use apart from other problems of configuration', () => {
    const cause = new Error('why');
    const error = usage('say more', cause);
    assert.ok(error instanceof UsageError && error instanceof OperatingError);
    assert.equal(error.cause, cause);
  });

  it('reads lengths of time', () => {
    assert.equal(lengthOfTime('90s'), 90_000);
    assert.equal(lengthOfTime('2h'), 7_200_000);
    refused(() => lengthOfTime('soon'), /written 30s, 10m, 2h; not "soon"/);
    refused(() => lengthOfTime(''), /not ""/);
  });

  it('reads lists of brokers', () => {
    assert.deepEqual(brokersOf('a:9092, b.example:19092'), ['a:9092', 'b.example:19092']);
    for (const text of ['', 'a', 'a:', ':1', 'a:9092,', 'a b:1'])
      refused(() => brokersOf(text), /--brokers lists host:port/);
  });
});
