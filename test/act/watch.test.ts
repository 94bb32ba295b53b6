/** The watch: what it makes of leaks, of targets that forget, and of the never-touch list. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Driver, ReadBack } from '../../src/act/driver.ts';
import { createWatch } from '../../src/act/watch.ts';
import type { Intention } from '../../src/model/decision.ts';
import { createVirtualClock } from '../sim/clock.ts';
import { intentionOf } from './intentions.ts';
import { createMemoryActionLog } from './memory-action-log.ts';
import { createScriptedDriver } from './scripted-driver.ts';
import { createTestLog } from './test-log.ts';

const GRACE_MS = 5_000;

/** A log with accepted leases, a driver that can be asked, and a gateway that is heard. */
async function lab(
  setting: {
    readBack?: () => ReadBack;
    readBackAfterMs?: number;
    neverTouch?: readonly string[];
  } = {},
) {
  const clock = createVirtualClock();
  const memory = createMemoryActionLog();
  const { log, lines } = createTestLog();
  const asked: string[] = [];
  const scripted = createScriptedDriver();
  const { readBack, readBackAfterMs } = setting;
  const driver: Driver = {
    ...scripted,
    capabilities: () => ({
      ...scripted.capabilities(),
      graceMs: GRACE_MS,
      readBack: readBack !== undefined,
      ...(readBackAfterMs === undefined ? {} : { readBackAfterMs }),
    }),
    ...(readBack === undefined
      ? {}
      : {
          readBack: async ({ leaseId }) => {
            asked.push(leaseId);
            return readBack();
          },
        }),
  };
  const heard = { alive: true };
  const watch = createWatch({
    ...{ actions: memory.log, drivers: new Map([['webhook', driver]]), clock, log },
    gateway: () => ({ watermarkMs: clock.nowMs(), alive: heard.alive }),
    neverTouch: async () => new Set(setting.neverTouch ?? []),
  });
  const accept = async (leaseId: string, change: Partial<Intention> = {}) => {
    const expiresMs = clock.nowMs() + 900_000;
    const intention = intentionOf(leaseId, { expiresMs, ...change });
    await memory.insert(intention);
    await memory.log.takeDue(clock.nowMs(), 1, 30_000);
    const outcome = { type: 'accepted', detail: 'ok' } as const;
    await memory.log.settle(intention.key, outcome, clock.nowMs());
  };
  const later = async (ms: number) => {
    await clock.advance(ms);
    await watch.look();
  };
  const call = (leaseId: string, allowed = true) =>
    memory.see(leaseId, { timeMs: clock.nowMs(), allowed, tool: 'send_money' });
  const last = () => memory.verdicts.at(-1);
  const wanted = () =>
    memory.asked.map((one) => (one.type === 'escalate' ? `${one.type} ${one.why}` : one.type));
  return { clock, memory, lines, heard, asked, accept, later, call, last, wanted, watch };
}

