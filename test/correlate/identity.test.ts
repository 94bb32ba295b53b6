/** Tests of identities in the fold: the register decides between claims, and contradictions show. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { agentNamed, otherNamed } from '../../src/correlate/identity.ts';
import type { Ledger } from '../../src/correlate/ledger.ts';
import { keyOf, newAgent } from '../../src/correlate/session.ts';
import type { Event } from '../../src/model/event.ts';
import type { Claim } from '../../src/model/event-parts.ts';
import { Slots } from '../../src/state/slots.ts';

function ledgerWith(...registered: string[]): Ledger {
  const slots = new Slots();
  for (const id of registered) {
    const agent = newAgent('-', id, 0);
    agent.registeredMs = 1;
    slots.put('A', keyOf('-', id), agent);
  }
  return { slots } as unknown as Ledger;
}

const named = (id: string, ...claims: readonly Claim[]) =>
  ({ agent: claims.length === 0 ? { id } : { id, claims } }) as unknown as Event;
const KEY = { basis: 'key', value: 'k-1' };
const SELF = { basis: 'self', value: 'billing' };

describe('the agent of several claims', () => {
  it('is the highest that is registered', () => {
    const event = named('k-1', KEY, SELF);
    assert.equal(agentNamed(ledgerWith('billing'), '-', event), 'billing');
    assert.equal(agentNamed(ledgerWith('k-1', 'billing'), '-', event), 'k-1');
    assert.equal(agentNamed(ledgerWith(), '-', event), 'k-1');
  });

  it('is what the table says before what the register says', () => {
    const event = named('desk', { ...KEY, agent: 'desk' }, SELF);
    assert.equal(agentNamed(ledgerWith('billing'), '-', event), 'desk');
  });

  it('is the one there is where there is one, and nobody where there is none', () => {
    assert.equal(agentNamed(ledgerWith(), '-', named('x')), 'x');
    assert.equal(agentNamed(ledgerWith(), '-', {} as Event), undefined);
  });
});

describe('another agent', () => {
  it('is named where a second claim is known as well, and means somebody else', () => {
    const event = named('k-1', KEY, SELF);
    assert.deepEqual(otherNamed(ledgerWith('k-1', 'billing'), '-', event), {
      agent: 'billing',
      basis: 'self',
    });
    assert.equal(otherNamed(ledgerWith('billing'), '-', event), null);
    const same = named('billing', { ...KEY, agent: 'billing' }, SELF);
    assert.equal(otherNamed(ledgerWith('billing'), '-', same), null);
  });

  it('of another tenant is nobody here', () => {
    const event = named('k-1', KEY, SELF);
    assert.equal(otherNamed(ledgerWith('k-1', 'billing'), 'acme', event), null);
  });
});
