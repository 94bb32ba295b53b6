/** Units of a written fleet: what other methods read there, and p-values of our dimensions in it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inTemporaryFolder, writeFleet } from '../../src/commands/evaluate-fleet.ts';
import { stepsOf, unitsIn } from '../../src/commands/evaluate-units.ts';
import { shippedLibrary } from '../sim/library.ts';

test('a fleet is written, read back whole, and scored dimension by dimension', async () => {
  const library = await shippedLibrary();
  await inTemporaryFolder(async (dir) => {
    const options = ['--learn-days', '2', '--days', '1', '--roles', 'recruiter', '--rates', 'none'];
    const plan = { agents: 3, seed: '1', options: [...options, '--changes', 'model=1'] };
    const { learn, score } = await writeFleet(dir, plan);
    const learnt = await unitsIn(learn.dir, library);
    const scored = await unitsIn(score.dir, library);
    assert.ok(learnt.length > 20 && scored.length > 5, `${learnt.length}, ${scored.length}`);
    const ids = (list: typeof learnt) => list.map(({ head }) => head.session).sort();
    assert.deepEqual(ids(scored), score.labels.map(({ session }) => session).sort());
    assert.ok(learnt.every(({ head }) => head.role === 'recruiter' && head.mandate !== null));
    const [change] = score.changes;
    assert.equal(change?.kind, 'model');
    assert.ok(scored.every(({ head }) => score.startMs.has(head.session)));
    const steps = stepsOf(learnt, scored);
    for (const { head } of scored) {
      const last = steps.get(head.session)?.at(-1);
      assert.equal(last?.seq, null);
      assert.ok((last?.p.length ?? 0) > 3);
      assert.ok(last?.p.every((p) => p > 0 && p <= 1));
    }
  });
});
