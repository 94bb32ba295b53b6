/** Methods: each finds the session it is made for, stays silent on the others, and is complete. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RECORDING_METHODS } from '../../../src/evaluation/recordings/methods.ts';
import type { UnitRecord } from '../../../src/model/unit.ts';
import { normal, stream, uniform } from '../../../src/simulation/random.ts';
import { call, metric, session } from './session.ts';

const random = stream(3, 'methods');

/** Sessions with a normal load, one of them far off. */
function fleet(prefix: string, count: number, odd: number | null): UnitRecord[] {
  return Array.from({ length: count }, (_, at) => {
    const load = at === odd ? 900 : normal(random, 100, 5);
    const items = [call(1, 'look'), metric('tokens', load), metric('time', load / 2)];
    return session(`${prefix}${at}`, items, { lastMs: at });
  });
}

test('every method judges every session once, and the outlier is the strangest to most', () => {
  const learn = fleet('l', 200, null);
  const score = fleet('s', 120, 40);
  const sure = { seq: null, p: [0.4, 0.6] };
  const steps = new Map(
    score.map(({ head }) => [
      head.session,
      head.session === 's40' ? [{ seq: 1, p: [0.001, 0.001] }, sure] : [sure],
    ]),
  );
  for (const { name, judge } of RECORDING_METHODS) {
    const found = judge({ learn, score, steps, uniform: () => uniform(random) });
    assert.equal(new Set(found.map((each) => each.session)).size, 120, name);
    assert.ok(
      found.every((each) => !Number.isNaN(each.score)),
      name,
    );
    if (name.startsWith('naive') || name.startsWith('PSI')) continue;
    const odd = found.find((each) => each.session === 's40');
    // A forest knows no further out than its training set: the strangest, but not by a margin.
    if (!name.startsWith('isolation')) assert.equal(odd?.alerted, true, name);
    const highest = Math.max(...found.map((each) => each.score));
    assert.equal(odd?.score, highest, name);
    const alarms = found.filter((each) => each.alerted).length;
    assert.ok(alarms <= 12, `${name}: ${alarms} alarms`);
  }
});

test('PSI names no session: it flags a whole window, and only a full one', () => {
  const psi = RECORDING_METHODS.find(({ name }) => name.startsWith('PSI'));
  const learn = fleet('l', 300, null);
  const moved = fleet('m', 150, null).map((unit) => ({
    ...unit,
    items: [metric('tokens', 300), metric('time', 100)],
  }));
  const found = psi?.judge({ learn, score: moved, steps: new Map(), uniform: () => 0 }) ?? [];
  assert.equal(found.filter(({ alerted }) => alerted).length, 100);
});
