/** The Shared Signals driver: who hears what, what counts as heard, and what an end takes back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ssf } from '../../../src/act/drivers/ssf.ts';
import type { SsfOptions } from '../../../src/act/drivers/ssf-options.ts';
import { createHttp } from '../../../src/adapters/control-http.ts';
import type { Subject, Verb } from '../../../src/model/decision.ts';
import { AUDIENCE, type Bench, EVENTS, ISSUER, startBench } from '../../api/signal-bench.ts';
import { createVirtualClock } from '../../sim/clock.ts';
import { type Front, startFront } from '../counterparts/front.ts';
import { testKeys } from '../counterparts/signal-keys.ts';
import { createEnforcement, type Enforcement, examine } from '../counterparts/signal-receiver.ts';
import { intentionOf } from '../intentions.ts';

type ReceiverOptions = SsfOptions['receivers'][number];

/** A strict receiver that signals are pushed to. */
interface Pushed {
  readonly front: Front;
  readonly enforcement: Enforcement;
  /** Answers so instead of taking what comes; null: takes it. */
  answer: { status: number; body: unknown } | null;
}

const STANDING: NonNullable<ReceiverOptions['standing']> = [
  'session-revoked',
  'risk-level-change',
  'token-claims-change',
];

async function receiver(audience: string): Promise<Pushed> {
  const keys = await (await testKeys()).publicKeys();
  const enforcement = createEnforcement();
  const made: Pushed = {
    enforcement,
    answer: null,
    front: await startFront(({ body }) => {
      if (made.answer !== null) return made.answer;
      const examined = examine(body, { issuer: ISSUER, audience, keys });
      if (!examined.ok) return { status: 400, body: { err: examined.err } };
      enforcement.take(examined);
      return { status: 202, body: '' };
    }),
  };
  return made;
}

/** Runs `body` over pushed receivers `a` and `b`, each with its own audience. */
function pair(
  claim: string,
  body: (bench: Bench, a: Pushed, b: Pushed) => Promise<void>,
  change: Partial<ReceiverOptions> = {},
): void {
  test(`shared signals: ${claim}`, async () => {
    const [a, b] = await Promise.all([
      receiver('https://a.example'),
      receiver('https://b.example'),
    ]);
    const option = (name: string, { front }: Pushed): ReceiverOptions => ({
      ...{ name, audience: `https://${name}.example`, subject: 'complex', standing: STANDING },
      push: `${front.url}/events`,
      ...change,
    });
    const receivers = [option('a', a), option('b', b)];
    const bench = await startBench({ receivers, emailDomain: 'agents.example' });
    try {
      await body(bench, a, b);
    } finally {
      await Promise.all([bench.close(), a.front.close(), b.front.close()]);
    }
  });
}

const agent: Subject = { tenant: 't1', agent: 'agent-7', session: null, tools: [] };
const withTools = (...tools: string[]): Subject => ({ ...agent, tools });
const undone = { step: 'release', cause: 'undone' } as const;

