/** The allow-list: what is left of the inventory, for each agent and until when. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allowListOf } from '../../src/api/allow-list.ts';
import { EMPTY_INVENTORY } from '../../src/baseline/inventory.ts';
import type { Inventory, ToolFacts } from '../../src/model/expectation.ts';
import type { StandingPosture } from '../../src/model/posture.ts';
import { against, lease, NOW_MS, OPTIONS, stateOf } from './standing.ts';

const tool = (name: string, reach: string, tier = 'autonomous'): ToolFacts => ({
  ...{ tool: name, class: reach, tier, reversible: true, route: 'gateway', polling: false },
});
const tools = [
  tool('read_file', 'read'),
  tool('send_money', 'spend', 'pre-approved'),
  tool('wipe', 'execute', 'prohibited'),
  tool('hire', 'write', 'human-in-the-loop'),
];
const inventory: Inventory = {
  tools,
  tool: (name) => tools.find((one) => one.tool === name.replace('bank__', '')) ?? null,
};
const read = (leases: readonly StandingPosture[], of: Inventory = inventory) => {
  const { body, leaseIds } = allowListOf(stateOf(leases), OPTIONS, of);
  const document = JSON.parse(body.toString('utf8'));
  return { document, leaseIds, agent: document.agents['agent-7'] };
};

describe('allow-list', () => {
  it('sorts the inventory by its tiers where nothing stands', () => {
    const { document } = read([]);
    assert.equal(document.schema, 'plumbline.allow-list/1');
    assert.deepEqual(document.default, {
      allow: ['read_file', 'send_money'],
      approval: ['hire'],
      deny: ['wipe'],
    });
    assert.deepEqual(document.agents, {});
  });

  it('takes a frozen tool away, under each of its names, until its time', () => {
    const { agent, leaseIds } = read([against(1, { tools: ['bank__send_money', 'unheard_of'] })]);
    assert.deepEqual(agent.allow, ['read_file']);
    assert.deepEqual(agent.deny, ['bank__send_money', 'send_money', 'unheard_of', 'wipe']);
    assert.equal(agent.until, new Date(NOW_MS + 600_000).toISOString());
    assert.deepEqual(leaseIds, ['L1']);
  });

  it('leaves reading to a conservative agent and asks for the rest', () => {
    const { agent } = read([lease(1, { verb: 'posture' })]);
    assert.deepEqual(agent.allow, ['read_file']);
    assert.deepEqual(agent.approval, ['hire', 'send_money']);
  });

  it('leaves nothing to one that is stopped, and says what comes after', () => {
    const { agent } = read([
      lease(1, { verb: 'suspend_agent', expiresMs: NOW_MS + 60_000 }),
      lease(2),
    ]);
    assert.deepEqual([agent.allow, agent.approval, agent.deny], [[], [], ['*']]);
    assert.deepEqual(agent.next[0].allow, ['read_file']);
  });

  it('keeps sessions apart, and adds what holds for their agent', () => {
    const { agent } = read([
      lease(1, { verb: 'posture' }),
      against(2, { session: 's-1', tools: ['read_file'] }),
    ]);
    assert.deepEqual(agent.allow, ['read_file']);
    assert.deepEqual(agent.sessions['s-1'].allow, []);
    assert.deepEqual(agent.sessions['s-1'].approval, ['hire', 'send_money']);
  });

  it('knows without an inventory only what is frozen', () => {
    assert.deepEqual(read([], EMPTY_INVENTORY).document.default.allow, ['*']);
    const frozen = read([lease(1)], EMPTY_INVENTORY).agent;
    assert.deepEqual([frozen.allow, frozen.deny], [['*'], ['send_money']]);
    const cautious = read([lease(1, { verb: 'posture' })], EMPTY_INVENTORY).agent;
    assert.deepEqual([cautious.allow, cautious.approval], [[], ['*']]);
  });
});
