/** Joint: grows with each of its scores, and means the same at every evidence level. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DIMENSIONS } from '../../src/baseline/dimensions.ts';
import { compileJoint } from '../../src/baseline/joint.ts';
import { scribeProfile } from '../sim/profile.ts';

const profile = scribeProfile();
const dimensions = DIMENSIONS.filter(({ name }) => profile.dimensions[name] !== undefined);
const joint = compileJoint(dimensions, profile.calibration);
const at = (name: string) => dimensions.findIndex((one) => one.name === name);
const scores = (given: Readonly<Record<string, number>>) => {
  const list: (number | null)[] = dimensions.map(() => null);
  for (const [name, score] of Object.entries(given)) list[at(name)] = score;
  return list;
};

describe('joint', () => {
  it('says nothing where no running dimension did', () => {
    assert.equal(joint('seen', scores({})), null);
    assert.equal(joint('seen', scores({ mix: 5, 'rate.errors': 9 })), null);
  });

  it('grows with each of its scores, beyond the largest ever seen too', () => {
    let before = 0;
    for (const bits of [0, 0.5, 1, 1.5, 3, 9, 50, 1e6]) {
      const now = joint('seen', scores({ sequence: bits, 'first-seen': 1 })) ?? -1;
      assert.ok(now >= before, `${now} after ${before}`);
      assert.ok(Number.isFinite(now));
      before = now;
    }
    const both = joint('seen', scores({ sequence: 9, 'first-seen': 9 })) ?? 0;
    assert.ok(both > (joint('seen', scores({ sequence: 9 })) ?? 0));
  });
});