pair('every receiver that listens is told, and the outcome says how many', async (bench, a, b) => {
  const outcome = await bench.driver.apply(bench.intention('L1'), null);
  assert.deepEqual(outcome, { type: 'accepted', detail: '2 of 2 heard' });
  for (const { enforcement } of [a, b]) assert.equal(enforcement.stops('agent-7', 's-1'), true);
});
pair(
  'one receiver is down: not accepted yet, and who has heard is not told twice',
  async (bench, a, b) => {
    await b.front.lie('fail');
    const outcome = await bench.driver.apply(bench.intention('L1'), null);
    assert.deepEqual(outcome, {
      ...{ type: 'unknown', detail: '1 of 2 heard; HTTP 503 (b)', afterMs: 0 },
    });
    await b.front.lie('honest');
    const again = await bench.driver.apply(bench.intention('L1'), null);
    assert.deepEqual(again, { type: 'accepted', detail: '2 of 2 heard' });
    assert.deepEqual([a.front.seen.length, a.enforcement.effects()], [1, 1]);
  },
);
pair(
  'one receiver refuses for good: it is named, and the other one counts',
  async (bench, _, b) => {
    b.answer = { status: 400, body: { err: 'invalid_audience', description: 'a\u0000<script>' } };
    const outcome = await bench.driver.apply(bench.intention('L1'), null);
    const detail = '1 of 2 heard; the receiver says invalid_audience (b)';
    assert.deepEqual(outcome, { type: 'accepted', detail });
    assert.equal(b.front.seen.length, 1);
    await bench.driver.apply(bench.intention('L1', undone), null);
    assert.equal(b.front.seen.length, 1, 'who refused the one is not told of the other');
  },
);
pair('all refuse: refused, and nothing is sent again', async (bench, a, b) => {
  a.answer = { status: 400, body: { err: 'x'.repeat(100_000) } };
  b.answer = { status: 401, body: '' };
  const outcome = await bench.driver.apply(bench.intention('L1'), null);
  assert.equal(outcome.type, 'refused');
  assert.match(outcome.detail, /says no without a code \(a\); ControlAuth: HTTP 401.* \(b\)/);
  assert.equal((await bench.driver.apply(bench.intention('L1'), null)).type, 'refused');
  assert.deepEqual([a.front.seen.length, b.front.seen.length], [1, 1]);
});
pair('another success than 202 is taken, and said', async (bench, a, b) => {
  a.answer = { status: 200, body: '' };
  b.answer = { status: 204, body: '' };
  const { detail } = await bench.driver.apply(bench.intention('L1'), null);
  assert.match(detail, /^2 of 2 heard/);
});
pair('nothing is accepted of a receiver that redirects', async (bench, a, b) => {
  for (const one of [a, b]) one.answer = { status: 307, body: '' };
  assert.equal((await bench.driver.apply(bench.intention('L1'), null)).type, 'refused');
});

pair('an end takes back nothing that another lease still asks for', async (bench, a) => {
  await bench.driver.apply(bench.intention('L1', { subject: agent }), null);
  await bench.driver.apply(bench.intention('L2', { subject: agent, verb: 'suspend_agent' }), null);
  const first = await bench.driver.apply(
    bench.intention('L1', { subject: agent, ...undone }),
    null,
  );
  assert.equal(first.type, 'already');
  assert.equal(a.enforcement.stops('agent-7', 's-9'), true);
  await bench.driver.apply(
    bench.intention('L2', { subject: agent, verb: 'suspend_agent', ...undone }),
    null,
  );
  assert.deepEqual(a.enforcement.order, [
    'risk-level-change HIGH',
    'session-revoked',
    'risk-level-change HIGH',
    'risk-level-change LOW',
  ]);
});
pair(
  'a lease whose time is over holds nobody: the other’s end takes the level back',
  async (bench, a) => {
    const soon = bench.clock.nowMs() + 1_000;
    await bench.driver.apply(bench.intention('L1', { subject: agent, expiresMs: soon }), null);
    await bench.driver.apply(bench.intention('L2', { subject: agent }), null);
    await bench.clock.advance(1_000);
    await bench.driver.apply(bench.intention('L2', { subject: agent, ...undone }), null);
    assert.equal(a.enforcement.order.at(-1), 'risk-level-change LOW');
  },
);
pair(
  'freezing a tool narrows the scope; each end widens it to what no lease forbids',
  async (bench, a) => {
    const freeze = (lease: string, tool: string, more = {}) =>
      bench.intention(lease, { verb: 'freeze_tool', subject: withTools(tool), ...more });
    await bench.driver.apply(freeze('L1', 'send_money'), null);
    assert.equal(a.enforcement.scopeOf('agent-7'), 'read mail');
    await bench.driver.apply(freeze('L2', 'send_mail'), null);
    assert.equal(a.enforcement.scopeOf('agent-7'), 'read');
    await bench.driver.apply(freeze('L1', 'send_money', undone), null);
    assert.equal(a.enforcement.scopeOf('agent-7'), 'read pay');
    await bench.driver.apply(freeze('L2', 'send_mail', undone), null);
    assert.equal(a.enforcement.scopeOf('agent-7'), 'read pay mail');
  },
);
pair('what a receiver has not seen is taken back without a word to it', async (bench, a, b) => {
  const [first] = await bench.store.streams();
  await bench.store.changeStream(first?.id ?? '', { status: 'paused' });
  await bench.driver.apply(bench.intention('L1'), null);
  await bench.driver.apply(bench.intention('L1', undone), null);
  await bench.store.changeStream(first?.id ?? '', { status: 'enabled' });
  await bench.courier.round();
  assert.deepEqual([a.enforcement.order, b.enforcement.effects()], [[], 2]);
});
pair(
  'a lease that ended unheard is not begun by a receiver that comes back',
  async (bench, a, b) => {
    for (const { front } of [a, b]) await front.lie('fail');
    const soon = bench.clock.nowMs() + 30_000;
    assert.equal(
      (await bench.driver.apply(bench.intention('L1', { expiresMs: soon }), null)).type,
      'retry',
    );
    for (const { front } of [a, b]) await front.lie('honest');
    await bench.clock.advance(90_000);
    await bench.courier.round();
    assert.deepEqual([a.enforcement.effects(), b.enforcement.effects()], [0, 0]);
  },
);

