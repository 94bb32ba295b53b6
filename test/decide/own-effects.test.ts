/** Own effects: a fleet that we restrain does not feed itself with what our restraint brings about. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { forceOf } from '../../src/commands/baseline-force.ts';
import { readCase, type WrittenCase } from '../../src/commands/case-file.ts';
import { isRestrained } from '../../src/decide/own-effects.ts';
import type { StandingLease } from '../../src/decide/standing.ts';
import type { UnitReading } from '../../src/model/reading.ts';
import {
  prepare,
  type Runner,
  runCrashed,
  runPlain,
  runShuffled,
  verdictOf,
} from '../detectors/run.ts';
import { laneOptions } from '../sim/lane-options.ts';
import type { LaneStore } from '../sim/lane-store.ts';
import { shippedLibrary } from '../sim/library.ts';
import { SCRIBE_PLAN, scribeProfile } from '../sim/profile.ts';

type Given = WrittenCase['given'][number];

const { detectors, inventory } = await shippedLibrary();
const AGENTS = ['scribe-1', 'scribe-2', 'scribe-3'];
const TOOLS = [
  { tool: 'find_note', class: 'read' },
  { tool: 'open_note', class: 'read' },
];
/** More calls in a minute than any detector of bursts lets pass, and more refusals. */
const BURST = 70;

/** What the gateway answers where it refuses. */
type Answer = Readonly<Record<string, unknown>>;
const UNNAMED: Answer = { decision: 'deny', outcome: 'error', status: 403 };
const UNDECIDED: Answer = { decision: 'unknown', outcome: 'error', status: 403 };
const NAMED: Answer = { ...UNNAMED, policy: 'plumbline:lease' };
const OTHERS: Answer = { ...UNNAMED, policy: 'egress' };

/** A scribe erases a note, which nobody granted; then it tries again, as often as a loop does. */
function strayed(agent: string, answer: Answer | null): Given[] {
  const session = `${agent}-session`;
  const who = { agent, session };
  const work = (at: number, seq: number, tool: string): Given[] => [
    { at: `+${at}s`, ...who, seq, states: { call: `${agent}-${seq}`, tool, args: { id: 'n' } } },
    {
      at: `+${at}.2s`,
      ...who,
      seq: seq + 1,
      call: `${agent}-${seq}`,
      calls: { tool, args: { id: 'n' } },
    },
  ];
  const erase = { tool: 'erase_note', args: { id: 'n' } };
  const burst: Given[] =
    answer === null
      ? []
      : [
          { at: '+120s', ...who, id: `${agent}-said`, states: [], tokens: 10 },
          {
            at: '+121s',
            every: '700ms',
            times: BURST,
            ...who,
            id: `${agent}-again`,
            call: `${agent}-a`,
            calls: { ...erase, ...answer },
          },
        ];
  const stated: Given[] =
    answer === null
      ? []
      : [
          {
            at: '+120.5s',
            every: '700ms',
            times: BURST,
            ...who,
            id: `${agent}-turn`,
            states: { call: `${agent}-a`, ...erase },
          },
        ];
  return [
    { at: '-5m', agent, session: 'none', registers: 'scribe' },
    { at: '-5m', agent, session: 'none', grants: TOOLS },
    { at: '+0s', ...who, opens: { role: 'scribe', mandate: 'file the note about case 4711' } },
    ...work(1, 1, 'find_note'),
    ...work(4, 3, 'open_note'),
    ...work(7, 5, 'erase_note'),
    ...burst,
    ...stated,
    ...work(240, 7, 'open_note'),
    { at: '+250s', ...who, closes: true },
  ];
}

interface Told {
  readonly store: LaneStore;
  readonly runner: Runner;
  /** The last reading of each session. */
  readonly scores: ReadonlyMap<string, UnitReading>;
}

function fleet(
  answer: Answer | null,
  driver: string | null = 'test',
  more: readonly Given[] = [],
): Told {
  const given = [...more, ...AGENTS.flatMap((agent) => strayed(agent, answer))];
  const one = readCase('own-effects', { name: 'fleet', why: 'law 6', given, expect: [] });
  const scores = new Map<string, UnitReading>();
  const baseline = forceOf([scribeProfile()], { plans: SCRIBE_PLAN });
  const onReading = (reading: UnitReading) => {
    if (reading.isClosed) scores.set(reading.session.id, reading);
  };
  const options = laneOptions({
    ...{ detectors, inventory, driver },
    baseline: { ...baseline, onReading },
    guardrails: { breakerFleetShare: 1, breakerRoleShare: 1 },
  });
  const runner = { events: prepare(one, { detectors, inventory }).events, options };
  return { runner, scores, store: runPlain(runner) };
}

/** Detections by detector and session, as they would be counted. */
function said({ store }: Told): string[] {
  return [...store.detections.values()]
    .map(({ detector, entity }) => `${detector} ${entity.agent}`)
    .sort();
}

