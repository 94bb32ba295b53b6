/** Alertmanager: labels are an identity; ends end; what cannot be read silences nobody. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderAlert } from '../../../src/act/finding/finding.ts';
import { ALERTMANAGER } from '../../../src/act/sinks/alertmanager.ts';
import type { Alert } from '../../../src/model/alert.ts';
import type { DueAlert } from '../../../src/model/alert-log.ts';
import type { Http, HttpRequest } from '../../../src/model/ports.ts';
import { alertmanager } from '../../conformance/published.ts';
import { createVirtualClock } from '../../sim/clock.ts';
import { BEGAN_MS, CASE, dueOf, FINDING } from '../matter.ts';

const fits = alertmanager('postableAlerts');
const alertOf = (more: Partial<DueAlert> = {}): Alert => {
  const alert = renderAlert(dueOf(more), FINDING);
  assert.ok(alert !== null);
  return alert;
};
const make = (http: Http = async () => ({ status: 200, headers: {}, body: '' })) => {
  const ports = {
    ...{ http, clock: createVirtualClock(BEGAN_MS), instance: 'x', timeoutMs: 1 },
    publisher: () => null,
  };
  const made = ALERTMANAGER.create(
    ports,
    { type: 'alertmanager', url: 'http://am:9093' },
    new Map(),
  );
  assert.ok(made.ok);
  return made.sink;
};
interface Posted {
  readonly labels: Record<string, string>;
  readonly startsAt: string;
  readonly endsAt: string;
}
const bodyOf = (alert: Alert, told: Alert | null, nowMs: number): Posted[] => {
  const before = told === null ? null : { alert: told, thread: null, closed: false };
  const [request] = make().render(alert, before, nowMs);
  const list: unknown = JSON.parse(request?.body ?? '');
  assert.deepEqual(fits(list), { ok: true, why: '' });
  return list as Posted[];
};

test('labels hold who and what, and nothing that changes while the case goes on', () => {
  const [one] = bodyOf(alertOf(), null, BEGAN_MS + 60_000);
  assert.deepEqual(one?.labels, {
    ...{ alertname: 'PlumblineCase', severity: 'critical', agent: 'agent-7', role: 'billing' },
    ...{ detector: 'unstated-action', case: CASE, tenant: 'acme' },
  });
  const later = alertOf({ uid: 'x', activity: 'update', sequence: 9, why: ['detector'] });
  assert.deepEqual(bodyOf(later, alertOf(), BEGAN_MS + 99_000)[0]?.labels, one?.labels);
  assert.equal(bodyOf(later, alertOf(), BEGAN_MS).length, 1);
});

test('it fires for five minutes, and is over at once when it ends', () => {
  const nowMs = BEGAN_MS + 60_000;
  const [firing] = bodyOf(alertOf(), null, nowMs);
  assert.equal(Date.parse(firing?.endsAt ?? ''), nowMs + 300_000);
  const [over] = bodyOf(alertOf({ activity: 'close' }), alertOf(), nowMs);
  assert.equal(Date.parse(over?.endsAt ?? ''), nowMs);
});

test('it begins before it ends, also where event time runs ahead of our clock', () => {
  const [one] = bodyOf(alertOf({ activity: 'close' }), null, BEGAN_MS - 3_600_000);
  assert.ok(Date.parse(one?.startsAt ?? '') < Date.parse(one?.endsAt ?? ''));
});

test('a changed severity is another alert: the one before is ended with it', () => {
  const nowMs = BEGAN_MS + 60_000;
  const list = bodyOf(alertOf({ level: 'high' }), alertOf({ level: 'medium' }), nowMs);
  assert.deepEqual(
    list.map(({ labels, endsAt }) => [labels['severity'], Date.parse(endsAt) - nowMs]),
    [
      ['warning', 0],
      ['critical', 300_000],
    ],
  );
});

test('what stands is told again in one request', async () => {
  const sent: HttpRequest[] = [];
  const sink = make(async (request) => {
    sent.push(request);
    return { status: 200, headers: {}, body: '' };
  });
  const outcome = await sink.resend?.([alertOf(), alertOf({ level: 'low' })]);
  assert.equal(outcome?.type, 'sent');
  assert.equal(sent.length, 1);
  assert.equal((JSON.parse(sent[0]?.body ?? '') as Posted[]).length, 2);
});

test('silences: those in force are read; answers that are none silence nobody', async () => {
  const silence = {
    ...{ id: 'a', status: { state: 'active' }, endsAt: '2030-01-01T00:00:00Z' },
    matchers: [{ name: 'agent', value: 'x', isRegex: false }],
  };
  const read = async (body: unknown, status = 200) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return await make(async () => ({ status, headers: {}, body: text })).silences?.();
  };
  assert.deepEqual(
    (await read([silence]))?.map(({ id, matchers }) => [id, matchers[0]?.isEqual]),
    [['a', true]],
  );
  const bad = [
    { ...silence, status: { state: 'expired' } },
    { ...silence, endsAt: 'tomorrow' },
    { ...silence, matchers: [] },
    { ...silence, matchers: [null] },
    { ...silence, matchers: [{ name: 'agent' }] },
    { ...silence, id: 5 },
    null,
    'x',
  ];
  assert.deepEqual(await read(bad), []);
  for (const [body, status] of [
    ['[{', 200],
    ['{}', 200],
    ['[]', 500],
  ] as const)
    await assert.rejects(read(body, status), { code: 'CONTROL_REFUSED', retryable: true });
});
