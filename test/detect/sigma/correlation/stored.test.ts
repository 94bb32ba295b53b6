/** Stored groups: what is written comes back the same, and is read however often it was written. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  emptyGroup,
  type Group,
  groupKey,
  keptOf,
  partsOfKey,
} from '../../../../src/detect/sigma/correlation/group.ts';
import { type KeptHit, OfEvent } from '../../../../src/detect/sigma/correlation/hit.ts';
import { hitOfText, hitText } from '../../../../src/detect/sigma/correlation/hit-text.ts';
import { packing, unpacked } from '../../../../src/detect/sigma/correlation/stored.ts';
import { eventIdOf } from '../../../../src/model/ids.ts';
import { integer, stream } from '../../../../src/simulation/random.ts';
import type { Entity } from '../../../../src/state/slot.ts';
import { Slots } from '../../../../src/state/slots.ts';
import { hitOf } from './lane.ts';

const BASES = ['stem@1/a', 'stem@1/b'];
const SPACE = 'C0:x';
const KEY = groupKey('-', ['x']);

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
  const key = groupKey(group.tenant, group.values);
  slots.put(SPACE, key, group);
  const deltas: { seq: number; bytes: Buffer }[] = [];
  const commit = (): string => {
    const bytes = slots.takeDelta();
    if (bytes !== null) deltas.push({ seq: deltas.length + 1, bytes });
    return bytes?.toString() ?? '';
  };
  const later = (pages: { page: number; uptoSeq: number; bytes: Buffer }[] = []): Group => {
    const restored = new Slots();
    restored.restore(pages, deltas);
    return plain(unpacked(key, restored.get(SPACE, key) ?? {}, BASES, fresh));
  };
  const page = () => {
    const uptoSeq = deltas.length;
    return Array.from({ length: 256 }, (_, at) => {
      return { page: at, uptoSeq, bytes: slots.pageBytes(at) };
    });
  };
  const change = (what: (group: Group) => void) => {
    what(group);
    slots.touch(SPACE, key);
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
    assert.match(commit(), /=e0\b/);
    change((one) => {
      one.lastMs += 1;
    });
    assert.doesNotMatch(commit(), /=e\d/);
    const more = keptOf(hitOf({ id: 'e9', at: 9, rules: ['stem@1/a'] }, 'stem@1/a', false));
    change((one) => {
      one.kept = [...one.kept.slice(3), more];
    });
    const written = commit();
    assert.match(written, /=e9\b/);
    assert.doesNotMatch(written, /=e[0-8]/);
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
      one.kept = [...one.kept, more];
    });
    commit();
    assert.deepEqual(later(pages), plain(group));
  });

  it('are numbered on by whoever takes them over, and nothing of them is written for that', () => {
    const group = groupOf();
    const slots = new Slots();
    slots.packs(SPACE, packing(BASES, fresh));
    slots.put(SPACE, KEY, group);
    const first = slots.takeDelta() as Buffer;
    const restored = new Slots();
    restored.restore([], [{ seq: 1, bytes: first }]);
    restored.packs(SPACE, packing(BASES, fresh));
    assert.equal(restored.dirty, 0, 'nothing of it has changed');
    const back = restored.get<Group>(SPACE, KEY) as Group;
    assert.equal(back.numbered, group.numbered, 'numbering goes on behind the last one');
  });

  it('with nothing but hits are one text, whatever their agent is called', () => {
    for (const agent of ['agent-1', '', '|', 'a|b', ' 1 2']) {
      const hit = hitOf({ id: 'e0', at: 1, rules: ['stem@1/a'], agent }, 'stem@1/a', false);
      const [first, second] = [keptOf(hit), keptOf(hit)];
      const seen = { place: 1, ms: first.ms, source: 'gateway gateway', kept: first };
      const own = { ...fresh(), seen: [seen, { ...seen, place: 0, kept: second }] };
      const group = { ...emptyGroup(hit, ['x'], own), stamp: 7, level: 3, kept: [second, first] };
      const { commit, later } = stage(group);
      assert.equal(commit().includes('{"g":"'), !agent.includes('|'), agent);
      assert.deepEqual(later(), plain(group));
    }
  });

  it('are read where they were written by name, as they once were', () => {
    const { numbered: _, ...written } = plain(groupOf());
    assert.deepEqual(plain(unpacked(KEY, written, BASES, fresh)), plain(groupOf()));
  });

  it('are read where they were written as lists, as they once were', () => {
    const listed = (rule: number, tag: string | null) =>
      [
        rule,
        'e0',
        5,
        0,
        tag,
        'gateway',
        null,
        null,
        1,
        7,
        0,
        null,
        3,
        'agent-1',
        null,
        'pay',
        '-',
        null,
      ] as const;
    const rest = ['agent-1', 2, 1, 3, 9, 5, [1], { seen: [[1, 2]] }] as const;
    const entity = {
      g: ['-', ['x'], ...rest],
      hits: { 1: [...listed(0, 't'), 'clerk', 's-1'], 2: [...listed(1, null), null, null] },
    };
    const group = unpacked(KEY, entity as Entity, BASES, fresh);
    const { tenant, values, kept, own } = group;
    assert.deepEqual([tenant, values, group.born, group.dueMs], ['-', ['x'], 1, 9]);
    assert.deepEqual(kept[0]?.entity, {
      tenant: '-',
      agent: 'agent-1',
      role: 'clerk',
      session: 's-1',
    });
    assert.equal(kept[0]?.witness.nativeId, 'session/s-1/3');
    const [seen] = (own as { seen: { place: number; kept: KeptHit }[] }).seen;
    assert.deepEqual([seen?.place, seen?.kept.rule, seen?.kept.eventId], [1, BASES[1], 'e0']);
  });

  it('write no id that follows from the event, and give it back', () => {
    const plainHit = hitOf({ id: 'e0', at: 1, rules: ['stem@1/a'] }, 'stem@1/a', false);
    const { topic, nativeId } = plainHit.witness;
    const hit = { ...plainHit, ofEvent: new OfEvent(topic, nativeId) };
    const group = { ...emptyGroup(hit, ['x'], fresh()), kept: [keptOf(hit)] };
    const { commit, later } = stage(group);
    // Once, as the identity in the log: that the id of the event follows from.
    assert.equal(commit().split('=e0').length, 2);
    assert.equal(later().kept[0]?.witness.nativeId, nativeId);
    const text = hitText(keptOf(hit), 0, group) as string;
    assert.equal(hitOfText(text, BASES, group).eventId, eventIdOf(topic, nativeId));
  });

  it('keep texts as they are, whatever is in them', () => {
    const texts = ['', '-', 'a', '0', '=', '|', 'a|b', '1|', 'ä', '"\n', 'agent-1', 'x'];
    const random = stream(9, 'stored');
    const text = () => texts[integer(random, 0, texts.length - 1)] as string;
    const orNull = () => (integer(random, 0, 2) === 0 ? null : text());
    for (let n = 0; n < 3000; n += 1) {
      const hit = hitOf({ id: 'e0', at: 1, rules: ['stem@1/a'] }, 'stem@1/a', n % 3 === 0);
      const seq = n % 4 === 0 ? null : n;
      const changed = { agent: text(), call: orNull(), tool: text(), nativeId: text(), seq, ms: n };
      const kept: KeptHit = {
        ...keptOf(hit),
        eventId: text(),
        witness: { ...hit.witness, ...changed },
        entity: { tenant: text(), agent: text(), role: orNull(), session: orNull() },
        tag: orNull(),
      };
      const group = { ...emptyGroup(hit, [text(), null, text()], fresh()), kept: [kept] };
      const { commit, later } = stage(group);
      commit();
      assert.deepEqual(later().kept, plain(group).kept);
    }
  });

  it('have names that say what they are made of', () => {
    const texts = ['', '-', ' -', '1:a', 'a b', ' 1:x', ':', '12:', 'ä'];
    for (const tenant of texts)
      for (const values of [
        [],
        ...texts.map((one) => [one]),
        ...texts.map((one) => [one, null, one]),
      ])
        assert.deepEqual(partsOfKey(groupKey(tenant, values)), { tenant, values });
  });
});
