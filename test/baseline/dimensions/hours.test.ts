/** hours: nights of an agent that works by day. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { hours } from '../../../src/baseline/dimensions/hours.ts';
import { callOf, unitOf } from '../../conformance/units.ts';
import { DAY_MS, scoreOf, sessions } from './score.ts';

const HOUR_MS = 3_600_000;
const COUNTS = hours.learn(sessions(80, (ms, n) => [callOf({ ms: ms + (n % 6) * HOUR_MS })]));
/** Day 20,003 is a Monday; sessions begin at 10:00. */
const at = (hour: number, day = 20_003) =>
  scoreOf(hours, [COUNTS], unitOf([callOf({ ms: day * DAY_MS + hour * HOUR_MS })]));

it('hours: finds the night strange, and the weekend apart from the week', () => {
  const [day, night] = [at(12).score ?? 0, at(3).score ?? 0];
  assert.ok(night > day + 2, `${day} by day, ${night} by night`);
  assert.match(at(3).sentence, /^calls on a weekday 03:00 UTC: .* role 0 of 80; /);
  assert.match(at(3, 20_008).sentence, /^calls on a weekend 03:00 UTC/);
});
