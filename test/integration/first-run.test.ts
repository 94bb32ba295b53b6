/** The first run and the life of leases, seen from outside: processes, files, a control plane. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startControlPlane } from '../../examples/control-plane/server.ts';
import type { Decision } from '../../src/model/decision.ts';
import type { CaseFile, ListedCase, StoredLease } from '../../src/record/read.ts';
import type { RecordStatus } from '../../src/record/status.ts';
import { ask, type Launched, launch, type, until, untilTrue } from './plumbline.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
} from './postgres.ts';
import {
  controlAt,
  FORBIDDEN,
  registers,
  SECRET,
  SECRET_NAME,
  tell,
  uses,
  writeConfig,
} from './story.ts';

const PROMISED_MS = 30_000;
const MINUTE_MS = 60_000;

interface Held {
  readonly leaseId: string;
  readonly state: string;
  readonly ended: string | null;
  readonly expiresAt: string | null;
}

const folders: string[] = [];
let postgres: ProvidedPostgres;

before(async () => {
  postgres = await providePostgres();
});
after(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
  await postgres.stop();
});

const freshFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'plt-first-'));
  // The embedded server runs as another user where the test runs as root.
  await chmod(folder, 0o755);
  folders.push(folder);
  return folder;
};

const positionsOf = ({ lanes }: RecordStatus): Map<string, number> =>
  new Map(
    lanes.flatMap(({ positions }) =>
      positions.map((at) => [`${at.topic}/${at.partition}`, at.next]),
    ),
  );

const secondsAfter = (text: string, what: string): number => {
  const [, value, unit] = new RegExp(`${what} after ([0-9.]+) (ms|s|min)`).exec(text) ?? [];
  assert.ok(value !== undefined && unit !== undefined, `no figure of the ${what} in:\n${text}`);
  return (Number(value) * { ms: 1, s: 1000, min: MINUTE_MS }[unit as 's']) / 1000;
};

/** What the control plane of the demo says of a lease. */
const heldAt = async (control: string, id: string): Promise<Held | undefined> => {
  const reply = await fetch(`${control}/leases`);
  const { leases } = (await reply.json()) as { leases: Held[] };
  return leases.find(({ leaseId }) => leaseId === id);
};

test('npm start: a case and a lease within 30 s; one lease undone, one run out; all of it survives', async (t) => {
  const cwd = await freshFolder();
  const where = { cwd };
  const first = launch(['start'], where);
  const leases = () => ask<StoredLease[]>(['leases', '--limit', '1000'], where);
  await untilTrue('the first lease', () => /lease .* stands until/.test(first.stdout()), first);

  const port = await readFile(join(cwd, '.plumbline', 'demo', 'control-port'), 'utf8');
  const control = `http://127.0.0.1:${port}`;
  const fresh = await until('a lease that stands for a while', async () =>
    (await leases()).find(
      ({ state, expiresMs }) => state === 'accepted' && (expiresMs ?? 0) > Date.now() + 15_000,
    ),
  );
  assert.equal((await heldAt(control, fresh.id))?.state, 'active');
  const undone = await type(
    ['leases', 'undo', fresh.id.slice(0, 12), '--by', 'tester', '--reason', 'a mistake'],
    where,
  );
  assert.equal(undone.code, 0, undone.stderr);
  assert.match(undone.stdout, /undone by tester: a mistake/);
  assert.deepEqual(
    [(await heldAt(control, fresh.id))?.state, (await heldAt(control, fresh.id))?.ended],
    ['released', 'released'],
  );

  const ranOut = await until('a lease that ran out by itself', async () =>
    (await leases()).find(({ state, cause }) => state === 'expired' && cause === 'expired'),
  );
  assert.ok((ranOut.endedMs ?? 0) >= (ranOut.expiresMs ?? Number.POSITIVE_INFINITY));
  assert.equal((await heldAt(control, ranOut.id))?.state, 'released');

  const ended = await first.end();
  assert.equal(ended.code, 0, ended.stderr);
  const caseAfter = secondsAfter(ended.stdout, 'First case');
  const leaseAfter = secondsAfter(ended.stdout, 'first lease');
  t.diagnostic(`first case after ${caseAfter} s, first lease after ${leaseAfter} s`);
  assert.ok(caseAfter * 1000 <= PROMISED_MS, `first case after ${caseAfter} s`);
  assert.ok(leaseAfter * 1000 <= PROMISED_MS, `first lease after ${leaseAfter} s`);
  assert.match(ended.stdout, /ran out by themselves/);
  assert.match(ended.stdout, /1 undone/);
  assert.equal(ended.stdout.match(/to undo it:/g)?.length, 1, 'one hint is enough');

  const before = {
    status: (await ask<{ status: RecordStatus }>(['status'], where)).status,
    cases: await ask<ListedCase[]>(['cases', '--limit', '1000'], where),
    leases: await leases(),
  };
  const standing = before.leases.find(({ state }) => state === 'accepted');
  const again = launch(['start', '--json'], where);
  await untilTrue(
    'records read after the restart',
    async () => {
      const { status } = await ask<{ status: RecordStatus }>(['status'], where);
      const now = positionsOf(status);
      return [...positionsOf(before.status)].some(([at, next]) => (now.get(at) ?? 0) > next);
    },
    again,
  );
  if (standing !== undefined) {
    const over = await until('the lease that stood to end in its time', async () =>
      (await leases()).find(({ id, state }) => id === standing.id && state === 'expired'),
    );
    assert.ok((over.endedMs ?? 0) >= (standing.expiresMs ?? Number.POSITIVE_INFINITY));
  }
  const report = JSON.parse((await again.end()).stdout) as { readonly events: number };
  assert.ok(report.events > 0);

  const { status } = await ask<{ status: RecordStatus }>(['status'], where);
  const now = positionsOf(status);
  for (const [at, next] of positionsOf(before.status)) assert.ok((now.get(at) ?? 0) >= next, at);
  const cases = await ask<ListedCase[]>(['cases', '--limit', '1000'], where);
  // A session the stop cut in two may gain a finding from its second half; none may go, or come twice.
  const found = new Map(cases.map((one) => [one.case.id, one.case.detections]));
  for (const one of before.cases) {
    const after = found.get(one.case.id) ?? [];
    assert.equal(new Set(after).size, after.length);
    for (const id of one.case.detections) assert.ok(after.includes(id), `finding ${id} is gone`);
  }
  const kept = new Set((await leases()).map(({ id }) => id));
  for (const { id } of before.leases) assert.ok(kept.has(id), `lease ${id} is gone`);
  assert.equal((await type(['journal', 'verify'], where)).code, 0);
});

