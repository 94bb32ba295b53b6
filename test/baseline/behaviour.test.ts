/** Behaviour: readings of open units, the profile that answers, and what late records cannot do. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Behaviour, createBehaviour } from '../../src/baseline/behaviour.ts';
import { CONDUCT } from '../../src/baseline/conduct.ts';
import { DIMENSIONS } from '../../src/baseline/dimensions.ts';
import { compileProfiles } from '../../src/baseline/in-force.ts';
import { EMPTY_INVENTORY } from '../../src/baseline/inventory.ts';
import { learnProfile } from '../../src/baseline/learn.ts';
import type { Profile } from '../../src/baseline/profile.ts';
import type { EventFact } from '../../src/model/fact.ts';
import type { UnitReading } from '../../src/model/reading.ts';
import { Slots } from '../../src/state/slots.ts';
import { SCRIBE, scribeProfile, scribeUnits } from '../sim/profile.ts';
import { called, factOf, governed, sessionView } from './facts.ts';

const MINUTE_MS = 60_000;

/** What is comparable of a reading. */
interface Said {
  readonly unit: string;
  readonly isClosed: boolean;
  readonly joint: number | null | undefined;
  readonly cell: string | undefined;
  readonly scores: readonly (number | null)[];
  readonly because: readonly string[];
  readonly tool: string;
}

function said(reading: UnitReading): Said {
  const { unit, isClosed, readings, witness } = reading;
  return {
    ...{ unit, isClosed, tool: witness.tool },
    joint: readings.joint?.score,
    cell: readings.joint?.cell,
    scores: readings.dimensions.map(({ score }) => score),
    because: reading.because(['sequence', 'first-seen']),
  };
}

interface Lab {
  readonly found: Said[];
  readonly behaviour: Behaviour;
  readonly feed: (facts: readonly EventFact[]) => Lab;
}

function lab(
  profiles: readonly Profile[] = [scribeProfile()],
  options: { slots?: Slots; maxUnits?: number; blind?: boolean } = {},
): Lab {
  const slots = options.slots ?? new Slots();
  const found: Said[] = [];
  const compiled = compileProfiles(profiles, CONDUCT);
  const behaviour = createBehaviour(slots, compiled, {
    inventory: EMPTY_INVENTORY,
    blind: () => options.blind ?? false,
    evicted: () => undefined,
    maxUnits: options.maxUnits ?? 1000,
  });
  const sink = (reading: UnitReading) => found.push(said(reading));
  const own: Lab = {
    ...{ found, behaviour },
    feed(facts) {
      for (const fact of facts) {
        behaviour.passTime(fact.event.time.eventMs - 1, sink);
        behaviour.see(fact, sink);
      }
      return own;
    },
  };
  return own;
}

let learnt: Profile | undefined;

/** A baseline with conduct in it, learnt once for all tests of this file. */
function trained(): Profile {
  const scope = { level: 'role', subject: SCRIBE } as const;
  learnt ??= learnProfile(scribeUnits(64), scope, { rehearsal: CONDUCT, seed: 1 });
  return learnt;
}

const names = (name: string) =>
  Array.from({ length: 60 }, (_, at) => ({
    tool: `${'ö'.repeat(300)}${name}${at}`,
    class: 'write' as const,
  }));
const OPENED = governed(0, 'session.opened', { mandate: 'file the note about case 12' });
const SOUND = [OPENED, called(1, 'find_note'), called(2, 'open_note'), called(3, 'save_note')];
const CLOSED = governed(10, 'session.closed');
const LATER = called(60 * MINUTE_MS, 'find_note', { session: sessionView({ id: 'other' }) });

