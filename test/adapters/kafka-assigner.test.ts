/** Sharing partitions: complete, balanced, sticky, co-partitioned, and total on strange bytes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  coPartition,
  decodeHeld,
  encodeHeld,
  type MemberAssignment,
  spread,
  whole,
} from '../../src/adapters/kafka-assigner.ts';
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

describe('spread', () => {
  const topics = new Map([
    ['gateway', 3],
    ['governance', 1],
    ['reasoning', 7],
  ]);
  const listed = (share: MemberAssignment) =>
    Object.entries(share).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic, partition })),
    );
  const shares = (members: readonly { readonly id: string; readonly said: Buffer }[]) =>
    spread(() => []).share(topics, members);
  const saying = (share: MemberAssignment) => spread(() => listed(share)).say();

  it('gives topics of any counts out whole, evenly, and each partition once', () => {
    for (const count of [1, 2, 3, 5, 11, 14]) {
      const members = Array.from({ length: count }, (_, n) => ({
        id: `m${n}`,
        said: spread(() => []).say(),
      }));
      const given = [...shares(members).values()].map(listed);
      const all = given.flat().map(({ topic, partition }) => `${topic}/${partition}`);
      assert.equal(new Set(all).size, 11);
      assert.equal(all.length, 11);
      const sizes = given.map(({ length }) => length);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `${sizes}`);
    }
  });

  it('moves no more than balance asks for when a member joins or goes', () => {
    const alone = shares([{ id: 'a', said: Buffer.alloc(0) }]).get('a') ?? {};
    const two = shares([
      { id: 'a', said: saying(alone) },
      { id: 'b', said: saying({}) },
    ]);
    assert.deepEqual([...two.values()].map((share) => listed(share).length).sort(), [5, 6]);
    const again = shares([...two].map(([id, share]) => ({ id, said: saying(share) })));
    assert.deepEqual(again, two);
  });

  it('takes nothing for held that a stranger says', () => {
    const strange = [
      '\u0001gateway/1\ngateway/1\ngateway/99\n/\n\n',
      '\u0002gateway/0',
      'x'.repeat(70_000),
    ];
    for (const text of strange) {
      const given = shares([
        { id: 'a', said: Buffer.from(text) },
        { id: 'b', said: Buffer.from(text) },
      ]);
      const all = [...given.values()].flatMap(listed);
      const names = new Set(all.map(({ topic, partition }) => `${topic}/${partition}`));
      assert.deepEqual([all.length, names.size], [11, 11], text.slice(0, 20));
    }
  });
});
