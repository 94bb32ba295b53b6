/** Store: nobody pushes out another's groups, and what goes is said. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyGroup, type Group } from '../../../../src/detect/sigma/correlation/group.ts';
import { AGENT_GROUPS_MAX, GroupStore } from '../../../../src/detect/sigma/correlation/store.ts';
import { type GroupHead, packing } from '../../../../src/detect/sigma/correlation/stored.ts';
import { Slots } from '../../../../src/state/slots.ts';
import { hitOf } from './lane.ts';

function lab(groups: number) {
  const gone: string[] = [];
  const slots = new Slots();
  slots.packs(
    'C0:x',
    packing([], () => ({})),
  );
  const limits = { groups, groupEvents: 100, distinct: 100 };
  const make = () =>
    new GroupStore('C0:x', slots, limits, (key, _, cause) => gone.push(`${key} ${cause}`));
  const store = make();
  const add = (key: string, agent: string, progress?: number): Group => {
    const event = { id: key, at: 1, rules: ['a'], agent };
    const group = emptyGroup(hitOf(event, 'a', false), [key], {});
    store.add(key, group);
    if (progress !== undefined) store.moved(key, group, progress);
    return group;
  };
  return { add, gone, make, slots, store };
}

describe('store', () => {
  it('lets a flood of new groups push out nothing but itself', () => {
    const { add, gone, store } = lab(10);
    for (let at = 0; at < 8; at += 1) add(`kept-${at}`, `agent-${at}`, 0.5);
    for (let at = 0; at < 1000; at += 1) add(`flood-${at}`, `other-${at}`);
    assert.equal(store.size, 10);
    assert.ok(
      gone.every((one) => one.startsWith('flood-')),
      gone.join(),
    );
    for (let at = 0; at < 8; at += 1) assert.ok(store.get(`kept-${at}`) !== undefined);
  });

  it('beyond probation gives up the one with least progress, the oldest of those', () => {
    const { add, gone } = lab(5);
    add('far', 'agent-1', 0.9);
    add('near-old', 'agent-2', 0.1);
    add('near-new', 'agent-3', 0.1);
    add('middle-a', 'agent-4', 0.5);
    add('middle-b', 'agent-5', 0.5);
    add('new', 'agent-6');
    assert.deepEqual(gone, ['near-old too many groups']);
  });

  it('makes an agent with too many groups pay for them itself', () => {
    const { add, gone, store } = lab(5000);
    add('of-another', 'agent-2');
    add('own-way', 'agent-1', 0.9);
    for (let at = 1; at < AGENT_GROUPS_MAX; at += 1) add(`g-${at}`, 'agent-1');
    assert.deepEqual(gone, []);
    add('one-more', 'agent-1');
    assert.deepEqual(gone, ['g-1 the agent has too many groups']);
    assert.ok(store.get('own-way') !== undefined && store.get('of-another') !== undefined);
  });

  it('takes the same groups after a restart', () => {
    const { add, gone, make, slots, store } = lab(6);
    for (let at = 0; at < 6; at += 1) add(`g-${at}`, 'agent-1', ((at * 5) % 6) / 6);
    const heads = [...slots.heads(store.space)].map(
      ([key, head]) => [key, head as GroupHead] as const,
    );
    const other = make();
    other.adopt(heads.toReversed());
    assert.deepEqual([...other.keys()], [...store.keys()]);
    assert.deepEqual(gone, []);
  });

  it('lets go of what agents opened whom governance knows after all others, after a restart too', () => {
    const { gone, make, slots, store } = lab(4);
    const open = (to: GroupStore, key: string, role: string | null, progress: number) => {
      const hit = hitOf({ id: key, at: 1, rules: ['a'], agent: key }, 'a', false);
      const group = emptyGroup({ ...hit, entity: { ...hit.entity, role } }, [key], {});
      to.add(key, group);
      to.moved(key, group, progress);
    };
    open(store, 'own', 'clerk', 0.1);
    open(store, 'own-far', 'clerk', 0.9);
    for (let at = 0; at < 10; at += 1) open(store, `ghost-${at}`, null, 0.9);
    const bytes = slots.takeDelta() as Buffer;
    slots.restore([], [{ seq: 1, bytes }]);
    const other = make();
    other.adopt([...slots.heads('C0:x')].map(([key, head]) => [key, head as GroupHead] as const));
    assert.deepEqual([...other.keys()], [...store.keys()]);
    assert.deepEqual([other.get('own')?.vouched, other.get('own')?.level], [true, 0]);
    for (let at = 10; at < 20; at += 1) open(other, `ghost-${at}`, null, 0.9);
    assert.deepEqual([...other.keys()].slice(2), ['own', 'own-far']);
    assert.ok(
      gone.every((one) => one.startsWith('ghost-')),
      gone.join(),
    );
  });

  it('forgets what is removed', () => {
    const { add, store } = lab(3);
    add('g', 'agent-1', 0.4);
    store.remove('g');
    assert.equal(store.size, 0);
    assert.deepEqual([...store.keys()], []);
  });
});
