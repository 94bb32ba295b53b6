/** Dispatch: which words lead to which exit code, and what is said on the way. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { COMMANDS } from '../../src/commands/commands.ts';
import { dispatch } from '../../src/commands/dispatch.ts';

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
    assert.match((await type('cases', 'x')).stderr, /"x" is one word too many.*\nusage: cases /s);
    assert.match((await type('leases', 'undo', 'x', 'y')).stderr, /"y" is one word too many/);
  });

  it('names the code of any other refusal', async () => {
    const { code, stderr } = await type('cases', '--config', 'does-not-exist.yaml');
    assert.equal(code, 2);
    assert.match(stderr, /^plumbline: CONFIG_INVALID: does-not-exist\.yaml: cannot be read/);
  });
});