test('a second first run in the same folder is refused; a killed one takes its companions along', async () => {
  const cwd = await freshFolder();
  const first = launch(['start'], { cwd });
  await untilTrue('the control plane', () => first.stdout().includes('Control plane:'), first);
  const port = await readFile(join(cwd, '.plumbline', 'demo', 'control-port'), 'utf8');
  await until('the control plane to answer', async () =>
    (await answers(`http://127.0.0.1:${port}`)) ? true : null,
  );
  const second = await type(['start'], { cwd });
  assert.equal(second.code, 1);
  assert.match(second.stderr, /another first run is at work in .*: stop it/);
  await first.end('SIGKILL');
  await until('the control plane to be gone', async () =>
    (await answers(`http://127.0.0.1:${port}`)) ? null : true,
  );
  // The embedded server outlives a kill and is adopted by whoever comes next, who then ends it.
  const third = await type(['start', '--for', '1s'], { cwd });
  assert.equal(third.code, 0, third.stderr);
});

const answers = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/leases`)).ok;
  } catch (cause) {
    if (cause instanceof TypeError) return false;
    throw cause;
  }
};

/** Roles of their own: a role whose agents all fire alike is a matter of the role, and nobody is stopped. */
const roleOf = (agent: string): string => `clerk of ${agent}`;
const breaks = (agent: string, session: string, atMs: number) =>
  uses(FORBIDDEN, agent, session, atMs, roleOf(agent));

test('the life of leases: kept, undone with immunity, paused and resumed; never-touch; restart', async () => {
  const cwd = await freshFolder();
  const plane = await startControlPlane({ port: 0, secret: SECRET });
  const database: FreshDatabase = await freshDatabase(postgres);
  let daemon: Launched | null = null;
  try {
    const config = await writeConfig(cwd, {
      jsonl: { path: cwd, follow: true },
      control: controlAt(plane.url),
      guardrails: {
        leaseMax: '10m',
        coolDown: '1s',
        breakerFleetShare: 1,
        breakerRoleShare: 1,
        neverTouch: ['agent-untouchable'],
      },
    });
    const where = { cwd, env: { DATABASE_URL: database.url, [SECRET_NAME]: SECRET } };
    const look = [...['--config'], config];
    const decisionsOn = async (agent: string): Promise<Decision[]> => {
      const cases = await ask<ListedCase[]>(['cases', '--agent', agent, ...look], where);
      const files = await Promise.all(
        cases.map((one) => ask<CaseFile>(['explain', one.case.id, ...look], where)),
      );
      return files.flatMap(({ decisions }) => decisions);
    };
    const decided = (agent: string, outcome: Decision['outcome'], check: string | null) =>
      until(`${outcome} on ${agent}`, async () =>
        (await decisionsOn(agent)).find(
          (one) =>
            one.outcome === outcome &&
            (check === null || one.guardrails.some((each) => each.check === check && !each.passed)),
        ),
      );
    const heldBy = (agent: string) =>
      plane.state().leases.filter(({ subject }) => subject.agent === agent);
    const agents = ['agent-kept', 'agent-undone', 'agent-paused', 'agent-untouchable'];
    const startMs = Date.now();
    await tell(
      cwd,
      agents.flatMap((agent) => registers(agent, startMs - 20 * MINUTE_MS, roleOf(agent))),
    );
    await tell(cwd, [
      ...breaks('agent-kept', 'kept-1', startMs - 6 * MINUTE_MS),
      ...breaks('agent-untouchable', 'untouchable-1', startMs - 5 * MINUTE_MS),
      ...breaks('agent-undone', 'undone-1', startMs - 4 * MINUTE_MS),
      // The first lease has less than half of its ten minutes left when the same happens again.
      ...breaks('agent-kept', 'kept-2', startMs - 20_000),
    ]);
    daemon = launch(['run', '--quiet', '--config', config], where);

    const act = await decided('agent-kept', 'act', null);
    const renewal = await decided('agent-kept', 'renew', null);
    assert.equal(renewal.leaseId, act.leaseId);
    const until10 = renewal.timeMs + 10 * MINUTE_MS;
    await until('the renewal at the control plane', () =>
      heldBy('agent-kept').some((one) => Date.parse(one.expiresAt ?? '') === until10) ? true : null,
    );
    assert.equal(heldBy('agent-kept').length, 1, 'kept, not placed twice');
    assert.ok(until10 > act.timeMs + 10 * MINUTE_MS, 'longer than it was placed for');

    const placed = await decided('agent-undone', 'act', null);
    await until('the lease to stand', () =>
      heldBy('agent-undone').some(({ state }) => state === 'active') ? true : null,
    );
    const signed = ['--by', 'anna', '--reason', 'agreed with its owner', ...look];
    const undo = await type(['leases', 'undo', placed.leaseId ?? '', ...signed], where);
    assert.equal(undo.code, 0, undo.stderr);
    assert.match(undo.stdout, /undone by anna: agreed with its owner/);
    assert.deepEqual(
      heldBy('agent-undone').map(({ state, ended }) => [state, ended]),
      [['released', 'released']],
    );
    const twice = await type(['leases', 'undo', placed.leaseId ?? '', ...signed], where);
    assert.equal(twice.code, 1);
    assert.match(twice.stdout, /^Nothing to undo: lease .* undone by anna/);
    await tell(cwd, breaks('agent-undone', 'undone-2', Date.now()));
    const immune = await decided('agent-undone', 'withheld', 'cool-down');
    const why = immune.guardrails.find(({ check }) => check === 'cool-down')?.data ?? '';
    assert.match(why, /immunity after being undone/);

    const by = ['--scope', 'fleet', '--by', 'anna', '--reason', 'drill', '--config', config];
    const paused = await ask<{ inForce: boolean }>(['pause', ...by], where);
    assert.equal(paused.inForce, true);
    await tell(cwd, breaks('agent-paused', 'paused-1', Date.now()));
    await decided('agent-paused', 'withheld', 'kill-switch');
    assert.deepEqual(heldBy('agent-paused'), []);
    assert.equal((await ask<{ inForce: boolean }>(['resume', ...by], where)).inForce, true);
    await tell(cwd, breaks('agent-paused', 'paused-2', Date.now()));
    await decided('agent-paused', 'act', null);
    await until('a lease after the pause', () =>
      heldBy('agent-paused').some(({ state }) => state === 'active') ? true : null,
    );

    await decided('agent-untouchable', 'withheld', 'never-touch');
    assert.deepEqual(heldBy('agent-untouchable'), []);

    const stopped = await daemon.end();
    assert.equal(stopped.code, 0, stopped.stderr);
    const asked = await ask<{ asked: string; state: string }>(
      ['leases', 'undo', act.leaseId ?? '', ...signed],
      where,
    );
    assert.equal(asked.state, 'accepted', 'nobody is there to take it up');
    const before = (await ask<{ status: RecordStatus }>(['status', ...look], where)).status;
    daemon = launch(['run', '--quiet', '--config', config], where);
    await until('the undo to be taken up after the restart', () =>
      heldBy('agent-kept').every(({ state }) => state === 'released') ? true : null,
    );
    const { status } = await ask<{ status: RecordStatus }>(['status', ...look], where);
    assert.deepEqual(positionsOf(status), positionsOf(before));
    assert.deepEqual([status.detections, status.cases], [before.detections, before.cases]);
    assert.equal((await daemon.end()).code, 0);
    daemon = null;
    assert.equal((await type(['journal', 'verify', ...look], where)).code, 0);
    const { keys } = plane.state();
    assert.deepEqual(
      Object.values(keys).map(({ applied }) => applied),
      Object.values(keys).map(() => 1),
      'every request took effect once',
    );
  } finally {
    if (daemon !== null) await daemon.end('SIGKILL');
    await plane.close();
    await database.drop();
  }
});
