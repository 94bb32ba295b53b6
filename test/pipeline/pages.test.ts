/** Pages: all are written in turn, as fast as deltas grow, and a restart goes on with the oldest. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pages } from '../../src/pipeline/pages.ts';
import { PAGES, Slots } from '../../src/state/slots.ts';

const EVERY_BYTES = 1_000_000;

/** Numbers of the pages that a delta of so many bytes calls for. */
function dueOf(pages: Pages, deltaBytes: number): number[] {
  return pages.due(deltaBytes).map(({ page }) => page);
}

describe('pages', () => {
  it('are written once, in turn, in so many bytes of deltas', () => {
    const pages = new Pages(new Slots(), EVERY_BYTES);
    const written: number[] = [];
    for (let part = 0; part < 100; part += 1) written.push(...dueOf(pages, EVERY_BYTES / 100));
    written.push(...dueOf(pages, 1));
    assert.deepEqual(
      written,
      Array.from({ length: PAGES }, (_, page) => page),
    );
  });

  it('are written once in so many deltas, however small those are: each is read again by itself', () => {
    const pages = new Pages(new Slots());
    const written: number[] = [];
    for (let delta = 0; delta < 8192; delta += 1) written.push(...dueOf(pages, 10));
    assert.deepEqual([written.length, new Set(written).size], [PAGES, PAGES]);
  });

  it('are not written while nothing changes', () => {
    const pages = new Pages(new Slots(), EVERY_BYTES);
    assert.deepEqual(dueOf(pages, 0), []);
  });

  it('are at most all of them at once, however large a delta is', () => {
    const pages = new Pages(new Slots(), EVERY_BYTES);
    assert.equal(dueOf(pages, 10 * EVERY_BYTES).length, PAGES);
  });

  it('go on after a restart with the one that was written longest ago', () => {
    const pages = new Pages(new Slots(), EVERY_BYTES);
    const bytes = Buffer.alloc(0);
    pages.restore(
      Array.from({ length: PAGES }, (_, page) => ({ page, uptoSeq: page < 7 ? 20 : 10, bytes })),
    );
    assert.deepEqual(dueOf(pages, (3 * EVERY_BYTES) / PAGES), [7, 8, 9]);
  });

  it('go on after a restart with the first that never was written', () => {
    const pages = new Pages(new Slots(), EVERY_BYTES);
    pages.restore([{ page: 0, uptoSeq: 1, bytes: Buffer.alloc(0) }]);
    assert.deepEqual(dueOf(pages, EVERY_BYTES / PAGES), [1]);
  });

  it('are written less often where the state is larger than that', () => {
    const pages = new Pages(new Slots(), EVERY_BYTES);
    const bytes = Buffer.alloc((4 * EVERY_BYTES) / PAGES);
    pages.restore(Array.from({ length: PAGES }, (_, page) => ({ page, uptoSeq: 1, bytes })));
    assert.equal(dueOf(pages, EVERY_BYTES / PAGES).length, 0);
    assert.equal(dueOf(pages, (3 * EVERY_BYTES) / PAGES).length, 1);
  });
});
