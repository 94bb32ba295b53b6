/** Correlating: correlations of detectors on a lane, whatever the order, the cuts and the crashes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { EMPTY_INVENTORY } from '../../../src/baseline/inventory.ts';
import { readCase } from '../../../src/commands/case-file.ts';
import { KINDS_OF_ANALYTIC } from '../../../src/detect/detect.ts';
import { readDetectorFile } from '../../../src/detect/detector-file.ts';
import type { Detector } from '../../../src/model/detector.ts';
import {
  prepare,
  type Runner,
  runCrashed,
  runDuplicated,
  runPlain,
  runShuffled,
  runSliced,
  verdictOf,
} from '../../detectors/run.ts';
import type { LaneStore } from '../../sim/lane-store.ts';

const HEAD = `
id: 6e0b6f0e-3f2a-4f0a-9a50-1d2f3c4b5a60
taxonomy: plumbline
status: experimental
date: 2026-11-29
falsepositives: ['none that are known']
level: high
tags: [atlas.t0053]
plumbline:
  format: 1
  maturity: alert
  evidence_class: hard
  needs: { sources: [gateway], evidence: L0 }
  entity: [agent.id]
  why: It is made for a test of correlations.
  misses: Whatever lies outside the test.
  triage: Read the test it was made for.
`;
const BASES = `
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

/** A detector of one file; \`correlation\` in flow style, more documents after it. */
function detectorOf(name: string, correlation: string, more = ''): Detector {
  const text = `title: Made for a test\nname: ${name}${HEAD}correlation: ${correlation}\n${BASES}${more}`;
  const file = `scope/${name.replaceAll('_', '-')}.yaml`;
  const texts = [...parseAllDocuments(text)].map((document) => ({
    file,
    document: document.toJS() as unknown,
    lineOf: () => null,
  }));
  const { detector, problems } = readDetectorFile(texts, KINDS_OF_ANALYTIC);
  assert.deepEqual(problems, []);
  assert.ok(detector !== null);
  return detector;
}

const GIVEN_UP = detectorOf(
  'given_up',
  '{ type: temporal_ordered, rules: [refused, allowed], group-by: [session.id], timespan: 60s, condition: refused and not allowed }',
);
const HAMMERED = detectorOf(
  'hammered',
  '{ type: temporal_ordered, rules: [hammering, allowed], group-by: [session.id], timespan: 5m, generate: true }',
  `---
title: Three refusals in a minute
name: hammering
correlation: { type: event_count, rules: [refused], group-by: [session.id], timespan: 60s, condition: { gte: 3 } }
`,
);

/** Calls of a session: second and decision. */
function calls(session: string, ...all: readonly (readonly [at: number, decision: string])[]) {
  return all.map(([at, decision], index) => ({
    at: `+${at}s`,
    agent: 'agent-1',
    session,
    seq: index + 1,
    calls: {
      tool: 'alpha',
      toolType: 'provider',
      decision,
      outcome: decision === 'allow' ? 'ok' : 'error',
    },
  }));
}

function runnerOf(detector: Detector, given: readonly object[]): Runner {
  const one = readCase('scope/test.test.yaml', {
    name: 'made for a test',
    why: 'the answer must not depend on how events arrive',
    given: given as never,
    expect: [],
  });
  return prepare(one, { detectors: [detector], inventory: EMPTY_INVENTORY });
}

function sameAnyhow(runner: Runner): LaneStore {
  const plain = runPlain(runner);
  const verdict = verdictOf(plain);
  for (let seed = 0; seed < 4; seed += 1)
    assert.deepEqual(verdictOf(runShuffled(runner, seed)), verdict, `shuffled by ${seed}`);
  assert.deepEqual(verdictOf(runDuplicated(runner)), verdict, 'duplicated');
  for (const most of [1, 7, 100])
    assert.deepEqual(verdictOf(runSliced(runner, most)), verdict, `in slices of ${most}`);
  for (let step = 0; step < runner.events.length; step += 3)
    assert.deepEqual(verdictOf(runCrashed(runner, step)), verdict, `crashed at ${step}`);
  return plain;
}

describe('correlating', () => {
  it('decides an absence between the events of other sessions', () => {
    const given = [
      ...calls('s-11', [60, 'deny']),
      ...calls('s-12', [70, 'deny'], [100, 'allow']),
      ...calls('s-13', [400, 'allow']),
    ];
    const runner = runnerOf(GIVEN_UP, given);
    const store = sameAnyhow(runner);
    const found = [...store.detections.values()];
    assert.deepEqual(
      found.map(({ entity, timeMs, decidedMs }) => [entity.session, decidedMs - timeMs]),
      [['s-11', 60_000]],
    );
    assert.match(found[0]?.explanation ?? '', /without allowed/);
  });

  it('chains, and lets the base speak where it is asked to', () => {
    const given = [
      ...calls('s-11', [60, 'deny'], [70, 'deny'], [80, 'deny'], [200, 'allow']),
      ...calls('s-12', [400, 'allow']),
    ];
    const store = sameAnyhow(runnerOf(HAMMERED, given));
    assert.deepEqual(
      [...store.detections.values()]
        .filter(({ entity }) => entity.session === 's-11')
        .map(({ witnesses }) => witnesses.map(({ says }) => says.replace(/:.*/, '')).join(' '))
        .sort(),
      ['Matched sel', 'refused refused refused', 'refused refused refused allowed'],
    );
  });
});