const simple = { subject: 'iss_sub' } as const;
pair(
  'a session is never widened to its agent unless configuration allows it',
  async (bench, a) => {
    const outcome = await bench.driver.apply(bench.intention('L1'), null);
    assert.equal(outcome.type, 'refused');
    assert.match(outcome.detail, /subject: complex, or wholeAgent/);
    assert.equal(a.front.seen.length, 0);
    const whole = await bench.driver.apply(bench.intention('L2', { subject: agent }), null);
    assert.equal(whole.type, 'accepted');
  },
  simple,
);
pair(
  'to a receiver that knows only agents, sessions of one agent hold each other',
  async (bench, a) => {
    const session = (lease: string, id: string, more = {}) =>
      bench.intention(lease, { subject: { ...agent, session: id }, ...more });
    await bench.driver.apply(session('L1', 's-1'), null);
    await bench.driver.apply(session('L2', 's-2'), null);
    await bench.driver.apply(session('L1', 's-1', undone), null);
    assert.equal(a.enforcement.stops('agent-7', 's-2'), true);
    await bench.driver.apply(session('L2', 's-2', undone), null);
    assert.equal(a.enforcement.stops('agent-7', 's-2'), false);
  },
  { ...simple, wholeAgent: true },
);
pair(
  'a receiver hears of its tenants and of nobody else’s',
  async (bench) => {
    const other = { ...agent, tenant: 't2' };
    assert.equal(
      (await bench.driver.apply(bench.intention('L1', { subject: other }), null)).type,
      'refused',
    );
    assert.equal(
      (await bench.driver.apply(bench.intention('L2', { subject: agent }), null)).type,
      'accepted',
    );
  },
  { tenants: ['t1'] },
);
pair(
  'a stream gets the events it asked for, and no other',
  async (bench, a) => {
    const suspend = bench.intention('L1', { verb: 'suspend_agent', subject: agent });
    await bench.driver.apply(suspend, null);
    assert.deepEqual(a.enforcement.order, ['session-revoked']);
    assert.equal((await bench.driver.apply(bench.intention('L2'), null)).type, 'refused');
  },
  { standing: ['session-revoked'] },
);
pair(
  'an agent whose name is no address is not told of by address',
  async (bench) => {
    assert.equal(
      (await bench.driver.apply(bench.intention('L1', { subject: agent }), null)).type,
      'accepted',
    );
    for (const name of ['a b', 'a@b', '..', '.a', 'a..b', 'ä', 'a\nb', '"a"'])
      assert.equal(
        (
          await bench.driver.apply(
            bench.intention(name, { subject: { ...agent, agent: name } }),
            null,
          )
        ).type,
        'refused',
        name,
      );
  },
  { subject: 'email' },
);

