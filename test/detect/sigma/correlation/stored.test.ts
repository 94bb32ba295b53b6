/** Stored groups: what is written comes back the same, and is read however often it was written. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyGroup, type Group, keptOf } from '../../../../src/detect/sigma/correlation/group.ts';
import { packing, unpacked } from '../../../../src/detect/sigma/correlation/stored.ts';
import { Slots } from '../../../../src/state/slots.ts';
import { hitOf } from './lane.ts';

const BASES = ['stem@1/a', 'stem@1/b'];
const SPACE = 'C0:x';

/** What a new group has of its own. */
const fresh = () => ({ seen: [], pending: [], closed: null, state: [], untilMs: 0 });

function groupOf(): Group {
  const hits = ['stem@1/a', 'stem@1/b', 'not-a-base'].map((rule, at) =>
    hitOf({ id: `e${at}`, at, rules: [rule], agent: 'agent-1' }, rule, at === 1),
  );
  const [first, second, third] = hits.map(keptOf);
  if (first === undefined || second === undefined || third === undefined) throw new Error('hits');
  const group = emptyGroup(hits[0] as (typeof hits)[number], ['x'], fresh());
  const digest = { ...first, witness: { ...first.witness, digest: 'd' } };
  const other = { ...second, entity: { ...second.entity, agent: 'owner', session: null } };
  const firing = { ...third, from: [first, second] };
  group.kept = [first, digest, other, { ...second, tag: '["eventId"]' }, firing, third];
  group.own = {
    seen: [{ place: 0, ms: 0, source: 'gateway gateway', kept: first }],
    pending: [{ conjunct: 0, hits: [second, firing], empty: [] }],
    closed: { kept: [third], state: { witness: 1 } },
    state: ['eventId', 1],
    untilMs: 7,
  };
  return group;
}

/** A group in slots, and what a process that comes later finds of it. */
function stage(group: Group) {
  const slots = new Slots();
  slots.packs(SPACE, packing(BASES, fresh));
  slots.put(SPACE, 'x', group);
  const deltas: { seq: number; bytes: Buffer }[] = [];
  const commit = (): string => {
    const bytes = slots.takeDelta();
    if (bytes !== null) deltas.push({ seq: deltas.length + 1, bytes });
    return bytes?.toString() ?? '';
  };
  const later = (pages: { page: number; uptoSeq: number; bytes: Buffer }[] = []): Group => {
    const restored = new Slots();
    restored.restore(pages, deltas);
    return plain(unpacked(restored.get(SPACE, 'x') ?? {}, BASES, fresh));
  };
  const page = () => {
    const uptoSeq = deltas.length;
    return Array.from({ length: 256 }, (_, at) => {
      return { page: at, uptoSeq, bytes: slots.pageBytes(at) };
    });
  };
  const change = (what: (group: Group) => void) => {
    what(group);
    slots.touch(SPACE, 'x');
  };
  return { commit, later, page, change };
}

/** As JSON holds it, without what only writing needs. */
function plain(group: Group): Group {
  const isNumber = (name: string) => name === 'number' || name === 'numbered';
  const text = JSON.stringify(group, (name, value) => (isNumber(name) ? undefined : value));
  return JSON.parse(text) as Group;
}

describe('stored groups', () => {
  it('come back as they were', () => {
    const { commit, later } = stage(groupOf());
    commit();
    assert.deepEqual(later(), plain(groupOf()));
  });

  it('write each of their hits once, whatever else changes', () => {
    const group = groupOf();
    const { commit, later, change } = stage(group);
    assert.match(commit(), /"e0"/);
    change((one) => {
      one.lastMs += 1;
    });
    assert.doesNotMatch(commit(), /"e\d"/);
    const more = keptOf(hitOf({ id: 'e9', at: 9, rules: ['stem@1/a'] }, 'stem@1/a', false));
    change((one) => {
      one.kept = [...one.kept.slice(3), more];
    });
    const written = commit();
    assert.match(written, /"e9"/);
    assert.doesNotMatch(written, /"e[0-8]"/);
    assert.deepEqual(later(), plain(group));
  });

  it('come back from a page and the deltas after it, numbers of hits that are gone included', () => {
    const group = groupOf();
    const { commit, later, page, change } = stage(group);
    commit();
    change((one) => {
      one.kept = one.kept.slice(1);
    });
    commit();
    const pages = page();
    assert.deepEqual(later(pages), plain(group));
    const more = keptOf(hitOf({ id: 'e9', at: 9, rules: ['stem@1/a'] }, 'stem@1/a', false));
    change((one) => {
      one.kept.push(more);
    });
    commit();
    assert.deepEqual(later(pages), plain(group));
  });

  it('are numbered on by whoever takes them over, and nothing of them is written for that', () => {
    const group = groupOf();
    const slots = new Slots();
    slots.packs(SPACE, packing(BASES, fresh));
    slots.put(SPACE, 'x', group);
    const first = slots.takeDelta() as Buffer;
    const restored = new Slots();
    restored.restore([], [{ seq: 1, bytes: first }]);
    restored.packs(SPACE, packing(BASES, fresh));
    assert.equal(restored.dirty, 0, 'nothing of it has changed');
    const back = restored.get<Group>(SPACE, 'x') as Group;
    assert.equal(back.numbered, group.numbered, 'numbering goes on behind the last one');
  });

  it('are read where they were written by name, as they once were', () => {
    const { numbered: _, ...written } = plain(groupOf());
    assert.deepEqual(plain(unpacked(written, BASES, fresh)), plain(groupOf()));
  });
});
