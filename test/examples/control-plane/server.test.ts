/** The example control plane over HTTP: who may ask, what it tells, what it survives. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
} from '../../../examples/control-plane/server.ts';

const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
const NOW = 1_800_000_000_000;

const withPlane = async (
  use: (plane: ControlPlane) => Promise<void>,
  options: Partial<ControlPlaneOptions> = {},
) => {
  const plane = await startControlPlane({ port: 0, secret: SECRET, nowMs: () => NOW, ...options });
  try {
    await use(plane);
  } finally {
    await plane.close();
  }
};
const eventOf = (key: string, change: Record<string, unknown> = {}, type = 'requested') => ({
  specversion: '1.0',
  type: `plumbline.control.${type}.v1`,
  id: key,
  data: {
    leaseId: 'L1',
    verb: 'freeze_tool',
    subject: { tenant: 't', agent: 'a1', tools: ['pay'] },
    expiresAt: new Date(NOW + 60_000).toISOString(),
    ...change,
  },
});
const post = (
  plane: ControlPlane,
  key: string,
  body: string,
  change: { atMs?: number; headers?: Record<string, string>; signedBody?: string } = {},
) => {
  const at = new Date(change.atMs ?? NOW);
  const headers = {
    'webhook-id': key,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(SECRET).sign(key, at, change.signedBody ?? body),
    ...change.headers,
  };
  return fetch(`${plane.url}/control`, { method: 'POST', headers, body });
};
const place = async (plane: ControlPlane, key: string, change: Record<string, unknown> = {}) =>
  (await post(plane, key, JSON.stringify(eventOf(key, change)))).status;
const view = async (plane: ControlPlane, path: string) =>
  JSON.parse(await (await fetch(`${plane.url}${path}`)).text());

test('only a fresh and right signature is heard', () =>
  withPlane(async (plane) => {
    const body = JSON.stringify(eventOf('k1'));
    assert.equal((await post(plane, 'k1', body, { signedBody: `${body} ` })).status, 401);
    assert.equal((await post(plane, 'k1', body, { atMs: NOW - 301_000 })).status, 401);
    assert.equal((await post(plane, 'k1', body, { atMs: NOW + 301_000 })).status, 401);
    assert.equal(
      (await post(plane, 'k1', body, { headers: { 'webhook-signature': 'v1,AAAA' } })).status,
      401,
    );
    assert.equal((await fetch(`${plane.url}/control`, { method: 'POST', body })).status, 401);
    assert.deepEqual(plane.state(), { leases: [], keys: {} });
    assert.equal((await post(plane, 'k1', body, { atMs: NOW - 299_000 })).status, 200);
    const right = new Webhook(SECRET).sign('k2', new Date(NOW), JSON.stringify(eventOf('k2')));
    const rotating = { 'webhook-signature': `v1,AAAA v1a,x ${right}` };
    const second = await post(plane, 'k2', JSON.stringify(eventOf('k2')), { headers: rotating });
    assert.equal(second.status, 200);
  }));

test('what is not a control request is refused by name and changes nothing', () =>
  withPlane(async (plane) => {
    const bad: [string, unknown][] = [
      ['not a JSON object', [1]],
      ['id and webhook-id', { ...eventOf('k1'), id: 'other' }],
      ['type', { ...eventOf('k1'), type: 'toString' }],
      ['data is', { ...eventOf('k1'), data: null }],
      ['leaseId', eventOf('k1', { leaseId: 7 })],
      ['verb', eventOf('k1', { verb: 'delete_everything' })],
      ['subject', eventOf('k1', { subject: { agent: '' } })],
      ['subject', eventOf('k1', { subject: { agent: 'a', session: 5 } })],
      ['subject', eventOf('k1', { subject: { agent: 'a', tools: [''] } })],
      ['expiresAt', eventOf('k1', { expiresAt: 'soon' })],
    ];
    for (const [reason, event] of bad) {
      const reply = await post(plane, 'k1', JSON.stringify(event));
      assert.equal(reply.status, 400);
      assert.ok(JSON.parse(await reply.text()).reason.includes(reason), reason);
    }
    assert.equal((await post(plane, 'k1', '{{')).status, 400);
    assert.equal((await post(plane, 'k1', 'x'.repeat(70_000))).status, 413);
    assert.deepEqual(plane.state(), { leases: [], keys: {} });
  }));

test('one key takes effect once, and only with the body it came with first', () =>
  withPlane(async (plane) => {
    const body = JSON.stringify(eventOf('k1'));
    assert.equal(await (await post(plane, 'k1', body)).text(), '{"state":"applied"}');
    assert.equal(await (await post(plane, 'k1', body)).text(), '{"state":"already"}');
    assert.equal((await post(plane, 'k1', ` ${body}`)).status, 409);
    const { k1 } = plane.state().keys;
    assert.deepEqual([k1?.received, k1?.applied], [3, 1]);
  }));

test('posture tells what holds for a call, and whose doing a denial is', () =>
  withPlane(async (plane) => {
    await place(plane, 'k1');
    await place(plane, 'k2', {
      leaseId: 'L2',
      verb: 'revoke_session',
      subject: { agent: 'a2', session: 's2' },
      expiresAt: null,
    });
    const denied = { allowed: false, posture: 'conservative', leaseIds: ['L1'] };
    assert.deepEqual(await view(plane, '/posture?agent=a1&session=s&tool=pay'), {
      ...denied,
      policyId: 'plumbline:L1',
    });
    assert.equal((await view(plane, '/posture?agent=a1&tool=read')).allowed, true);
    assert.equal((await view(plane, '/posture?agent=a1')).allowed, true);
    assert.deepEqual(await view(plane, '/posture?agent=a2&session=s2&tool=read'), {
      allowed: false,
      posture: 'halt',
      leaseIds: ['L2'],
      policyId: 'plumbline:L2',
    });
    assert.deepEqual(await view(plane, '/posture?agent=a2&session=s3'), {
      allowed: true,
      posture: 'normal',
      leaseIds: [],
      policyId: null,
    });
    assert.equal((await fetch(`${plane.url}/posture`)).status, 400);
    assert.deepEqual(
      (await view(plane, '/tools')).tools.map((row: { tool: string }) => row.tool),
      ['pay'],
    );
    assert.deepEqual(
      (await view(plane, '/sessions')).sessions.map((row: { session: string }) => row.session),
      ['s2'],
    );
    assert.equal((await fetch(`${plane.url}/nothing`)).status, 404);
  }));

test('views carry an ETag that changes with what they say', () =>
  withPlane(async (plane) => {
    const ask = (etag: string) =>
      fetch(`${plane.url}/posture?agent=a1&tool=pay`, { headers: { 'if-none-match': etag } });
    const first = await ask('"none"');
    assert.equal(first.status, 200);
    await first.text();
    const etag = first.headers.get('etag') ?? '';
    assert.equal((await ask(etag)).status, 304);
    await place(plane, 'k1');
    const second = await ask(etag);
    assert.equal(second.status, 200);
    assert.notEqual(second.headers.get('etag'), etag);
    await second.text();
  }));

test('hostile names stay names', () =>
  withPlane(async (plane) => {
    const agent = '</script>\u202e\u2028&\u007f"\\__proto__';
    assert.equal(
      await place(plane, '__proto__', { leaseId: '__proto__', subject: { agent } }),
      200,
    );
    const reply = await fetch(`${plane.url}/leases`);
    assert.equal(reply.headers.get('content-type'), 'application/json');
    assert.equal(reply.headers.get('x-content-type-options'), 'nosniff');
    const text = await reply.text();
    assert.doesNotMatch(text, /[<>&\u007f\u202e\u2028]/);
    assert.equal(JSON.parse(text).leases[0].subject.agent, agent);
    const asked = await view(plane, `/posture?agent=${encodeURIComponent(agent)}`);
    assert.equal(asked.allowed, false);
  }));

test('leases and keys survive a restart, and end meanwhile', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'control-plane-'));
  const statePath = join(folder, 'leases.json');
  try {
    await withPlane(
      async (plane) => {
        await place(plane, 'k1');
        await place(plane, 'k2', { leaseId: 'L2', expiresAt: new Date(NOW + 5).toISOString() });
      },
      { statePath },
    );
    await withPlane(
      async (plane) => {
        assert.deepEqual(
          plane.state().leases.map(({ leaseId, state, ended }) => [leaseId, state, ended]),
          [
            ['L1', 'active', null],
            ['L2', 'released', 'expired'],
          ],
        );
        assert.equal(await place(plane, 'k1'), 200);
        assert.equal(plane.state().keys['k1']?.applied, 1);
      },
      { statePath, nowMs: () => NOW + 5 },
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a request past its time is refused', () =>
  withPlane(async (plane) => {
    assert.equal(await place(plane, 'k1', { expiresAt: new Date(NOW).toISOString() }), 409);
    assert.deepEqual(plane.state().leases, []);
  }));

test('a lie is checked, and a share of requests is lied to by seed', () =>
  withPlane(async (plane) => {
    const lie = (body: unknown) =>
      fetch(`${plane.url}/lie`, { method: 'POST', body: JSON.stringify(body) });
    for (const bad of [
      {},
      { mode: 'x' },
      { mode: 'fail', share: 2 },
      { mode: 'slow', delayMs: -1 },
    ]) {
      assert.equal((await lie(bad)).status, 400);
    }
    const statuses = async (seed: number) => {
      assert.equal((await lie({ mode: 'fail', share: 0.5, seed })).status, 200);
      const seen: number[] = [];
      for (let i = 0; i < 40; i += 1) {
        seen.push(await place(plane, `k${seed}-${i}-${seen.length}`, { leaseId: `L${i}` }));
      }
      return seen;
    };
    const first = await statuses(7);
    const failed = first.filter((status) => status === 503).length;
    assert.ok(failed > 8 && failed < 32, `${failed} of 40`);
    assert.deepEqual(await statuses(7), first);
    assert.notDeepEqual(await statuses(8), first);
  }));

test('a secret that is none, or a port that is taken, is said at once', async () => {
  await assert.rejects(startControlPlane({ port: 0, secret: 'whsec_c2hvcnQ=' }), /24 to 64 bytes/);
  await withPlane(async (plane) => {
    await assert.rejects(startControlPlane({ port: plane.port, secret: SECRET }), /EADDRINUSE/);
  });
});

test('the program starts, says where it is, and stops when told', async () => {
  const main = new URL('../../../examples/control-plane/main.ts', import.meta.url).pathname;
  const run = (secret: string | null) =>
    spawn(process.execPath, [main, '--port', '0'], {
      env: secret === null ? {} : { PLUMBLINE_CONTROL_SECRET: secret },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const ended = (child: ReturnType<typeof run>) =>
    new Promise<number | null>((resolve) => child.once('exit', resolve));
  assert.equal(await ended(run(null)), 2);
  assert.equal(await ended(run('whsec_short')), 1);
  const child = run(SECRET);
  const line = await new Promise<string>((resolve) =>
    child.stdout.once('data', (chunk) => resolve(String(chunk))),
  );
  const url = /http:\/\/127\.0\.0\.1:[0-9]+/.exec(line)?.[0];
  assert.deepEqual(await (await fetch(`${url}/sessions`)).json(), { sessions: [] });
  const exit = ended(child);
  child.kill('SIGTERM');
  assert.equal(await exit, 0);
});
