/** Stored groups: what is written comes back the same, and is read however often it was written. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyGroup, type Group, keptOf } from '../../../../src/detect/sigma/correlation/group.ts';
import { packing, unpack } from '../../../../src/detect/sigma/correlation/stored.ts';
import { hitOf } from './lane.ts';

const BASES = ['stem@1/a', 'stem@1/b'];

function groupOf(): Group {
  const hits = ['stem@1/a', 'stem@1/b', 'not-a-base'].map((rule, at) =>
    hitOf({ id: `e${at}`, at, rules: [rule], agent: 'agent-1' }, rule, at === 1),
  );
  const [first, second, third] = hits.map(keptOf);
  if (first === undefined || second === undefined || third === undefined) throw new Error('hits');
  const group = emptyGroup(hits[0] as (typeof hits)[number], ['x'], {});
  const digest = { ...first, witness: { ...first.witness, digest: 'd' } };
  const other = { ...second, entity: { ...second.entity, agent: 'owner', session: null } };
  const firing = { ...third, from: [first, second] };
  group.kept = [first, digest, other, { ...second, tag: '["eventId"]' }, firing, third];
  group.own = {
    seen: [{ place: 0, ms: 0, source: 'gateway gateway', kept: first }],
    pending: [{ conjunct: 0, hits: [second, firing], empty: [] }],
    closed: { kept: [third], state: { witness: 1 } },
    state: ['eventId', 1],
  };
  return group;
}

const pack = packing(BASES);
const stored = (group: Group): Group => JSON.parse(JSON.stringify(group)) as Group;

describe('stored groups', () => {
  it('come back as they were, and packing changes nothing of them', () => {
    const group = groupOf();
    const written = stored(pack(group) as Group);
    assert.deepEqual(group, groupOf());
    assert.ok(Array.isArray(written.kept[0]), 'a hit of a base is a list');
    unpack(written, BASES);
    assert.deepEqual(written, stored(groupOf()));
  });

  it('may be written again before anybody has read them', () => {
    const written = stored(pack(groupOf()) as Group);
    assert.deepEqual(stored(pack(written) as Group), written);
  });

  it('are read where they were written by name, as they were before', () => {
    const written = stored(groupOf());
    unpack(written, BASES);
    assert.deepEqual(written, stored(groupOf()));
  });
});
