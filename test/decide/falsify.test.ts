/** Falsification: each innocent explanation, and what it takes to hold. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Circumstances, falsify, type OpenWindow } from '../../src/decide/falsify.ts';
import type { Detection, Witness } from '../../src/model/detection.ts';
import { detectionOf, T0 } from './findings.ts';

const QUIET: Circumstances = {
  ...{ blindNow: [], changedMs: null, windows: [], leases: [], shared: null },
  refusedByUs: new Set(),
};

/** A lease on the agent's tool, a minute before the finding. */
const LEASE: Circumstances['leases'][number] = {
  ...{ leaseId: 'l', verb: 'freeze_tool', issuedMs: T0 - 60_000 },
  subject: { tenant: '-', agent: 'a', session: null, tools: ['send_message'] },
};

const HOUR_MS = 3_600_000;

function windowOf(changes: Partial<OpenWindow>): OpenWindow {
  const times = { fromMs: T0 - HOUR_MS, toMs: T0 + HOUR_MS };
  return { type: 'learning', name: 'tools.granted of clerk', tools: null, ...times, ...changes };
}

function witness(eventId: string, kind: Witness['kind'] = 'gateway'): Witness {
  const position = { topic: kind, partition: 0, offset: 0, index: 0 };
  return { eventId, kind, position, timeMs: T0, seq: null, says: '' };
}

function verdicts(detection: Partial<Detection>, circumstances: Partial<Circumstances> = {}) {
  const found = falsify(detectionOf(detection), { ...QUIET, ...circumstances });
  return Object.fromEntries(found.map(({ explanation, verdict }) => [explanation, verdict]));
}

describe('falsify', () => {
  it('rules everything out where nothing explains the finding', () => {
    assert.deepEqual(verdicts({}), {
      'source-outage': 'ruled-out',
      'late-data': 'ruled-out',
      'declared-change': 'ruled-out',
      'open-window': 'ruled-out',
      'peer-wide-shift': 'ruled-out',
      'our-own-action': 'ruled-out',
      'known-exception': 'ruled-out',
    });
  });

  it('takes a shift of the whole role for an explanation, but not of a breach of contract', () => {
    const shared = { agents: 4, of: 9 };
    const of = (evidenceClass: 'hard' | 'statistical') =>
      verdicts({ evidenceClass }, { shared })['peer-wide-shift'];
    assert.deepEqual([of('statistical'), of('hard')], ['holds', 'cannot-tell']);
  });

  it('takes a blind book for an explanation, then and now', () => {
    assert.equal(verdicts({ blind: ['metrics'] })['source-outage'], 'holds');
    assert.equal(verdicts({}, { blindNow: ['gateway'] })['source-outage'], 'holds');
  });

  it('takes a late record for an explanation', () => {
    assert.equal(verdicts({ late: true })['late-data'], 'holds');
  });

  it('cannot tell where governance changed something a minute before', () => {
    const at = (changedMs: number) => verdicts({}, { changedMs })['declared-change'];
    assert.equal(at(T0), 'cannot-tell');
    assert.equal(at(T0 - 59_999), 'cannot-tell');
    assert.equal(at(T0 - 60_000), 'ruled-out');
    assert.equal(at(T0 + 1), 'ruled-out');
  });

  it('takes a window that names the tool, or an announced change, for an explanation of a score', () => {
    const of = (window: Partial<OpenWindow>, detection: Partial<Detection> = {}) =>
      verdicts({ evidenceClass: 'statistical', ...detection }, { windows: [windowOf(window)] })[
        'open-window'
      ];
    assert.equal(of({ tools: ['send_message'] }), 'holds');
    assert.equal(of({ type: 'change' }), 'holds');
    assert.equal(of({ tools: ['send_message'] }, { evidenceClass: 'hard' }), 'cannot-tell');
    assert.equal(of({ type: 'change' }, { evidenceClass: 'hard' }), 'cannot-tell');
  });

  it('takes no window for an explanation that is about something else', () => {
    const of = (window: Partial<OpenWindow>, tool: string | null = 'send_message') =>
      verdicts({ evidenceClass: 'statistical', tool }, { windows: [windowOf(window)] })[
        'open-window'
      ];
    assert.equal(of({ tools: ['read_record'] }), 'ruled-out');
    assert.equal(of({ tools: ['read_record'] }, null), 'ruled-out');
    // Its dimensions are out of force already: what fired, others said.
    assert.equal(of({ tools: null }), 'cannot-tell');
  });

  it('takes our own refusals for an explanation of a score that rests on nothing else', () => {
    const of = (detection: Partial<Detection>, refused: readonly string[]) =>
      verdicts(detection, { leases: [LEASE], refusedByUs: new Set(refused) })['our-own-action'];
    const score = {
      evidenceClass: 'statistical',
      witnesses: [witness('x'), witness('y')],
    } as const;
    assert.equal(of(score, ['x', 'y']), 'holds');
    assert.equal(of(score, ['x']), 'cannot-tell');
    assert.equal(of({ ...score, evidenceClass: 'hard' }, ['x', 'y']), 'cannot-tell');
  });

  it('cannot tell a restrained agent that behaves otherwise from our effect; a breach it can', () => {
    const of = (detection: Partial<Detection>) =>
      verdicts({ witnesses: [witness('x')], ...detection }, { leases: [LEASE] })['our-own-action'];
    assert.equal(of({ evidenceClass: 'statistical' }), 'cannot-tell');
    assert.equal(of({ evidenceClass: 'hard' }), 'ruled-out');
    // What was done before we acted is no effect of it.
    assert.equal(of({ evidenceClass: 'statistical', timeMs: T0 - 60_001 }), 'ruled-out');
  });

  it('names the figures it looked at', () => {
    const found = falsify(detectionOf({ blind: ['metrics'] }), {
      blindNow: ['metrics', 'gateway'],
      changedMs: T0 - 5000,
      windows: [windowOf({})],
      leases: [LEASE, { ...LEASE, verb: 'posture' }],
      refusedByUs: new Set(),
      shared: { agents: 4, of: 9 },
    });
    const data = found.map((each) => each.data).join('\n');
    assert.match(data, /blind: metrics, gateway/);
    assert.match(data, /5 s before/);
    assert.match(data, /learning window tools.granted of clerk, 3600 s before its end/);
    assert.match(
      data,
      /our freeze_tool on send_message; posture on send_message stood, the first since 60 s/,
    );
    assert.match(data, /4 of 9 agents/);
  });
});
