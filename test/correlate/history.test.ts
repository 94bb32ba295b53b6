/** History: what of governance's words the record keeps. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCorrelate } from '../../src/correlate/correlate.ts';
import { changeSaid } from '../../src/correlate/history.ts';
import type { AgentChange } from '../../src/model/agent-history.ts';
import { eventIdOf } from '../../src/model/ids.ts';
import { Slots } from '../../src/state/slots.ts';
import { laneOptions } from '../sim/lane-options.ts';
import { eventOf } from './events.ts';

/** What is kept of these tenants' words about an agent of one name, said under one id in one topic. */
function saidBy(tenants: readonly string[]): AgentChange[] {
  const said: AgentChange[] = [];
  const correlate = createCorrelate(
    new Slots(),
    laneOptions().correlate,
    (fact) => {
      if (fact.type === 'event') said.push(changeSaid(fact));
    },
    () => undefined,
  );
  for (const [at, tenant] of tenants.entries()) {
    const body = {
      ...{ category: 'lifecycle', tenant, agent: { id: 'a' } },
      governance: { change: 'agent.registered' as const, detail: { role: 'clerk' } },
    };
    const given = { kind: 'governance' as const, ms: 1_800_000_000_000 + at, id: 'change/1' };
    correlate.fold(eventOf({ ...given, offset: at, content: at, body }), false);
  }
  return said;
}

describe('history of agents', () => {
  it('keeps what each tenant says, where two of them give one id to their events in one topic', () => {
    const [one, other] = saidBy(['bank', 'shop']);
    assert.deepEqual([one?.tenant, other?.tenant], ['bank', 'shop']);
    assert.notEqual(one?.id, other?.id);
    assert.equal(one?.by.eventId, eventIdOf('governance', 'change/1'));
    assert.equal(other?.by.eventId, one?.by.eventId);
  });

  it('gives what was said twice one id', () => {
    const [[one], [again]] = [saidBy(['bank']), saidBy(['bank'])];
    assert.equal(one?.id, again?.id);
  });
});
