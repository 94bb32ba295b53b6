/** Every comparator: quiet on what it learnt, loud on what is far off, seeded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMPARATORS } from '../../../src/evaluation/comparators/comparators.ts';
import { stream } from '../../../src/simulation/random.ts';
import { training, unit } from './training.ts';

for (const { name, setting, train } of COMPARATORS) {
  test(`comparators: ${name} tells what is usual from what is far off`, () => {
    assert.ok(setting.length > 0);
    const run = (mean: number) => {
      const watch = train(training(1_000, 1_000))();
      const random = stream(9, 'watched');
      let alarms = 0;
      for (let at = 0; at < 1_000; at += 1) if (watch(unit(random, mean))) alarms += 1;
      return alarms;
    };
    const [usual, far] = [run(0), run(6)];
    assert.ok(usual <= 60, `${usual} alarms in 1,000 usual units`);
    assert.ok(far >= 10 && far > 3 * usual, `${far} alarms in 1,000 units six deviations off`);
    assert.equal(run(6), far);
  });
}
