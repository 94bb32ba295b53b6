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

  it('let hardly more stay awake than the bound, however fast it comes', () => {
    const slots = new Slots();
    slots.rests('A');
    const pages = new Pages(slots);
    let most = 0;
    for (let n = 0; n < 400_000; n += 1) {
      slots.put('A', `k${n}`, { n } as object);
      if (n % 4000 !== 3999) continue;
      slots.takeDelta();
      // Not a minute passes.
      pages.rest(1_000_000 + n / 10);
      most = Math.max(most, slots.awake);
    }
    // One round of pages only notes who is asked for: 16 commits of 4,000.
    assert.ok(most > 196_608 && most < 270_000, `${most} were awake`);
    assert.ok(slots.awake < 200_000, `${slots.awake} are awake`);
    assert.equal(slots.count('A'), 400_000);
    for (const n of [0, 5000, 399_999])
      assert.equal((slots.get('A', `k${n}`) as { n?: number } | undefined)?.n, n);
  });

  it('let more stay awake where what rests is asked for again, and fewer when that is over', () => {
    const slots = new Slots();
    slots.rests('A');
    const pages = new Pages(slots);
    let ms = 1_000_000_000;
    const commit = () => {
      slots.takeDelta();
      ms += 100;
      pages.rest(ms);
    };
    for (let n = 0; n < 400_000; n += 1) {
      slots.put('A', `k${n}`, { n } as object);
      if (n % 4000 === 3999) commit();
    }
    // All of them are asked for in turn, twice.
    for (let n = 0; n < 800_000; n += 1) {
      assert.ok(slots.get('A', `k${n % 400_000}`) !== undefined);
      slots.touch('A', `k${n % 400_000}`);
      if (n % 4000 === 3999) commit();
    }
    assert.ok(slots.awake > 390_000, `${slots.awake} are awake`);
    // Then others come, and none of them is asked for again.
    for (let n = 400_000; n < 1_700_000; n += 1) {
      slots.put('A', `k${n}`, { n } as object);
      if (n % 4000 === 3999) commit();
    }
    assert.ok(slots.awake < 250_000, `${slots.awake} are awake`);
  });

  it('let what nobody asks for rest after ten to twenty minutes, and pack it after as much again', () => {
    const packed: number[] = [];
    const slots = new Slots({
      pack: (bytes) => {
        packed.push(bytes.length);
        return Buffer.from(bytes);
      },
      unpack: (bytes) => bytes,
    });
    slots.rests('A');
    const pages = new Pages(slots);
    for (let n = 0; n < 1000; n += 1)
      slots.put('A', `k${n}`, { n, text: 'x'.repeat(90) } as object);
    slots.takeDelta();
    const minute = (from: number, to: number) => {
      for (let s = from * 60; s < to * 60; s += 1) pages.rest(1_000_000_000 + 1000 * s);
    };
    minute(0, 9);
    assert.deepEqual([slots.awake, packed.length], [1000, 0]);
    minute(9, 21);
    assert.equal(slots.awake, 0);
    minute(21, 42);
    assert.ok(packed.reduce((all, one) => all + one, 0) > 100_000, `${packed.length} blocks`);
    assert.equal((slots.get('A', 'k77') as { n?: number } | undefined)?.n, 77);
  });
});