describe('watch', () => {
  it('asks for the next driver when a call comes through, once, before it is recorded', async () => {
    const { accept, later, call, last, wanted, memory } = await lab();
    await accept('L1');
    await later(GRACE_MS + 1);
    call('L1');
    await later(1_000);
    assert.deepEqual(last(), { leaseId: 'L1', verification: 'leaking', by: 'leak' });
    assert.deepEqual(wanted(), ['escalate leaking']);
    const order = memory.calls.filter((name) => name === 'ask' || name === 'verify');
    assert.deepEqual(order.slice(-2), ['ask', 'verify']);
    call('L1');
    await later(1_000);
    assert.deepEqual(wanted(), ['escalate leaking']);
  });

  it('asks again after a crash that came before the verdict was recorded; once is what counts', async () => {
    const { accept, later, call, wanted, memory, watch } = await lab();
    await accept('L1');
    await later(GRACE_MS + 1);
    call('L1');
    memory.failNext('verify', 1);
    await assert.rejects(later(1_000), { code: 'DATABASE_TRANSIENT' });
    await watch.look();
    assert.deepEqual(wanted(), ['escalate leaking']);
    assert.equal(memory.calls.filter((name) => name === 'ask').length, 2);
  });

  it('asks for nothing while calls within the grace come through, or when it holds', async () => {
    const { accept, later, call, last, wanted } = await lab();
    await accept('L1');
    await later(3_000);
    call('L1');
    await later(GRACE_MS);
    call('L1', false);
    await later(1_000);
    assert.equal(last()?.verification, 'verified');
    assert.deepEqual(wanted(), []);
  });

  it('believes a target that says it has it no more than a quiet gateway, and says by what', async () => {
    const { accept, later, last, heard } = await lab({ readBack: () => 'applied' });
    await accept('L1');
    heard.alive = false;
    await later(GRACE_MS + 1);
    assert.equal(last()?.verification, 'pending');
    heard.alive = true;
    await later(1_000);
    assert.deepEqual(last(), { leaseId: 'L1', verification: 'verified', by: 'readback+quiet' });
  });

  it('asks the target after the grace, and every 15 seconds while the lease stands', async () => {
    const { accept, later, asked } = await lab({ readBack: () => 'applied' });
    await accept('L1');
    await later(GRACE_MS - 1);
    assert.deepEqual(asked, []);
    for (let second = 0; second < 31; second += 1) await later(1_000);
    assert.deepEqual(asked, ['L1', 'L1', 'L1']);
  });

  it('asks before the grace is over where the target’s word is true before: ignored is found then', async () => {
    const setting = { readBack: () => 'absent' as const, readBackAfterMs: 2_000 };
    const { accept, later, asked, wanted } = await lab(setting);
    await accept('L1');
    await later(1_999);
    assert.deepEqual(asked, []);
    await later(1);
    assert.deepEqual([asked, wanted()], [['L1'], ['escalate reverted']]);
  });

  it('has the word of a target that it holds wait for the grace all the same', async () => {
    const setting = { readBack: () => 'applied' as const, readBackAfterMs: 0 };
    const { accept, later, last } = await lab(setting);
    await accept('L1');
    await later(2_500);
    assert.notEqual(last()?.verification, 'verified');
    await later(GRACE_MS);
    assert.equal(last()?.by, 'readback+quiet');
  });

  it('a target that has it no longer was overruled by somebody: the next one is asked', async () => {
    let has: ReadBack = 'applied';
    const { accept, later, last, wanted } = await lab({ readBack: () => has });
    await accept('L1');
    await later(GRACE_MS + 1);
    assert.equal(last()?.by, 'readback+quiet');
    has = 'absent';
    await later(15_000);
    assert.deepEqual(last(), { leaseId: 'L1', verification: 'unverified', by: 'reverted' });
    assert.deepEqual(wanted(), ['escalate reverted']);
  });

  it('a target that cannot say proves nothing either way', async () => {
    const { accept, later, last, wanted } = await lab({ readBack: () => 'unknown' });
    await accept('L1');
    await later(GRACE_MS + 1);
    assert.equal(last()?.by, 'quiet');
    assert.deepEqual(wanted(), []);
  });

  it('lifts what stands against somebody on the never-touch list, by name or role', async () => {
    for (const listed of ['agent-7', 'agent:agent-7', 'role:clerk']) {
      const { accept, later, wanted } = await lab({ neverTouch: [listed] });
      await accept('L1');
      await later(1_000);
      await later(1_000);
      assert.deepEqual(wanted(), ['lift'], listed);
    }
    const { accept, later, wanted } = await lab({ neverTouch: ['agent-8', 'role:courier'] });
    await accept('L1');
    await later(1_000);
    assert.deepEqual(wanted(), []);
  });

  it('lets what is on its way out go', async () => {
    const { accept, later, call, wanted, memory } = await lab();
    await accept('L1');
    await memory.insert(intentionOf('L1', { step: 'release', cause: 'undone' }));
    await later(GRACE_MS + 1);
    call('L1');
    await later(1_000);
    assert.deepEqual([wanted(), memory.verdicts], [[], []]);
  });
});
