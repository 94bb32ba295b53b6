/** Chaos: crashes, lost replies, a database that blinks, targets that are down or lie; many seeds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { THOROUGH } from './amount.ts';
import { type ChaosReport, runChaos } from './chaos.ts';

const SEEDS = THOROUGH ? 500 : 25;

test(`${SEEDS} seeds: nothing outlives its time, nothing happens twice, everything is accounted for`, async (t) => {
  const sum = { intentions: 0, leases: 0, crashes: 0, lostReplies: 0, escalations: 0 };
  const ended: Record<string, number> = {};
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const report: ChaosReport = await runChaos(seed);
    assert.deepEqual(report.faults, [], `seed ${seed}`);
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += report[name];
    for (const [state, count] of Object.entries(report.ended))
      ended[state] = (ended[state] ?? 0) + count;
  }
  t.diagnostic(`${SEEDS} seeds: ${JSON.stringify(sum)}; leases ended ${JSON.stringify(ended)}`);
  // A world in which nothing goes wrong shows nothing.
  for (const [name, count] of Object.entries(sum)) assert.ok(count > SEEDS, `${name}: ${count}`);
  for (const state of ['expired', 'released', 'refused', 'lapsed'])
    assert.ok((ended[state] ?? 0) > 0, `no lease ended ${state}`);
});
