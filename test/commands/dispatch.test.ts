/** Dispatch: which words lead to which exit code, and what is said on the way. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { COMMANDS } from '../../src/commands/commands.ts';
import { dispatch } from '../../src/commands/dispatch.ts';
import { unused, wordsOf } from '../../src/commands/option-words.ts';

const type = async (...args: string[]) => {
  let stdout = '';
  let stderr = '';
  const code = await dispatch(args, {
    environment: {},
    signal: new AbortController().signal,
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
  });
  return { code, stdout, stderr };
};

describe('dispatch', () => {
  it('shows what there is, and is content only where that was asked for', async () => {
    for (const word of ['help', '--help']) {
      const { code, stdout } = await type(word);
      assert.equal(code, 0);
      for (const { name, summary } of COMMANDS) assert.ok(stdout.includes(summary), name);
    }
    assert.equal((await type()).code, 2);
  });

  it('refuses a command it does not know, and shows those it knows', async () => {
    const { code, stdout, stderr } = await type('expalin\u001b[2J');
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /unknown command "expalin\\u001b\[2J"/);
    assert.match(stderr, /explain/);
  });

  it('names the command or option that was meant', async () => {
    const { code, stderr } = await type('leasse');
    assert.deepEqual(
      [code, stderr],
      [2, 'plumbline: unknown command "leasse"; did you mean leases?\n'],
    );
    assert.match((await type('cases', '--opne')).stderr, /'--opne'; did you mean --open\?\n/);
    assert.match((await type('cases', '--zzzzzzzz')).stderr, /Known options: .*--agent/);
    // A long synopsis would push the mistake out of sight.
    assert.match((await type('simulate')).stderr, /--help tells how it is called\n$/);
  });

  it('says what every option means, and nothing of options that are gone', async () => {
    const asked: [string, string][] = [];
    for (const { name, options } of COMMANDS)
      for (const option of [...Object.keys(options), 'json', 'quiet', 'config']) {
        asked.push([name, option]);
        assert.ok((wordsOf(name, option) ?? '').length > 5, `${name} --${option}`);
      }
    assert.deepEqual(unused(asked), []);
    assert.match((await type('cases', '--help')).stdout, /^ {2}--open {2,}those that are not /m);
  });

  it('has help with every option of a command', async () => {
    for (const { name, options, synopsis } of COMMANDS) {
      const { code, stdout } = await type(name, '--help');
      assert.equal(code, 0);
      assert.ok(stdout.startsWith(`plumbline ${synopsis}\n`));
      for (const option of Object.keys(options)) assert.ok(stdout.includes(`--${option}`), option);
    }
  });

  it('says how a command is called when it was called wrongly', async () => {
    const { code, stderr } = await type('explain');
    assert.equal(code, 2);
    assert.match(stderr, /^plumbline: name a case .*\nusage: explain CASE\n$/s);
    assert.match(
      (await type('explain', 'x', 'y')).stderr,
      /"y" is one word too many.*\nusage: explain /s,
    );
    assert.match((await type('cases', 'x')).stderr, /no such verb: "x"/);
    assert.match((await type('leases', 'undo', 'x', 'y')).stderr, /"y" is one word too many/);
  });

  it('answers to the other names of a command', async () => {
    assert.equal((await type('case', '--help')).stdout, (await type('cases', '--help')).stdout);
  });

  it('names the code of any other refusal', async () => {
    const { code, stderr } = await type('cases', '--config', 'does-not-exist.yaml');
    assert.equal(code, 2);
    assert.match(stderr, /^plumbline: CONFIG_INVALID: does-not-exist\.yaml: cannot be read/);
  });
});
