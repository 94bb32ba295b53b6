/** Slack: one thread a case, worse news seen in the channel, and answers of 200 read rightly. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderAlert } from '../../../src/act/finding/finding.ts';
import { SLACK } from '../../../src/act/sinks/slack.ts';
import type { Alert } from '../../../src/model/alert.ts';
import type { DueAlert } from '../../../src/model/alert-log.ts';
import { createVirtualClock } from '../../sim/clock.ts';
import { caseOf, dueOf, FINDING, matterOf } from '../matter.ts';

const alertOf = (more: Partial<DueAlert> = {}): Alert => {
  const alert = renderAlert(dueOf(more), FINDING);
  assert.ok(alert !== null);
  return alert;
};
const make = (body = '{"ok":true,"ts":"1.5"}') => {
  const ports = {
    ...{ clock: createVirtualClock(), instance: 'x', timeoutMs: 1, publisher: () => null },
    http: async () => ({ status: 200, headers: {}, body }),
  };
  const secrets = new Map([['token', 'xoxb-1-2-abc']]);
  const made = SLACK.create(ports, { type: 'slack', channel: 'C1' }, secrets);
  assert.ok(made.ok);
  return made.sink;
};
const messageOf = (alert: Alert, thread: string | null) => {
  const told = thread === null ? null : { alert, thread, closed: false };
  return JSON.parse(make().render(alert, told, 0)[0]?.body ?? '') as Record<string, unknown>;
};

test('the first message opens the thread; what follows answers it, and worse news is seen', async () => {
  const outcome = await make().send(alertOf(), null);
  assert.deepEqual(outcome, { type: 'sent', detail: 'ok', thread: '1.5' });
  assert.equal(messageOf(alertOf(), null)['thread_ts'], undefined);
  const seen = (why: string) => {
    const message = messageOf(alertOf({ activity: 'update', why: [why] }), '1.5');
    assert.equal(message['thread_ts'], '1.5');
    return message['reply_broadcast'];
  };
  assert.deepEqual(['detector', 'level', 'reopened', 'approval', 'repeat'].map(seen), [
    ...[false, true, true, true, false],
  ]);
});

test('the fallback text is escaped, after it was cut: no escape is cut in two', () => {
  const title = '&'.repeat(600);
  const text = messageOf(alertOf({ matter: matterOf({ case: caseOf({ title }) }) }), null)['text'];
  assert.match(String(text), /^HIGH: (?:&amp;)+/);
  assert.doesNotMatch(String(text), /&(?!amp;|lt;|gt;)/);
});

test('an answer of 200 says in its body whether it was done', async () => {
  const of = async (body: string) => (await make(body).send(alertOf(), null)).type;
  assert.equal(await of('{"ok":false,"error":"invalid_blocks"}'), 'refused');
  assert.equal(await of('{"ok":false,"error":"not_in_channel"}'), 'retry');
  assert.equal(await of('{"ok":false,"error":"<b>\\u0000"}'), 'retry');
  assert.equal(await of('{"ok":false}'), 'retry');
  assert.equal(await of('<html>'), 'unknown');
  const odd = await make('{"ok":true,"ts":"1\\n2"}').send(alertOf(), null);
  assert.deepEqual(odd, { type: 'sent', detail: 'ok' });
});

test('only a bot token can thread: anything else is refused when it is made, and not repeated', () => {
  const ports = {
    ...{ clock: createVirtualClock(), instance: 'x', timeoutMs: 1, publisher: () => null },
    http: async () => ({ status: 200, headers: {}, body: '' }),
  };
  const made = SLACK.create(
    ports,
    { type: 'slack', channel: 'C1' },
    new Map([['token', 'hunter2']]),
  );
  assert.ok(!made.ok);
  assert.equal(made.problem.key, 'token');
  assert.ok(!made.problem.message.includes('hunter2'));
});
