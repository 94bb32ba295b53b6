/** Traffic: events, levels, sessions, and days of agents. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTraffic, daysOf, levelOf } from '../../../src/evaluation/backtest/traffic.ts';
import type { Event } from '../../../src/model/event.ts';

const DAY_MS = 86_400_000;
const event = (differing: object): Event =>
  ({
    ...{ kind: 'gateway', category: 'tool_call' },
    time: { eventMs: 10 * DAY_MS, nsInMs: 0, observedMs: 0, clamped: false },
    agent: { id: 'agent-1' },
    ...differing,
  }) as unknown as Event;
const at = (eventMs: number, clamped = false) => ({
  time: { eventMs, nsInMs: 0, observedMs: 0, clamped },
});

describe('createTraffic', () => {
  it('counts agents by UTC day, and the time between first and last', () => {
    const counter = createTraffic();
    counter.see(event({ session: { id: 's-1' } }));
    counter.see(event({ session: { id: 's-1' } }));
    counter.see(event({ ...at(11 * DAY_MS) }));
    counter.see(event({ agent: { id: 'agent-2' }, session: { id: 's-2' } }));
    counter.see(event({ agent: undefined }));
    const traffic = counter.finish();
    assert.equal(traffic.events, 5);
    assert.equal(traffic.agentDays, 3);
    assert.deepEqual([traffic.sessions.size, traffic.agents.size], [2, 2]);
    assert.equal(daysOf(traffic), 1);
  });

  it('lets no clamped time stretch the interval', () => {
    const counter = createTraffic();
    counter.see(event({}));
    counter.see(event({ ...at(9_000 * DAY_MS, true), agent: { id: 'agent-9' } }));
    const traffic = counter.finish();
    assert.deepEqual([traffic.events, traffic.agents.size, traffic.agentDays], [2, 2, 1]);
    assert.equal(daysOf(traffic), null);
    assert.equal(daysOf(createTraffic().finish()), null);
  });

  it('grades content by what the producer says, else by what is there', () => {
    const action = { phase: 'result', tool: 'x', decision: 'allow', outcome: 'ok' };
    assert.equal(levelOf(event({ action })), 'L0');
    assert.equal(levelOf(event({ action: { ...action, args: {} } })), 'L2');
    assert.equal(levelOf(event({ action: { ...action, result: 1 } })), 'L3');
    assert.equal(levelOf(event({ action, evidence: { level: 'L1' } })), 'L1');
    const turn = (reasoning: object) =>
      event({ kind: 'reasoning', reasoning: { claims: [], ...reasoning } });
    assert.equal(levelOf(turn({ intents: [{ tool: 'x' }] })), 'L0');
    assert.equal(levelOf(turn({ intents: [{ tool: 'x', args: {} }] })), 'L2');
    // Nothing was announced, so nothing was held back.
    assert.equal(levelOf(turn({ intents: [] })), 'L3');
  });
});
