/** Roster: an edited detector takes over without a finding twice or missed, whatever crashes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { KINDS_OF_ANALYTIC } from '../../src/detect/detect.ts';
import { readDetectorFile } from '../../src/detect/detector-file.ts';
import { createRoster, type Roster } from '../../src/detect/roster.ts';
import type { Detection } from '../../src/model/detection.ts';
import type { Detector } from '../../src/model/detector.ts';
import type { EventFact } from '../../src/model/fact.ts';
import { Slots } from '../../src/state/slots.ts';
import { eventOf } from '../correlate/events.ts';
import { known } from '../correlate/known.ts';
import { shippedLibrary } from '../sim/library.ts';

const { detectors, inventory } = await shippedLibrary();
const SHIPPED = detectors.find(({ stem }) => stem === 'call-burst') as Detector;
const MINUTE = 60_000;

/** Counts calls of an agent within ten minutes. */
function burst(version: string, atLeast: number): Detector {
  const params = {
    kind: 'gateway',
    category: 'tool_call',
    by: ['agent.id'],
    atLeast,
    within: '10m',
  };
  return { ...SHIPPED, params, version };
}

/** A call that is let through in the minutes before none is refused, or the other way round. */
function unheralded(timespan: string): Detector {
  const text = `
title: Refused without one let through before
name: unheralded
id: 6e0b6f0e-3f2a-4f0a-9a50-1d2f3c4b5a60
taxonomy: plumbline
status: experimental
date: 2026-11-29
falsepositives: ['none that are known']
level: high
tags: [atlas.t0053]
correlation: { type: temporal_ordered, rules: [allowed, refused], group-by: [agent.id],
  timespan: ${timespan}, condition: not allowed and refused }
plumbline:
  format: 1
  maturity: alert
  evidence_class: hard
  needs: { sources: [gateway], evidence: L0 }
  entity: [agent.id]
  why: It is made for a test of the roster.
  misses: Whatever lies outside the test.
  triage: Read the test it was made for.
---
title: Refused call
name: refused
logsource: { product: ai_agent, service: gateway, category: tool_call }
detection: { sel: { action.decision: deny }, condition: sel }
---
title: Call let through
name: allowed
logsource: { product: ai_agent, service: gateway, category: tool_call }
detection: { sel: { action.decision: allow }, condition: sel }
`;
  const texts = [...parseAllDocuments(text)].map((document) => ({
    file: 'scope/unheralded.yaml',
    document: document.toJS() as unknown,
    lineOf: () => null,
  }));
  const { detector, problems } = readDetectorFile(texts, KINDS_OF_ANALYTIC);
  assert.deepEqual(problems, []);
  return detector as Detector;
}

function call(ms: number, agent = 'a', decision: 'allow' | 'deny' = 'allow'): EventFact {
  const action = { phase: 'result', tool: 't', decision, outcome: 'ok' } as const;
  return {
    type: 'event',
    event: eventOf({ kind: 'gateway', ms, body: { action } }),
    ...{ session: null, tenant: '-', agent, role: null, argsDigest: null, toolClass: null },
    ...{ granted: null, ours: false, model: null, late: false },
    ...known(),
  };
}

