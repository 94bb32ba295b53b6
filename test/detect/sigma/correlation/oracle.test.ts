/** Oracle: the engine says what naive evaluation over the full list of hits says. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CORRELATION_TYPES } from '../../../../src/detect/sigma/correlation/definition.ts';
import { stream } from '../../../../src/simulation/random.ts';
import { inOrder, runLane } from './lane.ts';
import { demanded } from './oracle.ts';
import { randomEvents, randomRule } from './random-cases.ts';

// biome-ignore lint/style/noProcessEnv: the number of seeds is the one thing a person may raise.
const SEEDS = Number(process.env['PLUMBLINE_SEEDS'] ?? 120);

/** One line a firing, whatever order groups were decided in. */
function lines(
  all: readonly (readonly [decidedMs: number, ids: readonly string[], mark: boolean])[],
) {
  return all.map(([ms, ids, mark]) => `${ms} ${ids.join(' ')}${mark ? ' uncertain' : ''}`).sort();
}

describe('oracle', () => {
  for (const type of CORRELATION_TYPES)
    it(`${type}: the engine says what its definition demands`, () => {
      let fired = 0;
      for (let seed = 0; seed < SEEDS; seed += 1) {
        const random = stream(seed, `oracle ${type}`);
        const rule = randomRule(random, type);
        const events = randomEvents(random);
        const { firings } = runLane([...events].sort(inOrder), { rules: [rule] });
        const said = lines(
          firings.map((one) => [
            one.decidedMs,
            one.evidence.map(({ eventId }) => eventId),
            one.orderUncertain,
          ]),
        );
        const wanted = lines(
          demanded(rule, events).map((one) => [one.decidedMs, one.ids, one.uncertain]),
        );
        assert.deepEqual(
          said,
          wanted,
          `seed ${seed}: ${JSON.stringify({ rule, events }, null, 1)}`,
        );
        fired += firings.length;
      }
      assert.ok(fired > SEEDS / 4, `${fired} firings are too few to prove anything`);
    });
});