test('shared signals: what it sends for each verb stands in the plan, and nothing is sent', async () => {
  const bench = await startBench();
  const planned = (verb: Verb, step: 'request' | 'release', subject: Subject) => {
    const { body } = bench.driver.plan(bench.intention('L1', { verb, step, subject }), null);
    const [first] = JSON.parse(body) as { events: Record<string, Record<string, unknown>> }[];
    return Object.entries(first?.events ?? {}).map(([type, payload]) => [
      type.slice(type.lastIndexOf('/') + 1),
      payload['current_level'] ?? payload['claims'] ?? null,
    ]);
  };
  try {
    const session = { ...agent, session: 's-1' };
    assert.deepEqual(planned('posture', 'request', session), [['risk-level-change', 'HIGH']]);
    assert.deepEqual(planned('posture', 'release', session), [['risk-level-change', 'LOW']]);
    assert.deepEqual(planned('revoke_session', 'request', session), [['session-revoked', null]]);
    assert.deepEqual(planned('suspend_agent', 'request', agent), [['session-revoked', null]]);
    assert.deepEqual(planned('suspend_agent', 'release', agent), [['risk-level-change', 'LOW']]);
    assert.deepEqual(planned('freeze_tool', 'request', withTools('send_money')), [
      ['token-claims-change', { scope: 'read mail' }],
    ]);
    assert.deepEqual(planned('freeze_tool', 'request', withTools('send_money', 'unheard_of')), []);
    assert.deepEqual(await bench.store.streams(), []);
  } finally {
    await bench.close();
  }
});

test('shared signals: options that cannot be meant are refused, with key and reason', () => {
  const given: SsfOptions = {
    ...{ type: 'ssf', issuer: ISSUER, subjectIssuer: 'https://idp.example' },
    receivers: [{ name: 'idp', audience: AUDIENCE }],
  };
  const [idp] = given.receivers;
  assert.ok(idp !== undefined);
  const problem = (change: Partial<SsfOptions>) => {
    const options = { ...given, ...change };
    const made = ssf.make({
      ...{ http: createHttp(), clock: createVirtualClock(), name: 'ssf', source: 'p', options },
      secret: () => 'canary-7f',
    });
    assert.ok(made.ok || !made.problem.includes('canary'));
    return made.ok ? null : made.problem;
  };
  assert.equal(problem({}), null);
  assert.match(problem({ issuer: 'http://169.254.169.254' }) ?? '', /^issuer points at/);
  assert.match(problem({ issuer: 'https://a.example/?x=1' }) ?? '', /^issuer carries a query/);
  assert.match(problem({ receivers: [idp, idp] }) ?? '', /^receivers\.1\.name idp stands twice/);
  const pushed = { ...idp, push: 'http://169.254.169.254/x' };
  assert.match(problem({ receivers: [pushed] }) ?? '', /^receivers\.0\.push points at/);
  const secret = { ...idp, authorization: { env: 'X' } };
  assert.match(
    problem({ receivers: [secret] }) ?? '',
    /^receivers\.0\.authorization is for pushes/,
  );
  const email = { ...idp, subject: 'email' as const };
  assert.match(problem({ receivers: [email] }) ?? '', /emailDomain is not given/);
  const scopes = { granted: ['a'], tools: { t: ['b'] } };
  assert.match(problem({ scopes }) ?? '', /^scopes\.tools\.t names b/);
});

test('shared signals: without a running transmitter it plans and does not act', async () => {
  const options: SsfOptions = {
    ...{ type: 'ssf', issuer: ISSUER, subjectIssuer: 'https://idp.example' },
    receivers: [{ name: 'idp', audience: AUDIENCE, subject: 'complex' }],
  };
  const made = ssf.make({
    ...{ http: createHttp(), clock: createVirtualClock(), name: 'ssf', source: 'p', options },
    secret: () => '',
  });
  assert.ok(made.ok);
  const posture = intentionOf('L1', { verb: 'posture' });
  assert.match(made.driver.plan(posture, null).body, new RegExp(EVENTS.risk));
  assert.equal((await made.driver.apply(posture, null)).type, 'refused');
  assert.ok(!made.driver.capabilities().verbs.includes('freeze_tool'));
});
