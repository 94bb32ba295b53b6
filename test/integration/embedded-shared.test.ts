/** The embedded server between processes that come and go: nobody stops it under another. */
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbeddedPostgres } from '../../src/adapters/embedded-postgres.ts';
import { joinEmbedded, type SharedServer } from '../../src/commands/embedded.ts';
import { silentLog } from './postgres.ts';

/** Longer than a pool keeps a connection that nobody uses. */
const IDLE_MS = 11_000;
const ROUNDS = 8;

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'plt-shared-'));
  await chmod(root, 0o755);
});
after(async () => await rm(root, { recursive: true, force: true }));

/** Each stands for a process of its own: servers are told apart by the name of the application. */
let processes = 0;
const enter = async (): Promise<SharedServer> => {
  processes += 1;
  const applicationName = `process-${processes}`;
  return await joinEmbedded(join(root, 'data'), { applicationName, poolMax: 2, log: silentLog });
};

const works = async ({ db }: SharedServer): Promise<void> => {
  assert.equal((await db.query('select 1 as one'))[0]?.['one'], 1);
};

test('whoever leaves last stops it, whoever leaves earlier does not, however idle the others are', async () => {
  const first = await enter();
  const second = await enter();
  await works(second);
  await sleep(IDLE_MS);
  await first.leave(true);
  await works(second);
  await second.leave(true);
  const after = await startEmbeddedPostgres({ dataDir: join(root, 'data'), log: silentLog });
  assert.equal(after.adopted, false, 'it did not run any more');
  await after.stop();
});

test('who comes while another goes has a server, time after time', async () => {
  let here = await enter();
  for (let round = 0; round < ROUNDS; round += 1) {
    // Now a little before, now a little after the other looks whether it is alone.
    const coming = sleep(round * 15).then(enter);
    await here.leave(true);
    here = await coming;
    await works(here);
    await sleep(100);
    await works(here);
  }
  await here.leave(true);
});
