/** Logs: no secret and no word of an agent reaches a line, however a caller puts it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLog } from '../../src/adapters/log.ts';
import { newToken } from '../../src/commands/token.ts';

const CANARY = 'CANARY-7f3a';

function linesOf(say: (log: ReturnType<typeof createLog>) => void): readonly string[] {
  const lines: string[] = [];
  say(createLog('debug', 'test', (line) => lines.push(line)));
  return lines;
}

describe('a log line', () => {
  it('is one JSON object with time, level, name, fields and message', () => {
    const [line = ''] = linesOf((log) => log.warn({ lane: 0 }, 'something'));
    const said = JSON.parse(line) as Record<string, unknown>;
    assert.deepEqual(
      [said['level'], said['name'], said['lane'], said['msg']],
      [40, 'test', 0, 'something'],
    );
    assert.ok(!Number.isNaN(Date.parse(String(said['time']))));
    assert.ok(line.endsWith('\n') && line.indexOf('\n') === line.length - 1);
  });

  for (const key of [
    'password',
    'token',
    'authorization',
    'secret',
    'url',
    'privateKey',
    'raw',
    'args',
    'text',
    'messages',
    'headers',
    'body',
  ])
    it(`hides \`${key}\` at any depth a caller has`, () => {
      const inner = { [key]: CANARY };
      const lines = linesOf((log) => {
        log.info(inner, 'one');
        log.info({ a: inner }, 'two');
        log.info({ a: { b: inner } }, 'three');
        log.error({ a: { b: { c: inner } } }, 'four');
      });
      assert.equal(lines.length, 4);
      for (const line of lines) {
        assert.ok(!line.includes(CANARY), line);
        assert.ok(line.includes('[redacted]'), line);
      }
    });

  it('hides credentials and tokens in the middle of a text, and nothing else of it', () => {
    const token = newToken();
    const lines = linesOf((log) => {
      log.warn({ at: `postgres://me:${CANARY}@db:5432/x` }, `at https://${CANARY}@ops.example/a`);
      log.warn({ said: `Authorization: Bearer ${CANARY}` }, `authorization: Basic ${CANARY}`);
      log.warn({}, `token ${token}, hook whsec_${CANARY}${CANARY}`);
      log.warn(
        { said: `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----` },
        'pem',
      );
    });
    for (const line of lines) {
      assert.ok(!line.includes(CANARY) && !line.includes(token), line);
      JSON.parse(line);
    }
    assert.match(lines[0] ?? '', /postgres:\/\/\[redacted\]@db:5432\/x/);
    assert.match(lines[0] ?? '', /https:\/\/\[redacted\]@ops\.example\/a/);
  });

  it('leaves what is no secret as it was', () => {
    const fields = { topic: 'gateway', offset: 12, code: 'LANE_FENCED', at: 'gateway/0@12' };
    const [line = ''] = linesOf((log) =>
      log.info(fields, 'a basic question; http://127.0.0.1:9464/x'),
    );
    const {
      msg,
      time: _time,
      level: _level,
      name: _name,
      ...rest
    } = JSON.parse(line) as Record<string, unknown>;
    assert.deepEqual(rest, fields);
    assert.equal(msg, 'a basic question; http://127.0.0.1:9464/x');
  });

  it('keeps what agents choose in one line, whatever it holds', () => {
    const agent = 'a\n{"level":60}\u001b[31m\u2028';
    const [line = '', ...more] = linesOf((log) => log.info({ agent }, agent));
    assert.equal(more.length, 0);
    assert.ok(line.indexOf('\n') === line.length - 1 && !line.includes('\u001b'));
    assert.equal((JSON.parse(line) as { agent: string }).agent, agent);
  });
});
