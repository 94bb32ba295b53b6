/** Announced: a change of model, prompt or tools is news only where nobody spoke for it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCorrelate } from '../../src/correlate/correlate.ts';
import type { Governance } from '../../src/model/event-governance.ts';
import type { Reasoning } from '../../src/model/event-reasoning.ts';
import type { Unannounced } from '../../src/model/fact.ts';
import { Slots } from '../../src/state/slots.ts';
import { laneOptions } from '../sim/lane-options.ts';
import { eventOf } from './events.ts';

function lab() {
  let found: readonly Unannounced[] = [];
  const correlate = createCorrelate(
    new Slots(),
    laneOptions().correlate,
    (fact) => {
      if (fact.type === 'event') found = fact.unannounced;
    },
    () => undefined,
  );
  let ms = 1_800_000_000_000;
  const fold = (body: object, kind: 'reasoning' | 'governance') => {
    ms += 1000;
    correlate.fold(eventOf({ kind, ms, id: `id/${ms}`, body }), false);
    return found;
  };
  return {
    says: (facts: Partial<Reasoning>) =>
      fold({ reasoning: { intents: [], claims: [], ...facts } }, 'reasoning'),
    govern: (change: Governance['change'], more: Partial<Governance> = {}) =>
      fold({ category: 'agent', governance: { change, ...more } }, 'governance'),
  };
}

describe('unannounced changes', () => {
  it('are values that the agent never showed before', () => {
    const { says } = lab();
    assert.deepEqual(says({ model: 'm-1', systemDigest: 'p-1' }), []);
    assert.deepEqual(says({ model: 'm-1', systemDigest: 'p-2' }), ['prompt']);
    assert.deepEqual(says({ model: 'm-2', systemDigest: 'p-1' }), ['model']);
    assert.deepEqual(says({ model: 'm-1', systemDigest: 'p-2' }), []);
    assert.deepEqual(says({ offeredToolsDigest: 't-1' }), []);
    assert.deepEqual(says({ offeredToolsDigest: 't-2' }), ['tools']);
  });

  it('are none where governance announced one: just the value it names', () => {
    const { says, govern } = lab();
    says({ systemDigest: 'p-1' });
    govern('prompt.changed', { afterDigest: 'p-2' });
    assert.deepEqual(says({ systemDigest: 'p-3' }), ['prompt']);
    assert.deepEqual(says({ systemDigest: 'p-2' }), []);
  });

  it('are none where it names none, for one new value', () => {
    const { says, govern } = lab();
    says({ systemDigest: 'p-1' });
    govern('prompt.changed');
    assert.deepEqual(says({ systemDigest: 'p-2' }), []);
    assert.deepEqual(says({ systemDigest: 'p-3' }), ['prompt']);
  });

  it('are not excused by an announcement of something else', () => {
    const { says, govern } = lab();
    says({ systemDigest: 'p-1', model: 'm-1' });
    govern('model.changed', { detail: { model: 'm-2' } });
    assert.deepEqual(says({ systemDigest: 'p-2', model: 'm-2' }), ['prompt']);
  });
});
