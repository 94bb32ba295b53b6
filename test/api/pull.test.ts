/** The pull route: who may fetch what, how it is acknowledged, and what is refused with a reason. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pullRoutes, type Work } from '../../src/api/pull.ts';
import { createVirtualClock } from '../sim/clock.ts';

const setup = () => {
  const clock = createVirtualClock();
  const open = new Map<string, Readonly<Record<string, unknown>>>();
  const said: (readonly [string, string | null])[] = [];
  const taken: number[] = [];
  const work: Work = {
    take: async (drivers, limit) => {
      assert.deepEqual(drivers, ['box-driver']);
      taken.push(limit);
      return [...open].slice(0, limit).map(([key, item]) => ({ key, item }));
    },
    settle: async (_drivers, key, failure) => {
      said.push([key, failure]);
      open.delete(key);
    },
  };
  const driversOf = (consumer: string) => (consumer === 'box' ? ['box-driver'] : []);
  const [route] = pullRoutes({ work, clock, driversOf });
  assert.ok(route !== undefined);
  const never = new AbortController().signal;
  const ask = async (body: unknown, caller = 'box', signal = never) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const none = { method: 'POST' as const, params: {}, query: {}, headers: {} };
    const { status, body: answer } = await route.handle({ ...none, body: text, caller, signal });
    return { status, answer: JSON.parse(String(answer)) as Readonly<Record<string, unknown>> };
  };
  return { clock, open, said, taken, ask };
};

describe('POST /v1/control/poll', () => {
  it('hands out what is open, and says whether there may be more', async () => {
    const { open, ask } = setup();
    for (const key of ['k1', 'k2', 'k3']) open.set(key, { verb: 'freeze_tool' });
    const few = await ask({ max: 2 });
    assert.deepEqual(few.answer, {
      items: { k1: { verb: 'freeze_tool' }, k2: { verb: 'freeze_tool' } },
      more: true,
    });
    assert.deepEqual((await ask('')).answer['more'], false);
  });

  it('keeps what was said before it hands out again', async () => {
    const { open, said, ask } = setup();
    for (const key of ['k1', 'k2', 'k3']) open.set(key, {});
    const { answer } = await ask({
      ack: ['k1'],
      failed: { k2: { code: 'gone', message: 'no such pod' } },
    });
    assert.deepEqual(said, [
      ['k1', null],
      ['k2', 'gone: no such pod'],
    ]);
    assert.deepEqual(Object.keys(answer['items'] as object), ['k3']);
  });

  it('takes the words of an executor for words: bounded, with a code of its own alphabet', async () => {
    const { said, ask } = setup();
    const long = { code: 'A B\n', message: 'x'.repeat(5_000) };
    await ask({ failed: { a: long, b: null, c: { code: 'gone' } } });
    assert.deepEqual(said, [
      ['a', `failed: ${'x'.repeat(200)}`],
      ['b', 'failed'],
      ['c', 'gone'],
    ]);
  });

  it('waits for work as long as it is asked to, and not for a caller who is gone', async () => {
    const { open, clock, ask } = setup();
    const waiting = ask({ wait: 20 });
    await clock.advance(5_000);
    open.set('k1', {});
    await clock.advance(500);
    assert.deepEqual(Object.keys((await waiting).answer['items'] as object), ['k1']);
    open.clear();
    const gone = new AbortController();
    const other = ask({ wait: 20 }, 'box', gone.signal);
    gone.abort();
    await clock.drain();
    assert.deepEqual((await other).answer, { items: {}, more: false });
  });

  it('refuses whom no driver names, and what cannot be meant', async () => {
    const { ask, said } = setup();
    assert.equal((await ask({}, 'stranger')).status, 403);
    for (const wrong of [
      'nonsense',
      '[]',
      { max: 0 },
      { max: 101 },
      { max: '5' },
      { wait: 31 },
      { wait: 0.5 },
      { ack: 'k1' },
      { ack: [1] },
      { ack: Array.from({ length: 1001 }, () => 'k') },
      { failed: ['k1'] },
      { failed: { ['k'.repeat(513)]: {} } },
    ]) {
      const { status, answer } = await ask(wrong);
      assert.equal(status, 400, JSON.stringify(wrong).slice(0, 80));
      assert.ok(String(answer['detail']).length > 10);
    }
    assert.deepEqual(said, []);
  });
});