describe('behaviour', () => {
  it('gives a reading a call and one at the close, whose running scores never fall', () => {
    const { found } = lab().feed([...SOUND, CLOSED, LATER]);
    assert.deepEqual(
      found.slice(0, 4).map(({ isClosed, tool }) => [isClosed, tool]),
      [
        [false, 'find_note'],
        [false, 'open_note'],
        [false, 'save_note'],
        [true, 'save_note'],
      ],
    );
    const joints = found.slice(0, 4).map(({ joint }) => joint ?? 0);
    assert.deepEqual(
      joints,
      joints.toSorted((a, b) => a - b),
    );
    assert.ok(found.every(({ cell }) => cell === 'L0/seen' || cell === 'L0/unseen'));
  });

  it('finds a tool that no session used stranger than ordinary work, and says so', () => {
    const strange = [...SOUND.slice(0, 3), called(3, 'erase_everything')];
    const [usual, odd] = [SOUND, strange].map((facts) => lab().feed(facts).found.at(-1));
    assert.ok((odd?.joint ?? 0) > (usual?.joint ?? 0) + 5, `${odd?.joint} and ${usual?.joint}`);
    assert.match(odd?.because.join(' ') ?? '', /erase_everything/);
  });

  it('closes a unit after idleness, and begins the next one anew', () => {
    const { found } = lab().feed([...SOUND, called(40 * MINUTE_MS, 'find_note')]);
    assert.deepEqual(
      found.map(({ unit, isClosed }) => `${unit} ${isClosed}`),
      ['s@0 false', 's@0 false', 's@0 false', 's@0 true', `s@${40 * MINUTE_MS} false`],
    );
  });

  it('takes late records into an open unit, and never into a closed one', () => {
    const late = called(5, 'erase_everything', { late: true });
    const open = lab().feed([...SOUND, late]);
    assert.equal(open.found.length, 4);
    const closed = lab().feed([...SOUND, CLOSED, LATER, late]);
    assert.equal(closed.found.filter(({ unit }) => unit === 's@0').length, 4);
    assert.equal(closed.behaviour.counters['baseline.late'], 1);
  });

  it('leaves out what a lease of ours refused', () => {
    const refused = called(4, 'erase_everything', { ours: true });
    assert.deepEqual(lab().feed([...SOUND, refused]).found, lab().feed(SOUND).found);
  });

  it('stores an open unit in 64 KiB at most, whatever its agent says, does and reads', () => {
    const slots = new Slots();
    const session = sessionView({ id: 'i'.repeat(512), agent: 'a'.repeat(512) });
    const text = (at: number) => Array.from({ length: 4_000 }, (_, k) => `ü${at}_${k}`).join(' ');
    const facts = [
      governed(0, 'session.opened', { mandate: '\u0001x "'.repeat(2_000) }, { session }),
      governed(1, 'plan.declared', { tools: names('planned') }, { session }),
    ];
    for (let at = 2; at < 21; at += 1)
      facts.push(
        factOf(
          10 * at,
          { kind: 'reasoning', reasoning: { text: text(at), intents: names('n'), claims: [] } },
          { session },
        ),
        called(
          10 * at + 1,
          'tool',
          { session },
          {
            tool: `${'\u0002'.repeat(500)}${at}`,
            args: Object.fromEntries(
              names('p').map(({ tool }, k) => [tool, `${text(at).slice(k, k + 30)}`]),
            ),
            result: text(at + 100),
          },
        ),
      );
    const { found } = lab([trained()], { slots }).feed(facts);
    assert.equal(found.length, 19);
    const stored = [...slots.all()].filter(([space]) => space === 'U');
    assert.equal(stored.length, 1);
    const bytes = Buffer.byteLength(JSON.stringify(stored));
    assert.ok(bytes <= 65_536 && bytes > 30_000, String(bytes));
  });

  it('abstains where a source is blind', () => {
    const [reading] = lab([scribeProfile()], { blind: true }).feed(SOUND).found;
    assert.equal(reading?.joint, undefined);
    assert.ok(reading?.scores.every((score) => score === null));
  });

  it('lets what a signed change names abstain, and nothing else', () => {
    const changed = governed(0, 'prompt.changed', {}, { session: null });
    const { event } = changed;
    const target = { type: 'role', id: 'scribe' };
    const governance = { change: 'prompt.changed', target, actor: 'carla' } as const;
    const { agent: _agent, ...rest } = event;
    const signed = {
      ...changed,
      event: { ...rest, governance, src: { ...event.src, trust: 'platform' } as const },
    };
    const closed = [...SOUND, CLOSED, LATER];
    const names = Object.keys(scribeProfile().dimensions).sort();
    const { found } = lab().feed([signed, ...closed]);
    const [plain, ours] = [lab().feed(closed).found, found].map((all) => all[3]?.scores ?? []);
    const silenced = DIMENSIONS.filter(({ name }) => names.includes(name)).filter(
      (_, at) => plain?.[at] !== null && ours?.[at] === null,
    );
    assert.deepEqual(
      silenced.map(({ name }) => name),
      ['mix'],
    );
    assert.equal(found[3]?.joint, lab().feed(closed).found[3]?.joint);
  });

  it('is silent without a profile, and counts the calls', () => {
    const { found, behaviour } = lab([]).feed(SOUND);
    assert.deepEqual(found, []);
    assert.equal(behaviour.counters['baseline.missing'], 3);
  });

  it('lets the fleet answer for an agent whose role has no profile, and nobody else', () => {
    const fleet: Profile = { ...scribeProfile(), level: 'fleet', subject: '*' };
    const stranger = SOUND.map((fact) => ({ ...fact, session: sessionView({ role: 'clerk' }) }));
    assert.equal(lab([scribeProfile(), fleet]).feed(stranger).found.length, 3);
    assert.equal(lab([scribeProfile()]).feed(stranger).found.length, 0);
  });

  it('keeps so many sessions and no more', () => {
    const crowd = Array.from({ length: 50 }, (_, n) =>
      called(n, 'find_note', { session: sessionView({ id: `s-${n}` }) }),
    );
    const slots = new Slots();
    const { behaviour } = lab([scribeProfile()], { slots, maxUnits: 10 }).feed(crowd);
    assert.equal(slots.count('U'), 10);
    assert.equal(behaviour.counters['baseline.evicted'], 40);
  });

  it('begins a unit anew that another version of the product remembered in its own way', () => {
    const slots = new Slots();
    lab([scribeProfile()], { slots }).feed(SOUND);
    const stored = String(slots.takeDelta()).replaceAll(/"form":\d+/g, '"form":1');
    const restored = new Slots();
    restored.restore([], [{ seq: 1, bytes: Buffer.from(stored) }]);
    const after = lab([scribeProfile()], { slots: restored });
    for (const _step of after.behaviour.restoring());
    after.feed([called(5, 'find_note'), called(6, 'open_note')]);
    assert.equal(after.behaviour.counters['baseline.replaced'], 1);
    assert.equal(after.found.length, 1);
  });

  it('goes on after a restore as if nothing had happened, the rehearsed score too', () => {
    const profile = trained();
    const strange = [...SOUND, called(4, 'erase_note'), CLOSED, LATER];
    const plain = lab([profile]).feed(strange).found;
    assert.equal(plain[0]?.cell, 'L2/seen');
    assert.ok(plain.some(({ joint }) => typeof joint === 'number'));
    for (let cut = 1; cut < strange.length; cut += 1) {
      const slots = new Slots();
      const before = lab([profile], { slots }).feed(strange.slice(0, cut));
      const restored = new Slots();
      restored.restore([], [{ seq: 1, bytes: slots.takeDelta() ?? Buffer.from('[]') }]);
      const after = lab([profile], { slots: restored });
      for (const _step of after.behaviour.restoring());
      after.feed(strange.slice(cut));
      assert.deepEqual([...before.found, ...after.found], plain, `cut at ${cut}`);
    }
  });
});
