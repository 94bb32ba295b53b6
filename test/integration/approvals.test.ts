/** Approvals as people type them: a token, what waits, a word that counts, and one that does not. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ListedApproval } from '../../src/record/approvals.ts';
import { commitLane } from '../../src/record/lane.ts';
import { readLease } from '../../src/record/read.ts';
import { ask, type Surroundings, type } from './plumbline.ts';
import {
  type FreshDatabase,
  freshDatabase,
  type ProvidedPostgres,
  providePostgres,
} from './postgres.ts';
import { claim, commit, effects, intention } from './samples.ts';
import { SECRET, SECRET_NAME, writeConfig } from './story.ts';

let postgres: ProvidedPostgres;
let database: FreshDatabase;
let folder: string;
before(async () => {
  postgres = await providePostgres();
  database = await freshDatabase(postgres);
  folder = await mkdtemp(join(tmpdir(), 'plt-approvals-'));
});
after(async () => {
  await database.drop();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
});

test('two approvers agree by their tokens; nobody else, nobody twice, and not who it is about', async () => {
  const { db, url } = database;
  const plain: Surroundings = { cwd: folder, env: { DATABASE_URL: url } };
  const made = async (name: string) =>
    await ask<{ token: string; sha256: string }>(['approvals', 'token', name], plain);
  const [ann, ben, owner] = [await made('ann'), await made('ben'), await made('owner')];
  const config = await writeConfig(folder, {
    jsonl: { path: folder },
    control: {
      drivers: {
        hook: { type: 'webhook', url: 'http://127.0.0.1:9/', secret: { env: SECRET_NAME } },
      },
      approval: { revoke_session: { quorum: 2 } },
      approvers: {
        ann: { sha256: ann.sha256 },
        ben: { sha256: ben.sha256 },
        owner: { sha256: owner.sha256 },
      },
    },
  });
  const asked = intention(1, {
    verb: 'revoke_session',
    expiresMs: null,
    driver: 'hook',
    approval: { quorum: 2, withinMs: 600_000, barred: ['owner'] },
  });
  const token = (await claim(db)).claim;
  const step = commit({ effects: effects({ intentions: [asked] }) });
  assert.equal(await commitLane(db, token, step), 'done');
  const waiting = await ask<ListedApproval[]>(['approvals', '--config', config], plain);
  assert.deepEqual(
    waiting.map(({ leaseId, verb, quorum, state }) => [leaseId, verb, quorum, state]),
    [[asked.leaseId, 'revoke_session', 2, 'pending']],
  );
  const id = asked.leaseId.slice(0, 12);
  const say = async (secret: string, verb = 'approve') =>
    await type(['approvals', verb, id, '--note', 'looked at it', '--config', config], {
      ...plain,
      env: { ...plain.env, PLUMBLINE_TOKEN: secret },
    });
  // Before anybody agrees they can see what exactly would be sent.
  const plan = await type(['leases', 'plan', id, '--config', config], {
    ...plain,
    env: { ...plain.env, [SECRET_NAME]: SECRET },
  });
  assert.equal(plan.code, 0, plan.stderr);
  assert.match(plan.stdout, /^POST http:\/\/127\.0\.0\.1:9\/\n/);
  assert.match(plan.stdout, /Undo: there is none/);
  assert.ok(!plan.stdout.includes(SECRET));
  const state = async () => (await readLease(db, asked.leaseId)).state;
  const stranger = await say('plb_somebody-else');
  assert.equal(stranger.code, 2);
  assert.match(stranger.stderr, /belongs to nobody in control\.approvers/);
  assert.ok(!stranger.stderr.includes('somebody-else'), 'a token is not repeated');
  const barred = await say(owner.token);
  assert.deepEqual([barred.code, /may not decide/.test(barred.stdout)], [1, true]);
  const first = await say(ann.token);
  assert.deepEqual([first.code, /1 of 2/.test(first.stdout)], [0, true], first.stdout);
  const again = await say(ann.token);
  assert.deepEqual([again.code, /has spoken/.test(again.stdout)], [1, true], again.stdout);
  assert.equal(await state(), 'awaiting');
  // The other one keeps it in a file.
  const file = join(folder, 'ben.token');
  await writeFile(file, `${ben.token}\n`, { mode: 0o600 });
  const words = ['approvals', 'approve', id, '--note', 'agreed', '--token-file', file];
  const second = await type([...words, '--config', config], plain);
  assert.equal(second.code, 0, second.stderr);
  assert.match(second.stdout, /is sent now/);
  assert.equal(await state(), 'requested');
  const late = await say(ann.token, 'decline');
  assert.deepEqual([late.code, /Too late/.test(late.stdout)], [1, true], late.stdout);
  assert.deepEqual(await ask(['approvals', '--config', config], plain), []);
});