describe('own effects', () => {
  it('are there to be told: without a lease the same refusals are a finding, and so is another policy', () => {
    const quiet = said(fleet(null));
    for (const told of [fleet(UNNAMED, null), fleet(OTHERS)]) {
      const more = said(told).filter((one) => !quiet.includes(one));
      assert.ok(more.includes('call-burst scribe-1'), more.join());
      assert.ok(more.includes('unusual-behaviour scribe-1'), more.join());
    }
  });

  it('lead to no new finding, whether the gateway names the lease, names nobody, or only says 403', () => {
    const quiet = fleet(null);
    assert.equal(quiet.store.intentions.size, AGENTS.length, 'each of them is frozen once');
    for (const answer of [UNNAMED, NAMED, UNDECIDED]) {
      const told = fleet(answer);
      assert.deepEqual(said(told), said(quiet));
      assert.equal(told.store.intentions.size, AGENTS.length);
    }
  });

  it('move no score and no baseline', () => {
    const [quiet, told] = [fleet(null), fleet(UNNAMED)];
    assert.equal(quiet.scores.size, AGENTS.length);
    for (const [session, { readings }] of quiet.scores)
      assert.deepEqual(told.scores.get(session)?.readings, readings, session);
  });

  it('are looked for in each decision, beside the windows that were open', () => {
    const window = { at: '-1s', agent: 'scribe-1', session: 'none', category: 'window' };
    const opened = { change: 'window.opened', target: { type: 'role', id: 'scribe' } };
    const { store } = fleet(UNNAMED, 'test', [{ ...window, governance: opened }]);
    assert.ok(store.decisions.size > 0);
    for (const { falsification, evidenceClass, wouldAct } of store.decisions.values()) {
      const of = (name: string) => falsification.find(({ explanation }) => explanation === name);
      assert.match(
        of('open-window')?.data ?? '',
        /^open: change window of role scribe, \d+ s before/,
      );
      assert.equal(of('open-window')?.verdict, evidenceClass === 'hard' ? 'cannot-tell' : 'holds');
      assert.ok(of('our-own-action') !== undefined);
      if (evidenceClass !== 'hard') assert.equal(wouldAct, false);
    }
  });

  it('are told in any order and across crashes', () => {
    const { runner, store } = fleet(UNNAMED);
    for (const seed of [1, 2])
      assert.deepEqual(verdictOf(runShuffled(runner, seed)), verdictOf(store), `seed ${seed}`);
    for (const step of [40, 300])
      assert.deepEqual(verdictOf(runCrashed(runner, step)), verdictOf(store), `step ${step}`);
  });
});

describe('own effects: what was attempted', () => {
  it('stays a breach although we refuse it: an attack that goes on renews its lease', () => {
    const turn = (at: string, seq: number): Given[] => [
      { at: `${at}s`, seq, states: { call: `c-${seq}`, tool: 'read_record', args: { id: 'm' } } },
      {
        at: `${at}.2s`,
        seq: seq + 1,
        call: `c-${seq}`,
        calls: { tool: 'read_record', args: { id: 'm' } },
      },
    ];
    const send = { tool: 'send_message', args: { to: 'm' } };
    const given = [
      ...turn('+5', 1),
      { at: '+7s', id: 'first', call: 'x-1', calls: send },
      ...turn('+50', 3),
      ...turn('+600', 5),
      { at: '+602s', id: 'again', call: 'x-2', calls: { ...send, ...UNNAMED } },
      ...turn('+650', 7),
    ];
    const one = readCase('own-effects', { name: 'attack', why: 'law 6', given, expect: [] });
    const store = runPlain(prepare(one, { detectors, inventory }));
    const unstated = [...store.detections.values()].filter(({ tool }) => tool === 'send_message');
    assert.deepEqual(
      unstated.map(({ detector }) => detector),
      ['unstated-action', 'unstated-action'],
    );
    assert.deepEqual(
      [...store.intentions.values()].map(({ step }) => step),
      ['request', 'renew'],
    );
    const last = [...store.decisions.values()].find(({ outcome }) => outcome === 'renew');
    const own = last?.falsification.find(({ explanation }) => explanation === 'our-own-action');
    assert.deepEqual(
      [own?.verdict, own?.data],
      ['cannot-tell', '1 of 1 calls it rests on were refused by a lease of ours'],
    );
  });
});

describe('own effects: what a lease restrains', () => {
  const lease = (changes: {
    verb?: StandingLease['verb'];
    session?: string | null;
    tools?: string[];
  }) => ({
    verb: changes.verb ?? 'freeze_tool',
    subject: {
      tenant: '-',
      agent: 'a',
      session: changes.session ?? null,
      tools: changes.tools ?? [],
    },
    issuedMs: 1000,
  });
  const call = { session: 's', tool: 'send', toolClass: 'communicate', ms: 1000 };

  it('is what its subject names, from the moment it was decided', () => {
    assert.equal(isRestrained(lease({}), call), true);
    assert.equal(isRestrained(lease({}), { ...call, ms: 999 }), false);
    assert.equal(isRestrained(lease({ tools: ['send'] }), call), true);
    assert.equal(isRestrained(lease({ tools: ['other'] }), call), false);
    assert.equal(isRestrained(lease({ session: 's' }), call), true);
    assert.equal(isRestrained(lease({ session: 't' }), call), false);
  });

  it('is not a read, where a posture lets reads go on', () => {
    assert.equal(isRestrained(lease({ verb: 'posture' }), { ...call, toolClass: 'read' }), false);
    assert.equal(isRestrained(lease({ verb: 'posture' }), call), true);
    assert.equal(
      isRestrained(lease({ verb: 'suspend_agent' }), { ...call, toolClass: 'read' }),
      true,
    );
  });
});
