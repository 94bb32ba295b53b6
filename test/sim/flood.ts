/** A slow attack over three days, and floods beside it that would push it out of a careless memory. */
import assert from 'node:assert/strict';
import { parseYaml } from '../../src/adapters/files.ts';
import { type Labelled, readCase, START_MS } from '../../src/commands/case-file.ts';
import type { Written } from '../../src/commands/case-preamble.ts';
import { KINDS_OF_ANALYTIC } from '../../src/detect/detect.ts';
import { readDetectorFile } from '../../src/detect/detector-file.ts';
import type { Detector } from '../../src/model/detector.ts';
import { integer, type Random } from '../../src/simulation/random.ts';
import { encodeEvent } from '../../src/source/canonical.ts';
import { createMemoryLog, type MemoryLog } from './memory-log.ts';

const STEPS = 12;
const STEP_S = 6 * 3600;
/** The attacker's own name, and whom the floods are written by. */
export const MOLE = 'mole';
const NOISY = 'noisy';

/** Seconds after the start at which the attack makes its steps. */
export const STEP_AT: readonly number[] = Array.from({ length: STEPS }, (_, n) => 600 + n * STEP_S);

const at = (seconds: number) => `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}s`;

/** Twelve tools, one every six hours: no hour shows more than one. */
const DRIFT = `title: Twelve tools in three days
id: 0a6b4d0f-6a3f-4d8c-8c0e-0a53a1c6b7f1
name: slow_drift
taxonomy: plumbline
status: test
author: The Plumbline authors
date: 2026-11-30
correlation:
  type: value_count
  rules: [any_call]
  group-by: [agent.id]
  timespan: 72h
  condition: { gte: 12, field: call.tool }
falsepositives: [ Everybody in time. ]
level: high
tags: [ owasp-asi.asi10 ]
plumbline:
  format: 1
  maturity: alert
  evidence_class: statistical
  needs: { sources: [gateway], evidence: L0, identity: gateway }
  entity: [agent.id]
  limits: { groups: 20 }
  why: It stands for whatever takes its time.
  misses: What takes longer.
  triage: Look at it.
---
title: Any call
name: any_call
logsource: { product: ai_agent, service: gateway, category: tool_call }
detection:
  call:
    call.executed: true
  condition: call
`;

/** Eleven measurements within three days, each far from the others. */
const RATE = `title: A trickle
id: 2a0a4d1b-7a40-4d0e-9b52-6f5c2f6d3f3e
name: slow_trickle
taxonomy: plumbline
status: test
author: The Plumbline authors
date: 2026-11-30
logsource: { product: ai_agent, service: metrics, category: usage }
falsepositives: [ Everybody in time. ]
level: high
tags: [ owasp-asi.asi10 ]
plumbline:
  format: 1
  maturity: alert
  kind: rate
  params: { kind: metrics, by: [agent.id, metric.name], atLeast: 11, within: 72h }
  evidence_class: statistical
  needs: { sources: [metrics], evidence: L0 }
  entity: [agent.id]
  why: It stands for whatever takes its time.
  misses: What takes longer.
  triage: Look at it.
`;

/** Detectors that need three days to see something. */
export function slowDetectors(): Detector[] {
  return [DRIFT, RATE].map((text, n) => {
    const file = `volume/${n === 0 ? 'slow-drift' : 'slow-trickle'}.yaml`;
    const documents = parseYaml(file, text).file.documents.map(({ value, lineOf }) => ({
      ...{ file, document: value, lineOf },
    }));
    const { detector, problems } = readDetectorFile(documents, KINDS_OF_ANALYTIC);
    assert.deepEqual(problems, []);
    assert.ok(detector !== null && detector !== undefined);
    return detector;
  });
}

/** Sound work of a colleague every twenty minutes: all books are alive throughout. */
function colleague(): Written[] {
  const written: Written[] = [];
  const who = { agent: 'agent-2', session: 's-2' };
  for (let n = 0; n * 1200 < STEPS * STEP_S; n += 1) {
    const call = `w-${n}`;
    const work = { tool: 'read_record', args: { id: `r-${n}` } };
    const seq = 100 + 2 * n;
    const s = 60 + n * 1200;
    written.push({ at: at(s), ...who, seq, states: { call, ...work } });
    written.push({ at: at(s + 1), ...who, seq: seq + 1, call, calls: work });
    written.push({
      at: at(s + 2),
      ...who,
      id: `wm-${n}`,
      measures: { name: 'agent.turn.tokens', value: 9 },
    });
  }
  return written;
}

