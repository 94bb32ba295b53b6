/** Every sink against a real counterpart that can misbehave: the promises of the contract. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderAlert } from '../../src/act/finding/finding.ts';
import type { Alert, ToldCase } from '../../src/model/alert.ts';
import type { DueAlert } from '../../src/model/alert-log.ts';
import {
  BEGAN_MS,
  CASE,
  caseOf,
  detectionOf,
  dueOf,
  FINDING,
  HOSTILE,
  leaseOf,
  matterOf,
  stepOf,
} from '../act/matter.ts';
import { COUNTERPARTS, type SinkAndCounterpart } from '../counterparts/sinks.ts';
import { createVirtualClock, type VirtualClock } from '../sim/clock.ts';

const alertOf = (more: Partial<DueAlert> = {}): Alert => {
  const alert = renderAlert(dueOf(more), FINDING);
  assert.ok(alert !== null);
  return alert;
};
const CREATE = alertOf();
const UPDATE = alertOf({
  ...{ uid: 'cd34'.repeat(16), activity: 'update', sequence: 2 },
  ...{ level: 'critical', why: ['level'] },
});
const CLOSE = alertOf({
  ...{ uid: 'ef56'.repeat(16), activity: 'close', sequence: 3 },
  ...{ level: 'critical', why: ['resolved'] },
});
const after = (alert: Alert, thread: string | null = null): ToldCase => ({
  ...{ alert, thread },
  closed: alert.activity === 'close',
});

type Body = (c: SinkAndCounterpart & { readonly clock: VirtualClock }) => Promise<void>;

for (const [name, make] of Object.entries(COUNTERPARTS)) {
  const check = (claim: string, body: Body) =>
    test(`sink ${name}: ${claim}`, async () => {
      const clock = createVirtualClock(BEGAN_MS + 60_000);
      const counterpart = await make(clock);
      try {
        await body({ ...counterpart, clock });
      } finally {
        await counterpart.behave('works');
        await counterpart.close();
      }
    });

  check('it says what it can do', async ({ sink }) => {
    const can = sink.capabilities();
    assert.equal(can.type, name);
    assert.ok(can.kinds.includes('finding') && can.bytesMax > 0 && can.pauseMs >= 0);
    assert.equal(can.resendMs !== null, sink.resend !== undefined);
    assert.equal(sink.silences !== undefined, sink.labels !== undefined);
    assert.deepEqual(sink.capabilities(), can);
  });

  check('it works: a case is opened, gets worse, and ends', async (c) => {
    assert.equal(c.stateOf(CASE), 'unknown');
    const first = await c.sink.send(CREATE, null);
    assert.equal(first.type, 'sent');
    assert.equal(c.stateOf(CASE), 'open');
    const thread = first.type === 'sent' ? (first.thread ?? null) : null;
    assert.equal((await c.sink.send(UPDATE, after(CREATE, thread))).type, 'sent');
    assert.equal(c.stateOf(CASE), 'open');
    assert.equal((await c.sink.send(CLOSE, after(UPDATE, thread))).type, 'sent');
    assert.equal(c.stateOf(CASE), 'over');
    assert.deepEqual(c.refused(), []);
  });

  check('rendering is pure and shows no secret', async (c) => {
    const nowMs = c.clock.nowMs();
    const rendered = c.sink.render(CREATE, null, nowMs);
    assert.deepEqual(c.sink.render(CREATE, null, nowMs), rendered);
    assert.equal(c.taken().length, 0);
    await c.sink.send(CREATE, null);
    for (const secret of c.secrets) {
      assert.ok(!JSON.stringify(rendered).includes(secret), 'in what is shown');
      assert.ok(!c.everything().includes(secret), 'in what arrives as content');
    }
  });

  check('a step of containment goes where records are kept', async (c) => {
    if (!c.sink.capabilities().kinds.includes('action')) return;
    const action = alertOf({
      kind: 'action',
      step: stepOf(),
      why: ['request'],
      uid: '9'.repeat(64),
    });
    assert.equal((await c.sink.send(action, null)).type, 'sent');
    assert.deepEqual(c.taken(), [action.uid]);
    assert.match(c.everything(), /7001/);
  });

  check('a lost reply: unknown, and the same alert again is the same alert', async (c) => {
    await c.behave('loses-reply');
    assert.equal((await c.sink.send(CREATE, null)).type, 'unknown');
    assert.equal(c.stateOf(CASE), 'open');
    await c.behave('works');
    assert.equal((await c.sink.send(CREATE, null)).type, 'sent');
    assert.deepEqual(c.taken(), [CREATE.uid]);
  });

  check('nobody there: tried again, and it arrives when somebody is', async (c) => {
    await c.behave('down');
    const outcome = await c.sink.send(CREATE, null);
    // A broker's client cannot tell whether a batch had left.
    assert.ok(outcome.type === 'retry' || (name === 'kafka' && outcome.type === 'unknown'));
    assert.equal(c.taken().length, 0);
    await c.behave('works');
    assert.equal((await c.sink.send(CREATE, null)).type, 'sent');
    assert.deepEqual(c.taken(), [CREATE.uid]);
  });

  check('outcomes name no secret, whatever goes wrong', async (c) => {
    for (const mood of ['auth', 'refuses', 'busy', 'breaks', 'down'] as const) {
      await c.behave(mood);
      const said = JSON.stringify(await c.sink.send(CREATE, null));
      for (const secret of c.secrets) assert.ok(!said.includes(secret), `${mood}: ${said}`);
    }
  });

  check('text of agents arrives as text and as nothing else', async (c) => {
    const entity = { tenant: HOSTILE, agent: HOSTILE, role: HOSTILE, session: HOSTILE };
    const matter = matterOf({
      case: caseOf({ entity, title: HOSTILE }),
      detections: [
        {
          detection: detectionOf({ entity, tool: HOSTILE, explanation: HOSTILE }),
          retracted: false,
        },
      ],
      leases: [leaseOf({ subject: { ...entity, tools: [HOSTILE] } })],
    });
    assert.equal((await c.sink.send(alertOf({ matter }), null)).type, 'sent');
    assert.deepEqual(c.refused(), []);
    assert.doesNotMatch(c.everything(), /\\u00[01]|\\ud[89ab]|[\p{Cc}\p{Cf}]/u);
  });

  check('what it sends is bounded, however much there is', async (c) => {
    const long = '𝔘<&>"'.repeat(2000);
    const entity = { tenant: long, agent: long, role: long, session: long };
    const detections = Array.from({ length: 300 }, (_, at) => ({
      detection: detectionOf({
        ...{ id: String(at), detector: `${long}${at}`, entity, tool: `${long}${at}` },
        ...{ explanation: long, counterfactual: long, evidenceClass: 'statistical' },
        tags: Array.from({ length: 50 }, (_tag, n) => `owasp-asi.${n}${long}`),
        witnesses: Array.from({ length: 50 }, (_witness, n) => ({
          ...{ eventId: `${at} ${n}`, kind: 'gateway', timeMs: 1, seq: null, says: long },
          position: { topic: long, partition: 0, offset: n, index: 0 },
        })),
      }),
      retracted: false,
    }));
    const leases = Array.from({ length: 300 }, () =>
      leaseOf({ subject: { ...entity, tools: Array.from({ length: 99 }, () => long) } }),
    );
    const matter = matterOf({ case: caseOf({ entity, title: long }), detections, leases });
    const alert = alertOf({ matter });
    for (const { body } of c.sink.render(alert, after(alert), c.clock.nowMs()))
      assert.ok(
        Buffer.byteLength(body) <= c.sink.capabilities().bytesMax,
        `${Buffer.byteLength(body)} bytes`,
      );
    assert.equal((await c.sink.send(alert, null)).type, 'sent');
    assert.deepEqual(c.refused(), []);
  });

  if (name !== 'kafka') checkHttp(check);
}

function checkHttp(check: (claim: string, body: Body) => void): void {
  check('what it refuses as malformed is final', async (c) => {
    await c.behave('refuses');
    assert.deepEqual(await c.sink.send(CREATE, null), { type: 'refused', detail: 'HTTP 400' });
  });
  check('a credential that is not accepted waits for a person, and is not lost', async (c) => {
    await c.behave('auth');
    const outcome = await c.sink.send(CREATE, null);
    assert.ok(outcome.type === 'retry' && outcome.afterMs >= 30_000);
    assert.match(outcome.detail, /401.*check the secret/);
  });
  check('too many requests: it waits as long as it is asked to', async (c) => {
    await c.behave('busy');
    assert.deepEqual(await c.sink.send(CREATE, null), {
      ...{ type: 'retry', detail: 'HTTP 429', afterMs: 7_000 },
    });
  });
  check('a server in trouble is tried again', async (c) => {
    await c.behave('breaks');
    assert.deepEqual(await c.sink.send(CREATE, null), {
      ...{ type: 'retry', detail: 'HTTP 503', afterMs: 0 },
    });
    await c.behave('works');
    assert.equal((await c.sink.send(CREATE, null)).type, 'sent');
  });
  check('too slow: nobody knows whether it arrived', async (c) => {
    await c.behave('slow');
    assert.deepEqual(await c.sink.send(CREATE, null), {
      ...{ type: 'unknown', detail: 'reply lost: TIMEOUT', afterMs: 0 },
    });
  });
}
