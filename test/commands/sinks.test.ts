/** Sinks of a configuration: every mistake with its key; secrets are read before anything else. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openSinks } from '../../src/commands/open-sinks.ts';
import { sinkProblems } from '../../src/commands/sinks.ts';
import type { Config } from '../../src/model/config.ts';
import { OperatingError } from '../../src/model/errors.ts';
import { createTestLog } from '../act/test-log.ts';
import { CANARIES } from '../counterparts/sinks.ts';
import { createVirtualClock } from '../sim/clock.ts';

const where = { file: 'F', lineOf: () => null };
const said = (sinks: object, more: object = {}) =>
  sinkProblems({ sinks, ...more } as Config, where).map(({ key, message }) => `${key}: ${message}`);

const GOOD = {
  am: { type: 'alertmanager', url: 'http://am:9093', labels: { team: 'x' } },
  pager: { type: 'pagerduty', routingKey: { env: 'PAGER' } },
  chat: { type: 'slack', channel: 'C1', token: { env: 'SLACK' } },
  hook: { type: 'webhook', url: 'https://ops.internal/a', secret: { env: 'HOOK' } },
  logs: { type: 'otlp', url: 'http://collector:4318' },
  topic: { type: 'kafka', brokers: ['kafka:9092'] },
};
const ENVIRONMENT = { PAGER: CANARIES.pagerKey, SLACK: CANARIES.slackToken, HOOK: CANARIES.secret };
const open = (sinks: object, environment: Record<string, string>) =>
  openSinks({
    ...{ config: { sources: [], sinks } as Config, environment },
    ...{ clock: createVirtualClock(), log: createTestLog().log },
  });

describe('sinks of a configuration', () => {
  it('that are right have no problem, and are made without being connected', async () => {
    assert.deepEqual(
      said(GOOD, { routes: [{ when: { role: ['a'] }, to: ['am'] }, { to: ['pager'] }] }),
      [],
    );
    const { sinks, close } = await open(GOOD, ENVIRONMENT);
    assert.deepEqual([...sinks.keys()], Object.keys(GOOD));
    await close();
  });

  it('are refused by key and reason: each type by its own schema, and by what no schema says', () => {
    for (const [sinks, problem] of [
      [{ x: { type: 'email' } }, /^sinks\.x\.type: no such type of sink: "email"/],
      [{ x: { type: 'pagerduty' } }, /^sinks\.x: missing key `routingKey`/],
      [
        { x: { ...GOOD.pager, routing_key: 1 } },
        /routing_key: unknown key; .*did you mean routingKey\?/,
      ],
      [{ x: { ...GOOD.hook, secret: CANARIES.secret } }, /^sinks\.x\.secret: must be an object/],
      [
        { x: { ...GOOD.hook, secret: {} } },
        /^sinks\.x\.secret: give exactly one of `env` and `file`/,
      ],
      [{ x: { ...GOOD.am, url: 'ftp://am' } }, /^sinks\.x\.url: must match \^https\?/],
      [{ x: { ...GOOD.am, url: 'http://[fe80::1]/' } }, /^sinks\.x\.url: it points at fe80::1/],
      [{ x: { ...GOOD.logs, url: 'http://u:p@c/' } }, /^sinks\.x\.url: it contains credentials/],
      [{ x: { ...GOOD.am, labels: { team: 5 } } }, /^sinks\.x\.labels\.team: must be a string/],
      [{ x: { type: 'kafka' } }, /^sinks\.x\.brokers: no Kafka is configured/],
    ] as const) {
      const [first = ''] = said(sinks);
      assert.match(first, problem);
      assert.ok(!first.includes(CANARIES.secret.slice(6)));
    }
    assert.deepEqual(said({ x: { type: 'kafka' } }, { kafka: { brokers: ['a:1'] } }), []);
  });

  it('are named by routes; a route that swallows the rest is said', () => {
    const routes = [{ to: ['am', 'pagr'] }, { when: { severity: ['high'] }, to: ['hook'] }];
    assert.deepEqual(said(GOOD, { routes }), [
      'routes.0.to.1: no such sink: "pagr"; did you mean pager?',
      'routes.0: it fits everything: the routes after it are never reached',
    ]);
  });

  it('whose secrets are missing or of the wrong kind are refused all at once, without the secret', async () => {
    const wrong = { PAGER: 'canary-not-a-key', SLACK: 'canary-not-a-token', HOOK: 'canary-hook' };
    await assert.rejects(open(GOOD, wrong), (cause) => {
      assert.ok(cause instanceof OperatingError && cause.code === 'CONFIG_INVALID');
      assert.deepEqual(
        cause.message.split('\n').map((line) => line.split(' ')[0]),
        ['sinks.pager.routingKey:', 'sinks.chat.token:', 'sinks.hook.secret:'],
      );
      assert.ok(!cause.message.includes('canary'));
      return true;
    });
    await assert.rejects(open(GOOD, {}), /sinks\.pager\.routingKey: .*PAGER is not set/);
  });
});