/** One step of the attack: a tool more than the last time, and a measurement. */
function step(n: number): Written[] {
  const s = STEP_AT[n] as number;
  const who = { agent: MOLE, session: 'm-1' };
  const work = { tool: `tool_${n}`, args: { id: `x-${n}` } };
  const call = `m-${n}`;
  const seq = 10 * (n + 1);
  return [
    ...(n === 8 ? [] : [{ at: at(s), ...who, seq, states: { call, ...work } }]),
    { at: at(s + 0.2), ...who, seq: seq + 1, call, calls: work },
    { at: at(s + 0.4), ...who, id: `mm-${n}`, measures: { name: 'reads', value: 1 } },
  ];
}

/**
 * A session of three days that takes one tool more every six hours, is refused once and tries again nine
 * minutes later, acts once without a word, and comes back to a session that was closed long ago.
 */
function attack(): Written[] {
  const who = { agent: MOLE, session: 'm-1' };
  const old = { agent: MOLE, session: 'm-2' };
  const work = { tool: 'send_message', args: { to: 'm' } };
  const s = (STEP_AT[5] as number) + 60;
  const refused = { ...work, decision: 'deny', outcome: 'error', policy: 'egress' };
  return [
    { at: '-10m', agent: MOLE, session: 'none', id: 'm-a', registers: 'clerk' },
    {
      ...{ at: '-10m', agent: MOLE, session: 'none', id: 'm-b' },
      grants: [
        { tool: 'send_message', class: 'communicate' },
        { tool: 'tool_0', class: 'read' },
      ],
    },
    { at: '+1s', ...who, id: 'm-c', opens: { role: 'clerk', mandate: 'File the records' } },
    { at: '+2s', ...old, id: 'm-d', opens: { role: 'clerk', mandate: 'File the records' } },
    { at: '+3s', ...old, seq: 1, states: { call: 'o1', ...work } },
    { at: '+4s', ...old, seq: 2, call: 'o1', calls: work },
    { at: '+5s', ...old, id: 'm-e', closes: true },
    ...STEP_AT.flatMap((_, n) => step(n)),
    { at: at(s), ...who, seq: 1001, states: { call: 'd1', ...work } },
    { at: at(s + 0.2), ...who, seq: 1002, call: 'd1', calls: refused },
    { at: at(s + 540), ...who, seq: 1003, states: { call: 'd2', ...work } },
    { at: at(s + 540.2), ...who, seq: 1004, call: 'd2', calls: work },
    { at: at(STEP_AT[3] as number), ...old, seq: 9, call: 'o2', calls: work },
  ];
}

/** What a flood writes, `n` of many, around a moment in seconds. */
export type Flood = (n: number, seconds: number, random: Random) => Written;

const text = (length: number) => 'x'.repeat(length);

