/** The webhook driver: signatures a foreign library accepts, stable bodies, replies read rightly. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import type { Driver, DriverResult } from '../../../src/act/driver.ts';
import { webhookBody as bodyOf, webhook } from '../../../src/act/drivers/webhook.ts';
import { parseWebhookSecret, signWebhook } from '../../../src/act/signature.ts';
import type { Intention } from '../../../src/model/decision.ts';
import { OperatingError } from '../../../src/model/errors.ts';
import type { Http, HttpRequest, HttpResponse } from '../../../src/model/ports.ts';
import { createVirtualClock } from '../../sim/clock.ts';
import { intentionOf } from '../intentions.ts';

const BYTES = Buffer.alloc(32, 7);
const SECRET = `whsec_${BYTES.toString('base64')}`;
const URL_OK = 'https://ops.example/control?token=t';

/** A driver as configuration would make it. */
const making = (
  http: Http,
  { clock = createVirtualClock(), url = URL_OK, secret = SECRET } = {},
): DriverResult =>
  webhook.make({
    ...{ http, clock, name: 'webhook', source: 'plumbline' },
    options: { type: 'webhook', url, secret: { env: 'WEBHOOK_SECRET' } },
    secret: (key) => (key === 'secret' ? secret : ''),
  });
const driverOf = (http: Http, clock = createVirtualClock(Date.now())): Driver => {
  const made = making(http, { clock });
  assert.ok(made.ok);
  return made.driver;
};
const webhookBody = (intention: Intention, source = 'plumbline') => bodyOf(intention, source);
const replying = (reply: Partial<HttpResponse>): Http => {
  return async () => ({ status: 200, headers: {}, body: '', ...reply });
};
const outcome = (reply: Partial<HttpResponse>, change: Partial<Intention> = {}) =>
  driverOf(replying(reply), createVirtualClock(0)).apply(intentionOf('L1', change), null);

test('the reference library verifies our signature', async () => {
  const sent: HttpRequest[] = [];
  const driver = driverOf(async (request) => {
    sent.push(request);
    return { status: 200, headers: {}, body: '{"state":"applied"}' };
  });
  const intention = intentionOf('L1', { reason: 'Grüße 🦀 \ud800 </script>' });
  assert.deepEqual(await driver.apply(intention, null), { type: 'accepted', detail: 'HTTP 200' });
  const request = sent[0];
  assert.ok(request?.body !== undefined);
  assert.equal(request.method, 'POST');
  assert.equal(request.url, URL_OK);
  assert.equal(request.headers['content-type'], 'application/cloudevents+json');
  assert.equal(request.headers['webhook-id'], intention.key);
  const event = new Webhook(SECRET).verify(request.body, request.headers);
  assert.deepEqual(event, JSON.parse(request.body));
  assert.throws(() => new Webhook(SECRET).verify(`${request.body} `, request.headers));
});

test('the reference library signs as we do, whatever the text', () => {
  const webhook = new Webhook(SECRET);
  fc.assert(
    fc.property(fc.string(), fc.string({ unit: 'grapheme' }), fc.nat(4e9), (id, body, seconds) => {
      const theirs = webhook.sign(id, new Date(seconds * 1000), body);
      assert.equal(signWebhook(BYTES, id, seconds, body), theirs);
    }),
  );
});

test('every try of one key carries the same bytes; only time and signature differ', async () => {
  const sent: HttpRequest[] = [];
  const clock = createVirtualClock();
  const driver = driverOf(async (request) => {
    sent.push(request);
    return { status: 503, headers: {}, body: '' };
  }, clock);
  await driver.apply(intentionOf('L1'), null);
  await clock.advance(60_000);
  await driver.apply(intentionOf('L1'), null);
  const [first, second] = sent;
  assert.equal(first?.body, second?.body);
  assert.equal(first?.headers['webhook-id'], second?.headers['webhook-id']);
  assert.equal(Number(second?.headers['webhook-timestamp']), clock.nowMs() / 1000);
  assert.notEqual(first?.headers['webhook-signature'], second?.headers['webhook-signature']);
});

