/** Tests of hash chains: links in any order within their tolerance, bounds, hostile digests. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createChains } from '../../src/correlate/chains.ts';
import type { Event } from '../../src/model/event.ts';
import { Slots } from '../../src/state/slots.ts';

const BEGIN = 1_800_000_000_000;
const AFTER_GRACE = 601_000;

function watching() {
  const said: string[] = [];
  const slots = new Slots();
  const { see } = createChains(slots, (code, subject, _detail, ms) => {
    said.push(`${code} ${subject} +${ms - BEGIN}`);
  });
  const link = (ms: number, prev: string | undefined, hash: string, agent = 'a') =>
    see(
      {
        ...{ src: { name: 'mesh' }, time: { eventMs: BEGIN + ms } },
        evidence: { level: 'L0', chain: prev === undefined ? { hash } : { prev, hash } },
      } as Event,
      agent,
    );
  return { said, link, slots };
}

describe('chains', () => {
  it('hold where each record follows an end, however they lie between each other', () => {
    const { said, link } = watching();
    link(0, undefined, 'h0');
    link(0, '000000', 'k0');
    for (let n = 1; n < 50; n += 1) {
      link(AFTER_GRACE + n * 1000, `h${n - 1}`, `h${n}`);
      link(AFTER_GRACE + n * 1000, `k${n - 1}`, `k${n}`, 'b');
    }
    assert.deepEqual(said, []);
  });

  it('hold where several records of a moment are folded in another order', () => {
    const { said, link } = watching();
    link(0, '', 'h0');
    for (const n of [3, 1, 4, 2, 5]) link(AFTER_GRACE, `h${n - 1}`, `h${n}`);
    link(AFTER_GRACE + 10_000, 'h5', 'h6');
    assert.deepEqual(said, []);
  });

  it('break once for each gap, and go on behind it', () => {
    const { said, link } = watching();
    link(0, '', 'h0');
    link(AFTER_GRACE, 'gone', 'h2');
    link(AFTER_GRACE + 5000, 'h2', 'h3');
    link(AFTER_GRACE + 9000, 'h3', 'h4');
    assert.deepEqual(said, [`evidence.chain-gap mesh/a +${AFTER_GRACE}`]);
  });

  it('take digests for what they are, whatever they are called', () => {
    const { said, link, slots } = watching();
    link(0, '', '__proto__');
    link(AFTER_GRACE, '__proto__', 'constructor');
    link(AFTER_GRACE + 5000, 'constructor', 'toString');
    link(AFTER_GRACE + 9000, 'toString', 'x');
    assert.deepEqual(said, []);
    assert.equal(slots.count('Vc'), 1);
  });

  it('are bounded: chains beyond the limit are forgotten, the ones quiet longest first', () => {
    const { link, slots } = watching();
    for (let n = 0; n < 2000; n += 1) link(n, '', `h${n}`);
    for (let n = 0; n < 2000; n += 1) link(AFTER_GRACE, `nothing${n}`, `w${n}`);
    const kept = slots.get('Vc', 'mesh') as
      | { readonly waiting: readonly unknown[]; readonly ends: object }
      | undefined;
    assert.equal(Object.keys(kept?.ends ?? {}).length, 512);
    assert.equal(kept?.waiting.length, 512);
  });
});
