/** Learn and replay: every session is scored once, and the gate sees each by its calibrated rank. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inTemporaryFolder, writeFleet } from '../../src/commands/evaluate-fleet.ts';
import { windowPart } from '../../src/commands/evaluate-learning.ts';
import { learnFrom } from '../../src/commands/evaluate-replay.ts';
import { createOutput } from '../../src/commands/output.ts';
import { shippedLibrary } from '../sim/library.ts';

test('a small fleet is learnt, replayed, watched and gated', async () => {
  const output = createOutput({ json: false, quiet: true });
  const bench = { library: await shippedLibrary(), output, seed: '1' };
  await inTemporaryFolder(async (dir) => {
    // Fewer units than the rehearsed score is trained on: its own tests train it.
    const options = ['--learn-days', '1', '--days', '1', '--roles', 'recruiter', '--rates', 'none'];
    const plan = { agents: 2, seed: '5', options: [...options, '--changes', 'poisoned-window=2'] };
    const { learn, score } = await writeFleet(dir, plan);
    const learnt = await learnFrom(learn.dir, 'L3', bench, 'roles');
    assert.deepEqual(
      learnt.profiles.map(({ level, subject }) => `${level} ${subject}`),
      ['role recruiter'],
    );
    const outcomes = await learnt.replay(score.dir);
    const sessions = score.labels.map(({ session }) => session).sort();
    assert.deepEqual(outcomes.map(({ session }) => session).sort(), sessions);
    const { units } = await learnt.gateUnits(score.dir);
    assert.ok(units.length > 0);
    // A kind of task that nobody learnt may have no ranks in so small a fleet; it then has no p.
    for (const { p } of units) assert.ok(p === null || (p > 0 && p <= 1));
    assert.ok(units.some(({ p, calibration }) => p !== null && calibration > 0));
    const agents = new Set(score.labels.map(({ agent }) => agent));
    for (const { entity } of await learnt.watch(score.dir)) assert.ok(agents.has(entity.agent));
    const unmarked = units.map((unit) => ({ ...unit, foreignBits: null, traces: [] }));
    const suspected = unmarked.map((unit) => ({ ...unit, p: 1e-6 }));
    const planted = score.labels.filter(({ kind }) => kind === 'poisoned-window').length;
    const [goal] = windowPart(score, { units: suspected, firings: [] }).goals;
    assert.ok(planted > 0);
    assert.ok(goal?.measured.startsWith(`${planted} of ${planted} (${planted} by rank alone)`));
    assert.equal(goal?.isMet, true);
    const usual = unmarked.map((unit) => ({ ...unit, p: 1 }));
    const [open] = windowPart(score, { units: usual, firings: [] }).goals;
    assert.equal(open?.isMet, false);
    const bad = new Set(
      score.labels.filter(({ kind }) => kind === 'poisoned-window').map(({ session }) => session),
    );
    const told = usual.map((unit) => ({ ...unit, foreignBits: bad.has(unit.session) ? 9 : 1 }));
    const [named] = windowPart(score, { units: told, firings: [] }).goals;
    assert.match(named?.measured ?? '', new RegExp(`^${planted} of ${planted} \\(0 by rank alone`));
    assert.match(named?.measured ?? '', /and 0 of \d+ sound ones/);
    assert.equal(named?.isMet, true);
    const all = (traces: readonly string[] | null) =>
      score.changes.map(({ agent, atMs }) => ({ agent, changePointMs: atMs, traces }));
    const [shut] = windowPart(score, { units: usual, firings: all(null) }).goals;
    assert.match(shut?.measured ?? '', new RegExp(`with quarantine ${planted} and [1-9]`));
    const [spared] = windowPart(score, { units: usual, firings: all(['x']) }).goals;
    assert.match(spared?.measured ?? '', /with quarantine 0 and 0$/);
    assert.equal(shut?.isMet, false);
  });
});
