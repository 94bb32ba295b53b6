/** Acts by digests alone: where content is kept back, equal digests join, and others accuse nobody. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCorrelate } from '../../src/correlate/correlate.ts';
import type { Action } from '../../src/model/event-action.ts';
import type { StatedCall } from '../../src/model/event-reasoning.ts';
import type { Fact } from '../../src/model/fact.ts';
import { Slots } from '../../src/state/slots.ts';
import { laneOptions } from '../sim/lane-options.ts';
import { eventOf } from './events.ts';

const START_MS = 1_800_000_000_000;

function lab() {
  const facts: Fact[] = [];
  const correlate = createCorrelate(
    new Slots(),
    laneOptions().correlate,
    (fact) => facts.push(fact),
    () => undefined,
  );
  let seq = 0;
  const fold = (seconds: number, kind: 'reasoning' | 'gateway', body: object) => {
    seq += 1;
    correlate.passTime(START_MS + seconds * 1000 - 1);
    correlate.fold(eventOf({ kind, ms: START_MS + seconds * 1000, seq, body }), false);
  };
  return {
    states: (seconds: number, call: Partial<StatedCall>) =>
      fold(seconds, 'reasoning', {
        reasoning: { intents: [{ tool: 'send', ...call }], claims: [] },
      }),
    calls: (seconds: number, action: Partial<Action>) =>
      fold(seconds, 'gateway', {
        action: { phase: 'result', tool: 'send', decision: 'allow', outcome: 'ok', ...action },
      }),
    after: (seconds: number) => {
      correlate.passTime(START_MS + seconds * 1000);
      return facts;
    },
  };
}

describe('acts by digests alone', () => {
  it('join strongly where the digests are equal, weakly where they are not', () => {
    for (const [given, strength] of [
      ['d-1', 'strong'],
      ['d-2', 'weak'],
    ] as const) {
      const { states, calls, after } = lab();
      states(0, { argsDigest: 'd-1' });
      calls(1, { argsDigest: given });
      const joined = after(10).filter((fact) => fact.type === 'joined');
      assert.deepEqual(
        joined.map((fact) => fact.strength),
        [strength],
      );
    }
  });

  it('know a refused call again by its digest', () => {
    const { calls, after } = lab();
    calls(0, { decision: 'deny', outcome: 'error', argsDigest: 'd-1' });
    calls(5, { argsDigest: 'd-1' });
    calls(6, { argsDigest: 'd-2' });
    const around = after(30).flatMap((fact) => (fact.type === 'attempt' ? [fact.around] : []));
    assert.deepEqual(around, [null, 'same-call', null]);
  });
});