test('the body is the CloudEvent of the contract', () => {
  const event = JSON.parse(webhookBody(intentionOf('L1')));
  const { key } = intentionOf('L1');
  assert.deepEqual(event, {
    specversion: '1.0',
    type: 'plumbline.control.requested.v1',
    source: 'plumbline',
    id: key,
    subject: 'agent-7',
    time: '2027-01-15T08:00:00.000Z',
    datacontenttype: 'application/json',
    data: {
      leaseId: 'L1',
      caseId: 'case-L1',
      decisionId: 'decision-L1',
      verb: 'freeze_tool',
      subject: { tenant: 't1', agent: 'agent-7', session: 's-1', tools: ['send_money'] },
      reason: 'A call nobody announced.',
      severity: 'high',
      mode: 'autonomous',
      issuedAt: '2027-01-15T08:00:00.000Z',
      expiresAt: '2027-01-15T08:15:00.000Z',
      undo: { verb: 'release' },
    },
  });
});

test('renewals and releases say so; what cannot be undone has no end and no undo', () => {
  const of = (change: Partial<Intention>) =>
    JSON.parse(webhookBody(intentionOf('L1', change), 's'));
  assert.equal(of({ step: 'renew' }).type, 'plumbline.control.renewed.v1');
  const release = of({ step: 'release', cause: 'undone' });
  assert.equal(release.type, 'plumbline.control.released.v1');
  assert.equal(release.data.cause, 'undone');
  const subject = { tenant: 't', agent: 'a', session: null, tools: [] };
  const revoke = of({ verb: 'revoke_session', expiresMs: null, subject });
  assert.deepEqual([revoke.data.expiresAt, revoke.data.undo], [null, null]);
  assert.deepEqual(revoke.data.subject, { tenant: 't', agent: 'a' });
  assert.equal(of({ verb: 'posture' }).data.posture, 'conservative');
});

const REPLIES: readonly (readonly [string, Partial<HttpResponse>, string])[] = [
  ['applied', { body: '{"state":"applied"}' }, 'accepted'],
  ['already', { body: '{"state":"already"}' }, 'already'],
  ['200 pending', { body: '{"state":"approval_required"}' }, 'pending_approval'],
  ['200 without a state', { body: '<html>' }, 'accepted'],
  ['200 with a foreign state', { body: '{"state":7}' }, 'accepted'],
  ['200 with null', { body: 'null' }, 'accepted'],
  ['204', { status: 204 }, 'accepted'],
  ['202', { status: 202, body: '{"state":"pending"}' }, 'pending_approval'],
  ['302', { status: 302, headers: { location: 'http://169.254.169.254/' } }, 'refused'],
  ['400', { status: 400 }, 'refused'],
  ['401', { status: 401 }, 'refused'],
  ['403', { status: 403 }, 'refused'],
  ['404', { status: 404 }, 'refused'],
  ['408', { status: 408 }, 'retry'],
  ['409', { status: 409 }, 'refused'],
  ['410', { status: 410 }, 'refused'],
  ['425', { status: 425 }, 'retry'],
  ['429', { status: 429 }, 'retry'],
  ['500', { status: 500 }, 'retry'],
  ['503', { status: 503 }, 'retry'],
];
for (const [name, reply, type] of REPLIES) {
  test(`reply ${name} → ${type}`, async () => {
    assert.equal((await outcome(reply)).type, type);
  });
}

test('gone is success where the subject was to go, or was to be let go', async () => {
  const gone = { status: 410 };
  assert.equal((await outcome(gone, { verb: 'revoke_session' })).type, 'already');
  assert.equal((await outcome(gone, { step: 'release' })).type, 'already');
});

