/** The witness an event is: its place and its names, nothing of its content. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventWitness } from '../../src/model/event-witness.ts';
import type { EventFact } from '../../src/model/fact.ts';
import { factsOf, PAYLOAD } from '../conformance/facts.ts';

test('a witness names its event and holds no content', () => {
  const facts = factsOf(2).filter((fact): fact is EventFact => fact.type === 'event');
  assert.ok(facts.length > 100);
  for (const fact of facts) {
    const witness = eventWitness(fact);
    assert.ok(!JSON.stringify(witness).includes(PAYLOAD));
    assert.equal(witness.nativeId, fact.event.nativeId);
    assert.equal(witness.at.offset, fact.event.src.offset);
    assert.equal(witness.ms, fact.event.time.eventMs);
    assert.equal(witness.tool, fact.event.action?.tool ?? '');
  }
});