/** Floods by what they are made of. */
export const FLOODS: Readonly<Record<string, Flood>> = {
  'new sessions of another agent': (n, s) => ({
    ...{ at: at(s), agent: NOISY, session: `noise-${n}`, id: `f-${n}` },
    calls: { tool: 'read_record', args: { id: 1 } },
  }),
  'sessions that another agent is given and refused in': (n, s) => ({
    ...{ at: at(s), agent: NOISY, session: `noise-${n >> 1}`, id: `f-${n}` },
    ...(n % 2 === 0
      ? { opens: { role: 'clerk' } }
      : { calls: { tool: 'read_record', args: { id: n }, decision: 'deny', outcome: 'error' } }),
  }),
  'new agents': (n, s) => ({
    ...{ at: at(s), agent: `ghost-${n}`, session: `g-${n}`, id: `f-${n}` },
    calls: { tool: 'read_record', args: { id: n } },
  }),
  'new agents with several records each': (n, s) => ({
    ...{ at: at(s), agent: `ghost-${n >> 1}`, session: `g-${n >> 1}`, id: `f-${n}` },
    calls: { tool: `read_${n % 3}`, args: { id: n } },
  }),
  'tools, arguments and names': (n, s) => ({
    ...{ at: at(s), agent: `pal-${n % 3}`, session: `noise-${n % 3}`, id: `f-${n}` },
    ...(n % 2 === 0
      ? { call: `f-${n}`, calls: { tool: `made_up_${n}`, args: { [`key_${n}`]: n } } }
      : { measures: { name: `made.up.${n}`, value: n } }),
  }),
  'announcements of calls that are never made': (n, s) => ({
    ...{ at: at(s), agent: NOISY, session: 'noise', id: `f-${n}` },
    states: { call: `f-${n}`, tool: 'read_record', args: { id: n } },
  }),
  'attempts under one call id': (n, s) => ({
    ...{ at: at(s), agent: NOISY, session: 'noise', id: `f-${n}`, call: 'one' },
    calls: { tool: 'read_record', args: { id: n } },
  }),
  'large records': (n, s) => ({
    ...{ at: at(s), agent: NOISY, session: 'noise', id: `f-${n}` },
    calls: { tool: 'read_record', args: { id: text(60_000 + n) } },
  }),
  'late records': (n, s, random) => ({
    ...{ at: at(s - integer(random, 60, 2 * 86_400)), received: at(s) },
    ...{ agent: NOISY, session: `noise-${n % 5}`, id: `f-${n}` },
    calls: { tool: 'read_record', args: { id: n } },
  }),
  'records from the future': (n, s, random) => ({
    ...{ at: at(s + integer(random, 120, 90 * 86_400)), received: at(s) },
    ...{ agent: NOISY, session: `noise-${n % 5}`, id: `f-${n}` },
    calls: { tool: 'read_record', args: { id: n } },
  }),
  'ids used again, with other content': (n, s) => ({
    ...{ at: at(s), agent: NOISY, session: 'noise', id: `f-${n % 7}` },
    calls: { tool: 'read_record', args: { id: n } },
  }),
  'records that cannot be read': (n, s) => ({
    ...{ at: at(s), agent: NOISY, session: 'noise', label: `bad-${n}`, raw: `{"n":${n}` },
    calls: { tool: 'read_record' },
  }),
};

/** Bursts of a flood: before each step, and while a refusal is to be remembered. */
function flood(make: Flood, perBurst: number, random: Random): Written[] {
  const moments = [...STEP_AT.map((s) => s - 30), (STEP_AT[5] as number) + 300];
  return moments.flatMap((s, burst) =>
    Array.from({ length: perBurst }, (_, n) => {
      const moment = Math.round(1000 * (s + (20 * n) / perBurst)) / 1000;
      return make(burst * perBurst + n, moment, random);
    }),
  );
}

const eventsOf = (name: string, setup: 'fleet' | 'bare', given: readonly Written[]) =>
  readCase(name, { name, why: 'w', setup, given, expect: [] }).events;

/** The log: the attack, a colleague at work, and the flood where one is given. */
export function floodLog(
  make: Flood | null,
  perBurst: number,
  random: Random,
): { readonly log: MemoryLog; readonly records: number } {
  const own = eventsOf('attack', 'fleet', [...attack(), ...colleague()]);
  const noise: readonly Labelled[] =
    make === null
      ? []
      : eventsOf('flood', 'bare', [
          { at: '-10m', agent: NOISY, session: 'none', id: 'n-a', registers: 'clerk' },
          {
            ...{ at: '-10m', agent: NOISY, session: 'none', id: 'n-b' },
            grants: [{ tool: 'read_record', class: 'read' }],
          },
          ...flood(make, perBurst, random),
        ]);
  const all = [...own, ...noise].sort((a, b) => a.receivedMs - b.receivedMs);
  const log = createMemoryLog();
  for (const { event, receivedMs, raw } of all)
    log.append({
      ...{ topic: event.kind, partition: 0, timestampMs: receivedMs },
      value: raw ?? encodeEvent(event),
    });
  return { log, records: all.length };
}

/** When everything is over, ms. */
export const END_MS = START_MS + 30 * 86_400_000;