test('a rejected signature raises the alarm by name', async () => {
  assert.match((await outcome({ status: 401 })).detail, /^ControlAuth: /);
  assert.match((await outcome({ status: 403 })).detail, /^ControlAuth: /);
});

test('Retry-After is honoured in seconds and as a date, up to 30 s', async () => {
  const after = async (value: string) => {
    const got = await outcome({ status: 429, headers: { 'retry-after': value } });
    return got.type === 'retry' ? got.afterMs : null;
  };
  assert.equal(await after('7'), 7_000);
  assert.equal(await after('3600'), 30_000);
  assert.equal(await after('Thu, 01 Jan 1970 00:00:12 GMT'), 12_000);
  assert.equal(await after('Thu, 01 Jan 1960 00:00:12 GMT'), 0);
  assert.equal(await after('soon'), 0);
});

test('not sent is a retry; anything that may have been sent is unknown', async () => {
  const failing = (cause: unknown) =>
    driverOf(async () => {
      throw cause;
    }).apply(intentionOf('L1'), null);
  const network = (sent: boolean) =>
    new OperatingError('CONTROL_UNREACHABLE', 'x', {
      retryable: true,
      cause: { sent, code: 'ECONNRESET' },
    });
  const retry = { type: 'retry', detail: 'not sent: ECONNRESET', afterMs: 0 };
  assert.deepEqual(await failing(network(false)), retry);
  const unknown = { type: 'unknown', detail: 'reply lost: ECONNRESET', afterMs: 0 };
  assert.deepEqual(await failing(network(true)), unknown);
  assert.equal((await failing(new Error('a fault'))).type, 'unknown');
});

test('a plan sends nothing and shows no secret', () => {
  let sent = 0;
  const driver = driverOf(async () => {
    sent += 1;
    return { status: 200, headers: {}, body: '' };
  });
  const plan = driver.plan(intentionOf('L1'), null);
  assert.equal(sent, 0);
  assert.equal(plan.url, 'https://ops.example/control');
  assert.equal(plan.headers['webhook-signature'], '<masked>');
  assert.equal(plan.body, webhookBody(intentionOf('L1')));
  assert.equal(plan.reach, '1 tool of one session of one agent');
  assert.ok(!JSON.stringify(plan).includes(SECRET.slice(6)));
});

test('a secret is checked when the driver is made, and never repeated', () => {
  const base = (n: number) => Buffer.alloc(n, 1).toString('base64');
  const bad = ['', 'secret', base(32), `whsec_${base(16)}`, `whsec_${base(65)}`, 'whsec_ä!é'];
  for (const secret of bad) {
    const made = making(replying({}), { secret });
    assert.ok(!made.ok);
    assert.match(made.problem, /webhook secret .*whsec_/);
    if (secret.length > 8) assert.ok(!made.problem.includes(secret.slice(6)));
  }
  for (const length of [24, 32, 64]) assert.ok(parseWebhookSecret(`whsec_${base(length)}`).ok);
  assert.ok(parseWebhookSecret(`whsec_${base(32).replace(/=+$/, '')}`).ok);
});

test('a URL that cannot be a control plane is refused', () => {
  const bad = [
    'nonsense',
    'ftp://ops.example/',
    'https://user:pw@ops.example/',
    'http://169.254.169.254/latest',
    'http://[fe80::1]/',
    'http://[::ffff:169.254.169.254]/',
    'http://[fd00:ec2::254]/',
    'http://0xa9fea9fe/',
    'http://metadata.google.internal/',
  ];
  for (const url of bad) {
    const made = making(replying({}), { url });
    assert.ok(!made.ok, url);
    assert.match(made.problem, /^url /);
    assert.ok(!made.problem.includes('pw'));
  }
  for (const url of ['http://127.0.0.1:8090/control', 'http://[::1]:1/', 'https://10.0.0.7/x']) {
    const made = making(replying({}), { url });
    assert.ok(made.ok, url);
  }
});