/** A roster with its slots, and everything it said. */
function lab(given: readonly Detector[]) {
  let slots = new Slots();
  let reads = given;
  const deltas: { seq: number; bytes: Buffer }[] = [];
  const said: Detection[] = [];
  const evicted: string[] = [];
  const notices: string[] = [];
  const options = () => ({
    ...{ slots, inventory, maturity: {}, blind: () => false },
    evicted: (_: string, detail: string) => evicted.push(detail),
    notice: (code: string) => notices.push(code),
  });
  const sink = {
    detection: (each: Detection) => said.push(each),
    amendment: () => assert.fail('nothing is taken back'),
  };
  let roster: Roster = createRoster(given, options());
  return {
    said,
    evicted,
    notices,
    slots: () => slots,
    see(fact: EventFact) {
      roster.passTime(fact.event.time.eventMs - 1, sink);
      roster.see(fact, sink);
    },
    pass: (ms: number) => roster.passTime(ms, sink),
    counters: () => roster.counters,
    spaces: () => roster.spaces,
    reload(next: readonly Detector[], ms: number) {
      reads = next;
      return roster.reload(next, ms);
    },
    /** `next`: files that were changed while nothing ran; `ms`: event time that had been reached. */
    crash(next = reads, ms: number | null = null) {
      reads = next;
      const bytes = slots.takeDelta();
      if (bytes !== null) deltas.push({ seq: deltas.length + 1, bytes });
      slots = new Slots();
      slots.restore([], deltas);
      roster = createRoster(reads, options());
      const steps = roster.restoring(ms);
      while (steps.next().done !== true);
    },
    versions: () => said.map(({ version, timeMs }) => `${version}@${timeMs / MINUTE}`),
  };
}

