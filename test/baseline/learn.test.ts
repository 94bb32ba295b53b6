/** Learning profiles: deterministic, frozen, calibrated out of fold, and gated. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONDUCT } from '../../src/baseline/conduct.ts';
import { DIMENSIONS, REGISTRY } from '../../src/baseline/dimensions.ts';
import { heldOut } from '../../src/baseline/held-out.ts';
import { rehearsedOf, templateKey } from '../../src/baseline/in-force.ts';
import { IN_FORCE, learnProfile, learnProfiles } from '../../src/baseline/learn.ts';
import { profileHash } from '../../src/baseline/profile.ts';
import { profileText, readProfile } from '../../src/baseline/proposal.ts';
import { forceOf } from '../../src/commands/baseline-force.ts';
import { standardOf } from '../../src/score/stage.ts';
import { shuffled, stream } from '../../src/simulation/random.ts';
import { SCRIBE_PLAN, scribeUnits } from '../sim/profile.ts';
import { call, office } from './conduct/conduct.ts';

const OPTIONS = { rehearsal: null, seed: 1 };
const SCOPE = { level: 'role', subject: 'scribe' } as const;
/** Learnt once for all tests that only read it. */
const PROFILE = learnProfile(scribeUnits(120), SCOPE, OPTIONS);

describe('learning', () => {
  it('gives the same profile for the same units in any order', () => {
    const units = scribeUnits(120);
    const other = shuffled(stream(2, 'order'), units);
    assert.equal(profileHash(learnProfile(other, SCOPE, OPTIONS)), profileHash(PROFILE));
  });

  it('gives a document that the readers of documents take', () => {
    const profile = PROFILE;
    const value = JSON.parse(profileText(profile)) as unknown;
    const read = readProfile(value, { file: 'test', lineOf: () => null }, REGISTRY);
    assert.deepEqual(read.problems, []);
    assert.equal(read.hash, profileHash(profile));
    const { sessions, agents, days, templates } = profile.meta;
    assert.deepEqual([sessions, agents, days, templates], [120, 4, 40, 4]);
    assert.equal(rehearsedOf(profile)?.templates.length, 4);
  });

  it('has at most twelve dimensions in force, none of which says nothing', () => {
    assert.ok(IN_FORCE.length <= 12);
    const profile = PROFILE;
    assert.ok(Object.keys(profile.dimensions).includes('sequence'));
    for (const name of ['level.tokens', 'text-drift'])
      assert.equal(profile.dimensions[name], undefined, name);
    for (const cells of Object.values(profile.calibration))
      for (const scores of Object.values(cells)) assert.equal(scores.length, 120);
  });

  it('keeps sessions out that the others make improbable, and names them', () => {
    const units = scribeUnits(300);
    const [planted] = units;
    assert.ok(planted !== undefined);
    const items = planted.items.map((item) =>
      item.type === 'call' ? { ...item, tool: `odd_${item.tool}`, toolClass: 'spend' } : item,
    );
    const profile = learnProfile([{ ...planted, items }, ...units.slice(1)], SCOPE, OPTIONS);
    assert.deepEqual(
      profile.meta.excluded.filter(({ session }) => session === planted.head.session),
      [{ session: planted.head.session, reason: 'improbable' }],
    );
    assert.ok(profile.meta.excluded.length <= 3, JSON.stringify(profile.meta.excluded));
  });

  it('does not learn an oddity, and counts its held-out score, trained or not', () => {
    const units = office(80, 3);
    const [first] = units;
    assert.ok(first !== undefined);
    const strange = (to: string) => call('wire_money', { to, amount: 99_000 }, 'Wired.');
    const items = [...first.items, strange('x@y.example'), strange('z@y.example')];
    const offered = [{ ...first, items }, ...units.slice(1)];
    const scope = { level: 'role', subject: 'office' } as const;
    const profile = learnProfile(offered, scope, { rehearsal: CONDUCT, seed: 1 });
    const { excluded, sessions } = profile.meta;
    assert.deepEqual(excluded, [{ session: first.head.session, reason: 'improbable' }]);
    assert.equal(sessions, 79);
    const { conduct = {} } = profile.calibration;
    const count = (mode: string) => conduct[`L3/${mode}`]?.length ?? 0;
    // Every unit was held out once in each mode, and the oddity in the one it belongs to.
    assert.deepEqual([count('seen'), count('unseen')].sort(), [79, 80]);
    for (const scores of Object.values(conduct))
      assert.deepEqual(
        scores,
        [...scores].sort((x, y) => x - y),
      );
    const counts = JSON.stringify([profile.dimensions, profile.rehearsed]);
    assert.ok(!counts.includes('wire_money'));
  });

  it('gives the fleet a profile always, and a role one where enough stands behind it', () => {
    const said: string[] = [];
    const options = { ...OPTIONS, progress: (what: string) => said.push(what) };
    const names = (count: number) =>
      learnProfiles(scribeUnits(count), options).map(({ level, subject }) => `${level} ${subject}`);
    assert.deepEqual(names(100), ['fleet *']);
    assert.ok(said.includes('role scribe: 100 units are too few for a baseline'));
    assert.deepEqual(names(400), ['role scribe', 'fleet *']);
    assert.deepEqual(learnProfiles([], options), []);
  });

  it('never scores a unit by counts that know it, nor a task by counts that know the task', () => {
    const units = scribeUnits(60).map((unit, n) => ({
      ...unit,
      // A session calls its odd tool three times: counts that knew it would not wonder any more.
      items: unit.items.map((item) =>
        item.type === 'call' && n === 7 ? { ...item, tool: 'odd' } : item,
      ),
    }));
    const novelty = DIMENSIONS.filter(({ name }) => name === 'first-seen');
    const seen = heldOut(novelty, units, 'session', 5);
    assert.equal(seen.length, 60);
    const bits = new Map(seen.map(({ unit, scores }) => [unit.head.session, scores[0] ?? 0]));
    const others = [...bits]
      .filter(([session]) => session !== 'learnt-7')
      .map(([, score]) => score);
    const odd = bits.get('learnt-7') ?? 0;
    assert.ok(odd > Math.max(...others) + 2, `${odd} bits, others ${Math.max(...others)}`);
    assert.equal(heldOut(novelty, units, 'template', 5).length, 60);
    const tasks = new Set(units.map(({ head }) => templateKey(head.mandate)));
    assert.equal(tasks.size, 4);
  });

  it('opens the lanes its calibration can carry, and no rung that hurts', () => {
    const profile = learnProfile(scribeUnits(400), SCOPE, OPTIONS);
    const [judging] = forceOf([profile]).judgings;
    assert.ok(judging !== undefined);
    const { thresholds } = standardOf(judging, SCRIBE_PLAN);
    assert.deepEqual(
      thresholds.map(({ alpha, a }) => [alpha, a]),
      [[0.005, 200]],
    );
    const all = standardOf(judging, forceOf([profile]).plans).thresholds.map(({ rung }) => rung);
    assert.deepEqual(all, ['alert', 'posture']);
  });
});
