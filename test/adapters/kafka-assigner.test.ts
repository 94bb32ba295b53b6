/** Sharing partitions: complete, balanced, sticky, co-partitioned, and total on strange bytes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { coPartition, decodeHeld, encodeHeld, whole } from '../../src/adapters/kafka-assigner.ts';
import { OperatingError } from '../../src/model/errors.ts';

const counts = (lanes: number) =>
  new Map([
    ['reasoning', lanes],
    ['gateway', lanes],
  ]);

describe('held partitions', () => {
  it('come back as they were packed', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(2_000)), (partitions) => {
        const sorted = [...partitions].sort((a, b) => a - b);
        assert.deepEqual(decodeHeld(encodeHeld(partitions)), sorted);
      }),
    );
  });

  it('are none in bytes of another version, of a stranger, or too many', () => {
    assert.deepEqual(decodeHeld(Buffer.alloc(0)), []);
    assert.deepEqual(decodeHeld(Buffer.from([2, 255])), []);
    assert.deepEqual(decodeHeld(Buffer.alloc(10_000, 1)), []);
  });
});

describe('coPartition', () => {
  it('gives every number to exactly one member, balanced to within one', () => {
    const held = fc.uniqueArray(fc.nat(30), { maxLength: 12 });
    fc.assert(
      fc.property(fc.nat(24), fc.array(held, { minLength: 1, maxLength: 6 }), (lanes, helds) => {
        const members = helds.map((list, i) => ({ id: `m${i}`, held: list }));
        const shares = [...coPartition(counts(lanes), members).values()];
        const gateway = shares.flatMap((share) => share['gateway'] ?? []);
        assert.deepEqual(
          gateway.sort((a, b) => a - b),
          Array.from({ length: lanes }, (_, i) => i),
        );
        for (const share of shares) assert.deepEqual(share['gateway'], share['reasoning']);
        const sizes = shares.map((share) => share['gateway']?.length ?? 0);
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `${sizes}`);
      }),
    );
  });

  it('moves as little as balance allows', () => {
    const both = coPartition(counts(6), [
      { id: 'new', held: [] },
      { id: 'old', held: [0, 1, 2, 3, 4, 5] },
    ]);
    assert.deepEqual(both.get('old')?.['gateway'], [0, 1, 2]);
    assert.deepEqual(both.get('new')?.['gateway'], [3, 4, 5]);
    const again = coPartition(counts(6), [
      { id: 'old', held: [0, 1, 2] },
      { id: 'new', held: [3, 4, 5] },
    ]);
    assert.deepEqual(again.get('old'), both.get('old'));
  });

  it('leaves members without work when there are more of them than partitions', () => {
    const shares = coPartition(counts(1), [
      { id: 'a', held: [] },
      { id: 'b', held: [0] },
    ]);
    assert.deepEqual(shares.get('a'), {});
    assert.deepEqual(shares.get('b')?.['gateway'], [0]);
  });

  it('refuses unequal counts for several members, with the counts', () => {
    const unequal = new Map([
      ['reasoning', 4],
      ['metrics', 1],
    ]);
    const pair = [
      { id: 'a', held: [] },
      { id: 'b', held: [] },
    ];
    assert.throws(
      () => coPartition(unequal, pair),
      (cause: unknown) => {
        assert.ok(cause instanceof OperatingError);
        assert.equal(cause.code, 'BROKER_LAYOUT');
        assert.match(cause.message, /reasoning=4, metrics=1/);
        return true;
      },
    );
    const alone = coPartition(unequal, [{ id: 'a', held: [] }]);
    assert.deepEqual(alone.get('a'), { reasoning: [0, 1, 2, 3], metrics: [0] });
  });
});

describe('whole', () => {
  it('gives all to the member that shares out, also beside one that died', () => {
    const taker = whole();
    const unequal = new Map([
      ['reasoning', 2],
      ['metrics', 1],
    ]);
    const shares = taker.share(unequal, [
      { id: 'dead', said: whole().say() },
      { id: 'alive', said: taker.say() },
      { id: 'stranger', said: Buffer.alloc(0) },
    ]);
    assert.deepEqual(
      [...shares],
      [
        ['dead', {}],
        ['alive', { reasoning: [0, 1], metrics: [0] }],
        ['stranger', {}],
      ],
    );
  });
});