describe('roster', () => {
  it('leaves the say to the old version until the new one has seen its timespan', () => {
    const one = lab([burst('old', 3)]);
    for (const at of [1, 2]) one.see(call(at * MINUTE));
    const turns = one.reload([burst('new', 4)], 2.5 * MINUTE);
    assert.deepEqual(turns, [
      { stem: 'call-burst', from: 'old', to: 'new', untilMs: 12.5 * MINUTE },
    ]);
    one.see(call(3 * MINUTE));
    assert.deepEqual(one.versions(), ['old@3']);
    // A new episode once the new version has the say: three are no longer enough.
    for (const at of [30, 31, 32]) one.see(call(at * MINUTE));
    assert.deepEqual(one.versions(), ['old@3']);
    one.see(call(33 * MINUTE));
    assert.deepEqual(one.versions(), ['old@3', 'new@33']);
  });

  it('says nothing twice that both versions saw', () => {
    const one = lab([burst('old', 3)]);
    one.reload([burst('new', 2)], 0);
    for (const at of [1, 2, 3, 4]) one.see(call(at * MINUTE));
    one.pass(20 * MINUTE);
    assert.deepEqual(one.versions(), ['old@3']);
  });

  it('says at the take-over what only the new version saw', () => {
    const one = lab([burst('old', 100)]);
    one.reload([burst('new', 2)], 0);
    for (const at of [1, 2]) one.see(call(at * MINUTE));
    assert.deepEqual(one.versions(), []);
    one.pass(10 * MINUTE);
    assert.deepEqual(one.versions(), ['new@2']);
  });

  it('finds what began before the reload and is completed after the take-over', () => {
    const one = lab([burst('old', 100)]);
    one.reload([burst('new', 3)], MINUTE);
    for (const at of [5, 9]) one.see(call(at * MINUTE));
    one.see(call(12 * MINUTE));
    assert.deepEqual(one.versions(), ['new@12']);
  });

  it('goes on warming up after a crash, and forgets nothing it held', () => {
    const steps: ((one: ReturnType<typeof lab>) => void)[] = [
      (one) => one.see(call(MINUTE, 'b')),
      (one) => one.reload([burst('new', 2)], 1.5 * MINUTE),
      (one) => one.see(call(2 * MINUTE)),
      (one) => one.see(call(3 * MINUTE)),
      (one) => one.see(call(4 * MINUTE)),
      (one) => one.see(call(5 * MINUTE, 'b')),
      (one) => one.see(call(6 * MINUTE, 'b')),
      (one) => one.pass(12 * MINUTE),
      (one) => one.see(call(13 * MINUTE, 'c')),
      (one) => one.see(call(14 * MINUTE, 'c')),
    ];
    const run = (crashAfter: number) => {
      const one = lab([burst('old', 3)]);
      steps.forEach((step, at) => {
        step(one);
        if (at === crashAfter || crashAfter === -2) one.crash();
      });
      return one.said;
    };
    const whole = run(-1);
    assert.deepEqual(
      whole.map(({ version, entity }) => `${version} ${entity.agent}`),
      ['old a', 'old b', 'new c'],
    );
    for (let at = 0; at < steps.length; at += 1) assert.deepEqual(run(at), whole, `crash ${at}`);
    assert.deepEqual(run(-2), whole);
  });

  it('takes over at once where nothing is looked back at, and where a detector is new or gone', () => {
    const silent = detectors.find(({ stem }) => stem === 'silent-source') as Detector;
    const one = lab([silent]);
    const edited = { ...silent, version: 'edited' };
    assert.deepEqual(one.reload([edited, burst('new', 2)], 5), [
      { stem: 'call-burst', from: null, to: 'new', untilMs: 5 },
      { stem: 'silent-source', from: silent.version, to: 'edited', untilMs: 5 },
    ]);
    for (const at of [1, 2]) one.see(call(at * MINUTE));
    assert.deepEqual(one.versions(), ['new@2']);
    assert.deepEqual(one.reload([edited], 10), [
      { stem: 'call-burst', from: 'new', to: null, untilMs: 10 },
    ]);
  });

  it('changes prose and maturity at once, and keeps what was counted', () => {
    const one = lab([burst('same', 3)]);
    for (const at of [1, 2]) one.see(call(at * MINUTE));
    assert.deepEqual(one.reload([{ ...burst('same', 3), maturity: 'shadow' }], MINUTE), []);
    one.see(call(3 * MINUTE));
    assert.deepEqual(
      one.said.map(({ maturity }) => maturity),
      ['shadow'],
    );
  });

  it('lets go of the state of versions that are gone', () => {
    const one = lab([burst('old', 3)]);
    one.see(call(MINUTE));
    const counted = () =>
      one
        .slots()
        .spaces()
        .filter((space) => space.startsWith('R:'));
    assert.deepEqual(counted(), ['R:call-burst@old']);
    one.reload([burst('new', 3)], MINUTE);
    one.see(call(2 * MINUTE));
    assert.deepEqual(counted().sort(), ['R:call-burst@new', 'R:call-burst@old']);
    one.pass(12 * MINUTE);
    assert.deepEqual(counted(), ['R:call-burst@new']);
  });

  it('lets go of it whatever the kind', () => {
    const kinds = detectors.filter(
      ({ sigma, kind }) => sigma === null && KINDS_OF_ANALYTIC[kind]?.spaces !== undefined,
    );
    assert.ok(new Set(kinds.map(({ kind }) => kind)).size >= 5);
    const as = (version: string) => kinds.map((each) => ({ ...each, version }));
    const one = lab(as('old'));
    const left = () =>
      one
        .slots()
        .spaces()
        .filter((space) => space.endsWith('@old'));
    for (const space of one.spaces()) one.slots().put(space, 'x', {});
    assert.equal(left().length, kinds.length);
    one.reload(as('new'), MINUTE);
    one.pass(400 * 24 * 60 * MINUTE);
    assert.deepEqual(left(), []);
  });

  it('warms a new version up for the time after which it speaks', () => {
    const [grants] = detectors.filter(({ kind }) => kind === 'disuse');
    assert.ok(grants !== undefined);
    const one = lab([{ ...grants, version: 'old', params: { after: '30d', days: 10 } }]);
    const edited = { ...grants, version: 'new', params: { after: '20d', days: 10 } };
    assert.deepEqual(
      one.reload([edited], 0).map(({ untilMs }) => untilMs / MINUTE / 60 / 24),
      [20],
    );
  });

  it('begins anew, without a word, where files changed while nothing ran', () => {
    const one = lab([burst('old', 3)]);
    one.crash();
    for (const at of [1, 2]) one.see(call(at * MINUTE));
    one.reload([burst('new', 3)], 2 * MINUTE);
    one.reload([burst('newer', 3)], 2 * MINUTE);
    one.crash();
    assert.deepEqual(
      one
        .slots()
        .spaces()
        .filter((space) => /old|new@/.test(space)),
      ['R:call-burst@old'],
    );
  });

  it('takes power from an old version at once, and from what the new one held', () => {
    const one = lab([{ ...burst('old', 3), maturity: 'enforce' }]);
    one.reload([{ ...burst('new', 2), maturity: 'enforce' }], 0);
    for (const at of [1, 2]) one.see(call(at * MINUTE));
    one.reload([{ ...burst('new', 2), maturity: 'shadow' }], 2.5 * MINUTE);
    for (const at of [3, 4, 5]) one.see(call(at * MINUTE, 'b'));
    one.pass(20 * MINUTE);
    assert.deepEqual(
      one.said.map(({ version, maturity, entity }) => `${version} ${maturity} ${entity.agent}`),
      ['old shadow b', 'new shadow a'],
    );
    assert.deepEqual([one.evicted, one.notices], [[], []]);
  });

  it('lends an old version no power that its file did not have', () => {
    const one = lab([{ ...burst('old', 3), maturity: 'shadow' }]);
    one.reload([{ ...burst('new', 2), maturity: 'enforce' }], 0);
    for (const at of [1, 2, 3]) one.see(call(at * MINUTE));
    assert.deepEqual(
      one.said.map(({ version, maturity }) => `${version} ${maturity}`),
      ['old shadow'],
    );
  });

  it('remembers a bounded number of those an old version spoke of, and says that it does', () => {
    const one = lab([burst('old', 1)]);
    one.reload([burst('new', 50)], 0);
    for (let at = 0; at < 2100; at += 1) one.see(call(MINUTE + at, `a${at}`));
    const stored = () => JSON.stringify(one.slots().get('H', 'roster')).length;
    const bytes = stored();
    for (let at = 0; at < 2100; at += 1) one.see(call(2 * MINUTE + at, `b${at}`));
    assert.equal(stored(), bytes);
    assert.equal(one.evicted.length, 2200);
    assert.equal(one.said.length, 4200);
  });

  it('accuses nobody of an absence from before a version was there', () => {
    const [short, long] = [unheralded('5m'), unheralded('6m')];
    const before = [call(MINUTE), call(MINUTE, 'b'), call(MINUTE, 'c')];
    const after = (one: ReturnType<typeof lab>) => {
      one.see(call(3 * MINUTE, 'a', 'deny'));
      one.see(call(4 * MINUTE, 'b', 'deny'));
      one.pass(60 * MINUTE);
      assert.deepEqual(one.versions(), []);
      assert.deepEqual(one.notices, ['event.undecided', 'event.undecided']);
      // It answers once what it looks back at lies behind its beginning.
      one.see(call(90 * MINUTE, 'c', 'deny'));
      one.pass(120 * MINUTE);
      assert.deepEqual(one.versions(), [`${long.version}@90`]);
    };
    const edited = lab([short]);
    for (const fact of before) edited.see(fact);
    assert.deepEqual(
      edited.reload([long], 2 * MINUTE).map(({ untilMs }) => untilMs),
      [14 * MINUTE],
    );
    after(edited);
    const added = lab([]);
    for (const fact of before) added.see(fact);
    added.reload([long], 2 * MINUTE);
    after(added);
    const stopped = lab([short]);
    stopped.reload([short], 0);
    for (const fact of before) stopped.see(fact);
    stopped.crash();
    stopped.crash([long], 2 * MINUTE);
    after(stopped);
  });

  it('goes on counting over reloads what correlations could not decide', () => {
    const one = lab([unheralded('5m')]);
    one.reload([unheralded('6m')], 2 * MINUTE);
    one.see(call(3 * MINUTE, 'a', 'deny'));
    one.pass(60 * MINUTE);
    one.reload([unheralded('7m')], 61 * MINUTE);
    assert.equal(one.counters()['correlation.undecided'], 1);
  });
});
