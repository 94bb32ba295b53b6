/** Admission: planted sessions stay out of a window, and what is merely odd still counts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { admitted } from '../../src/baseline/admission.ts';
import { DIMENSIONS } from '../../src/baseline/dimensions.ts';
import { IN_FORCE, learnProfile } from '../../src/baseline/learn.ts';
import type { UnitRecord } from '../../src/model/unit.ts';
import { scribeUnits } from '../sim/profile.ts';
import { call, office, say } from './conduct/conduct.ts';

const OPTIONS = { folds: 5, rehearsal: null };
const IN = DIMENSIONS.filter(({ name }) => IN_FORCE.includes(name));
const sessionsOf = (units: readonly UnitRecord[]) =>
  [...new Set(units.map(({ head }) => head.session))].sort();

/** Office sessions of which every `every`th also writes to somebody nobody named. */
function poisoned(count: number, every: number, name: (at: number) => string = () => 'mallory') {
  return office(count, 3).map((one, at) => {
    if (at % every !== 3) return one;
    const to = `${name(at)}@elsewhere.example`;
    return { ...one, items: [...one.items, say('send_mail'), call('send_mail', { to }, 'Sent.')] };
  });
}

/** A scribe's session in which every call goes to a tool nobody knows. */
function odd(unit: UnitRecord, name = 'odd'): UnitRecord {
  const items = unit.items.map((item) =>
    item.type === 'call' ? { ...item, tool: `${name}_${item.tool}`, toolClass: 'spend' } : item,
  );
  return { ...unit, items };
}

describe('admission', () => {
  it('keeps planted sessions out at genesis, says where their value went, and learns the others', () => {
    for (const every of [10, 50]) {
      const units = poisoned(600, every);
      const bad = sessionsOf(units.filter((_, at) => at % every === 3));
      const { kept, excluded, oddities } = admitted(IN, units, OPTIONS);
      const foreign = excluded.filter(({ reason }) => reason.startsWith('foreign-value: '));
      assert.deepEqual(foreign.map(({ session }) => session).sort(), bad);
      for (const { reason } of foreign) assert.match(reason, /send_mail, to: .* sessions of /);
      assert.ok(excluded.length - foreign.length <= 0.005 * 600);
      assert.equal(kept.length, 600 - excluded.length);
      // A visible mass is none of chance: none of it remains among the held-out scores.
      assert.deepEqual(
        oddities.filter(({ head }) => bad.includes(head.session)),
        [],
      );
    }
  });

  it('judges a window by what lies beside it, and learns and names nothing of that', () => {
    const units = poisoned(400, 40);
    const [before, window] = [units.slice(0, 350), units.slice(350)];
    const alone = admitted(IN, window, OPTIONS);
    assert.deepEqual(alone.excluded, []);
    const beside = admitted(IN, window, { ...OPTIONS, context: units });
    const bad = sessionsOf(window.filter((_, at) => (at + before.length) % 40 === 3));
    assert.deepEqual(
      beside.excluded.map(({ session }) => session),
      bad,
    );
    assert.ok(bad.length > 0);
    assert.equal(beside.kept.length, window.length - bad.length);
  });

  it('keeps out what is improbable under what is in force, in dimensions the window leaves alone', () => {
    const profile = learnProfile(
      scribeUnits(400),
      { level: 'role', subject: 'scribe' },
      { rehearsal: null, seed: 1 },
    );
    const window = scribeUnits(60, 9).map((one, at) => (at % 4 === 0 ? odd(one) : one));
    const bad = sessionsOf(window.filter((_, at) => at % 4 === 0));
    const named = (dimensions: readonly string[]) =>
      admitted(IN, window, { ...OPTIONS, predecessor: { profile, named: dimensions } }).excluded;
    const out = named(['level.tokens']);
    assert.deepEqual(
      out.map(({ session }) => session),
      out.map(({ session }) => session).filter((session) => bad.includes(session)),
    );
    assert.equal(out.length, bad.length);
    for (const { reason } of out) assert.equal(reason, 'improbable under what is in force');
    // A quarter of the window is no rarity in it: by itself it would be learnt.
    assert.deepEqual(admitted(IN, window, OPTIONS).excluded, []);
    // What the window opens as a whole is not asked of what was before.
    assert.deepEqual(named(['*']), []);
  });

  it('lets single oddities count among held-out scores, up to half a per cent of the sessions', () => {
    const units = scribeUnits(300).map((one, at) => (at < 3 ? odd(one, `odd_${at}`) : one));
    const hard = new Map([
      ['learnt-250', 'hard-evidence'],
      ['elsewhere', 'hard-evidence'],
    ]);
    const { excluded, oddities } = admitted(IN, units, { ...OPTIONS, excluded: hard });
    const improbable = excluded.filter(({ reason }) => reason === 'improbable');
    assert.deepEqual(excluded[0], { session: 'learnt-250', reason: 'hard-evidence' });
    assert.equal(excluded.length, improbable.length + 1);
    assert.ok(improbable.length >= 3);
    assert.equal(oddities.length, 2);
    for (const { head } of oddities)
      assert.ok(improbable.some(({ session }) => session === head.session));
    const scope = { level: 'role', subject: 'scribe' } as const;
    const profile = learnProfile(units, scope, { rehearsal: null, seed: 1, excluded: hard });
    assert.deepEqual(profile.meta.excluded, excluded);
    assert.equal(profile.meta.sessions, 300 - profile.meta.excluded.length);
    const scores = profile.calibration['sequence'] ?? {};
    const counted = Object.values(scores).map((cell) => cell.length);
    assert.ok(counted.includes(profile.meta.sessions + 2), counted.join());
    // The oddest scores there are: without them the threshold would be lower than it is.
    assert.ok((scores['L0/seen']?.at(-1) ?? 0) > 2 * (scores['L0/unseen']?.at(-1) ?? 0));
  });
});
