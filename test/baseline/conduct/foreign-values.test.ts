/** Foreign values: a stranger's literal is found once or often, and honest habits are left alone. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { foreignValues } from '../../../src/baseline/conduct/foreign-values.ts';
import { FOREIGN_BITS } from '../../../src/baseline/gate.ts';
import type { UnitRecord } from '../../../src/model/unit.ts';
import { shuffled, stream } from '../../../src/simulation/random.ts';
import { call, office, say, uniformOf, unit } from './conduct.ts';

const STRANGER = { to: 'mallory@elsewhere.example' };

/** The office's sessions, of which some also write to a stranger whom nobody named. */
function planted(count: number, share: number, value: (at: number) => object = () => STRANGER) {
  const uniform = uniformOf(11);
  const bad = new Set<string>();
  const units = office(count, 3).map((one, at) => {
    if (uniform() >= share) return one;
    bad.add(one.head.session);
    const deed = [say('send_mail'), call('send_mail', { ...value(at) }, 'Sent.')];
    return { ...one, items: [...one.items, ...deed] };
  });
  return { units, bad };
}

/** Sessions whose most telling value keeps them out. */
function keptOut(units: readonly UnitRecord[]): Set<string> {
  const found = foreignValues(units);
  return new Set(
    [...found].flatMap(([session, [most]]) =>
      most !== undefined && most.bits >= FOREIGN_BITS ? [session] : [],
    ),
  );
}

describe('foreign values', () => {
  it('are found whether they recur in one session of a hundred or in a third of them', (t) => {
    for (const share of [0.01, 0.02, 0.05, 0.35]) {
      const { units, bad } = planted(600, share);
      const out = keptOut(units);
      const caught = [...bad].filter((session) => out.has(session)).length;
      const lost = [...out].filter((session) => !bad.has(session)).length;
      t.diagnostic(`${100 * share} %: ${caught} of ${bad.size}, and ${lost} sound ones`);
      assert.ok(bad.size > 0 && caught >= 0.95 * bad.size, `${share}`);
      assert.equal(lost, 0);
    }
  });

  it('are none where nothing was planted', () => {
    assert.deepEqual([...foreignValues(office(600, 3))], []);
    assert.deepEqual([...foreignValues([])], []);
  });

  it('are the same in whatever order the sessions come', () => {
    const { units } = planted(300, 0.05);
    const sorted = (all: readonly UnitRecord[]) =>
      [...foreignValues(all)].sort(([a], [b]) => (a < b ? -1 : 1));
    assert.deepEqual(sorted(shuffled(stream(4, 'order'), units)), sorted(units));
  });

  it('name tool, argument and counts, and nothing that was said', () => {
    const { units, bad } = planted(600, 0.05);
    const [session = ''] = bad;
    const [most] = foreignValues(units).get(session) ?? [];
    assert.equal(most?.sessions, bad.size);
    assert.ok((most?.mandates ?? 0) > 5);
    assert.match(most?.because ?? '', /^send_mail, to: a value out of nowhere, as 0 of \d+ other/);
    assert.match(most?.because ?? '', new RegExp(`the same in ${bad.size} sessions of \\d+ mand`));
    assert.doesNotMatch(JSON.stringify(foreignValues(units).get(session)), /mallory|elsewhere/);
  });

  it('are not what a place is usually filled with: made up every time, or read every time', () => {
    const uniform = uniformOf(5);
    const draft = () => `/drafts/${Math.floor(uniform() * 9_000)}.md`;
    const usual = office(300, 3).map((one, at) => {
      const number = `INV-${1000 + at}`;
      const made = call('rename_file', { draft: draft() }, 'Renamed.');
      const read = call('read_mail', { from: 'ann' }, `Please pay ${number} soon.`);
      const paid = call('pay_bill', { number }, 'Paid.');
      return { ...one, items: [...one.items, made, read, say('pay_bill'), paid] };
    });
    assert.deepEqual([...keptOut(usual)], []);
  });

  it('are not what most sessions were given: those that made it up know it from them', () => {
    const units = office(300, 3);
    const isGiven = (at: number) => at % 20 === 0;
    const isMadeUp = (at: number) => at === 7 || at === 8 || at === 11;
    const to = 'frank@office.example';
    const known = units.map((one, at) => {
      if (!isGiven(at) && !isMadeUp(at)) return one;
      const items = [...one.items, say('send_mail'), call('send_mail', { to }, 'Sent.')];
      const mandate = isGiven(at) ? `${one.head.mandate}, and tell ${to}` : one.head.mandate;
      return { ...one, items, head: { ...one.head, mandate } };
    });
    assert.deepEqual([...keptOut(known)], []);
    const alone = known.map((one, at) => (isGiven(at) ? (units[at] as UnitRecord) : one));
    assert.deepEqual([...keptOut(alone)].sort(), ['s-3-11', 's-3-7', 's-3-8']);
  });

  it('go with a session whatever chunks it is in: what the first read, the second may use', () => {
    const units = office(300, 3);
    const read = call('read_mail', { from: 'ann' }, 'Write to gina@office.example about it.');
    const sent = call('send_mail', { to: 'gina@office.example' }, 'Sent.');
    const chunks = [
      unit('long', 'What does ann want?', [read], 'agent-1', 7),
      unit('long', 'What does ann want?', [say('send_mail'), sent], 'agent-1', 8),
    ];
    const whole = unit(
      'long',
      'What does ann want?',
      chunks.flatMap(({ items }) => items),
    );
    const of = (more: readonly UnitRecord[]) =>
      (foreignValues([...units, ...more]).get('long') ?? []).map(({ because }) => because);
    assert.deepEqual(of(chunks), of([whole]));
    assert.ok(of(chunks).every((because) => !because.includes('nowhere')));
  });

  it('do not count calls that failed, nor those a lease of ours refused', () => {
    const withCalls = (over: Parameters<typeof call>[3]) =>
      office(300, 3).map((one, at) => {
        if (at !== 7 && at !== 8 && at !== 11) return one;
        return { ...one, items: [...one.items, call('send_mail', STRANGER, 'Done.', over)] };
      });
    for (const over of [{ outcome: 'error' as const }, { ours: true }])
      assert.deepEqual([...keptOut(withCalls(over))], []);
    for (const over of [{}, { outcome: 'unknown' as const }])
      assert.equal(keptOut(withCalls(over)).size, 3);
  });

  it('are compared with their like: without result texts only with sessions that have none', () => {
    const bare = (one: UnitRecord): UnitRecord => ({
      ...one,
      items: one.items.map((item) => (item.type === 'call' ? { ...item, result: null } : item)),
    });
    const units = office(400, 3);
    const mixed = units.map((one, at) => (at % 2 === 0 ? bare(one) : one));
    assert.deepEqual([...keptOut(mixed)], []);
    const { units: all, bad } = planted(400, 0.05);
    const out = keptOut(all.map(bare));
    assert.deepEqual([...out].sort(), [...bad].sort());
  });
});
