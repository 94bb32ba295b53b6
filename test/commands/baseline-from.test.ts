/** Learning from a folder: what can be asked before training is asked before training. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONDUCT } from '../../src/baseline/conduct.ts';
import { exitCriteria, NOTHING } from '../../src/baseline/criteria.ts';
import { learnProfile } from '../../src/baseline/learn.ts';
import { unmetText } from '../../src/baseline/window.ts';
import { cheapCriteria } from '../../src/commands/baseline-from.ts';
import { office } from '../baseline/conduct/conduct.ts';

const unmet = (text: string | null): string[] =>
  [...(text ?? '').matchAll(/([\w-]+) [\d.]+ \(/g)].map(([, name = '']) => name);

test('days, sessions, unseen mass and the share kept out are asked of the sessions that would be learnt', () => {
  const units = office(300, 3);
  assert.equal(unmetText(cheapCriteria(units, 0, [])), null);
  assert.deepEqual(unmet(unmetText(cheapCriteria(units, 7, []))), ['excluded']);
  const few = units.slice(0, 40);
  assert.deepEqual(unmet(unmetText(cheapCriteria(few, 0, []))).slice(0, 2), ['days', 'sessions']);
  const waivers = ['days', 'sessions', 'unseen-origins', 'excluded'].map((name) => ({
    name,
    why: 'ann: x',
  }));
  // Fifty sessions are the least whoever waives what.
  assert.deepEqual(unmet(unmetText(cheapCriteria(few, 9, waivers))), ['sessions']);
  assert.equal(unmetText(cheapCriteria(units, 9, waivers)), null);
});

test('what they say is what the proposal would say, and a refusal says what it means', () => {
  const units = office(60, 3);
  const cheap = cheapCriteria(units, 6, []);
  const whole = exitCriteria({ ...NOTHING, days: 3, sessions: 60, excludedUnits: 6, allUnits: 66 });
  for (const { name, needed, bound } of cheap)
    assert.deepEqual(
      whole.filter((one) => one.name === name).map((one) => [one.needed, one.bound]),
      [[needed, bound]],
    );
  const text = unmetText(cheap) ?? '';
  assert.match(text, /excluded is the share of sessions the gate kept out/);
  assert.match(text, /--waive [\w,-]*excluded/);
  assert.match(unmetText(exitCriteria(NOTHING)) ?? '', /unseen-origins is the chance that/);
});

test('what refuses them ends learning before anything is trained', () => {
  const trained: string[] = [];
  const rehearsal: typeof CONDUCT = {
    ...CONDUCT,
    learn: (units, options) => {
      trained.push('trained');
      return CONDUCT.learn(units, options);
    },
  };
  const options = { rehearsal, seed: 1 };
  const scope = { level: 'role', subject: 'office' } as const;
  const refusing = () => {
    throw new RangeError('too few days');
  };
  // One less than conduct is trained on: that it was asked is what counts here.
  const units = office(59, 3);
  assert.throws(
    () => learnProfile(units, scope, { ...options, admitted: refusing }),
    /too few days/,
  );
  assert.deepEqual(trained, []);
  let told = 0;
  learnProfile(units, scope, { ...options, admitted: (kept) => (told = kept.length) });
  assert.equal(told, 59);
  assert.deepEqual(trained, ['trained']);
});
