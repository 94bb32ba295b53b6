/** The board: the record is asked seldom, and who waits hears of a change. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createBoard } from '../../src/api/board.ts';
import type { PostureState } from '../../src/model/posture.ts';
import { createVirtualClock } from '../sim/clock.ts';
import { lease, stateOf } from './standing.ts';

const setup = () => {
  const clock = createVirtualClock();
  const at = { state: stateOf([]) as PostureState, reads: 0, broken: false };
  const board = createBoard(
    async () => {
      at.reads += 1;
      if (at.broken) throw new Error('away');
      return at.state;
    },
    clock,
    250,
  );
  const render = ({ leases }: PostureState) => ({ revision: String(leases.length) });
  return { clock, at, board, render, never: new AbortController().signal };
};

describe('board', () => {
  it('reads once for all who ask within a quarter of a second', async () => {
    const { at, board, clock } = setup();
    await Promise.all([board.now(), board.now(), board.now()]);
    await clock.advance(200);
    await board.now();
    assert.equal(at.reads, 1);
    await clock.advance(50);
    await board.now();
    assert.equal(at.reads, 2);
  });

  it('answers at once whom it can tell something new', async () => {
    const { board, render, never } = setup();
    assert.deepEqual(await board.changed(render, null, 30_000, never), { revision: '0' });
  });

  it('holds the others until something changes', async () => {
    const { at, board, render, clock, never } = setup();
    const heard: string[] = [];
    const wait = board.changed(render, '0', 30_000, never).then(({ revision }) => {
      heard.push(revision);
    });
    await clock.advance(10_000);
    assert.deepEqual(heard, []);
    at.state = stateOf([lease(1)]);
    await clock.advance(250);
    await wait;
    assert.deepEqual(heard, ['1']);
    assert.ok(at.reads <= 43, `${at.reads} reads in 10.25 s`);
  });

  it('answers what it knows when the time is over, and at once when the caller is gone', async () => {
    const { board, render, clock, never } = setup();
    const wait = board.changed(render, '0', 1_000, never);
    await clock.advance(1_000);
    assert.deepEqual(await wait, { revision: '0' });
    const gone = new AbortController();
    const other = board.changed(render, '0', 30_000, gone.signal);
    gone.abort();
    await clock.drain();
    assert.deepEqual(await other, { revision: '0' });
  });

  it('says that it cannot read, and reads again', async () => {
    const { at, board } = setup();
    at.broken = true;
    await assert.rejects(board.now(), /away/);
    at.broken = false;
    assert.deepEqual(await board.now(), stateOf([]));
  });
});
