/** A detector that is wrong about everybody: how far it gets before it is stopped, and who is called. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseYaml } from '../../src/adapters/files.ts';
import { readCase } from '../../src/commands/case-file.ts';
import type { Written } from '../../src/commands/case-preamble.ts';
import { KINDS_OF_ANALYTIC } from '../../src/detect/detect.ts';
import { readDetectorFile } from '../../src/detect/detector-file.ts';
import type { Detector } from '../../src/model/detector.ts';
import { prepare, runCrashed, runPlain } from '../detectors/run.ts';
import { shippedLibrary } from './library.ts';

const AGENTS = 200;
const ROLES = 4;

/** Somebody meant one tool and wrote a rule that every call meets. */
const RUNAWAY = `title: Every call there is
id: 1d8c7a52-4f0e-4c57-9b1e-0d7a3c7f5a11
name: runaway
taxonomy: plumbline
status: stable
author: The Plumbline authors
date: 2026-11-30
logsource: { product: ai_agent, service: gateway, category: tool_call }
detection:
  every:
    call.executed: true
  condition: every
falsepositives: [ Everybody. ]
level: critical
tags: [ owasp-asi.asi02 ]
plumbline:
  format: 1
  maturity: enforce
  evidence_class: hard
  needs: { sources: [ gateway ], evidence: L0 }
  entity: [ agent.id, session.id ]
  response: { action: freeze_tool, scope: session, ttl: 15m }
  why: It stands for a mistake in a detector.
  misses: It misses nothing, which is its fault.
  triage: Look at the detector.
`;

function runaway(): Detector {
  const file = 'intent/runaway.yaml';
  const [document] = parseYaml(file, RUNAWAY).file.documents;
  assert.ok(document !== undefined);
  const { value, lineOf } = document;
  const read = readDetectorFile([{ file, document: value, lineOf }], KINDS_OF_ANALYTIC);
  assert.ok(read.detector !== null && read.detector !== undefined, JSON.stringify(read.problems));
  return read.detector;
}

/** Every case has a bystander that keeps its sources alive. */
const isOurs = ({ agent }: { readonly agent: string }) => agent.startsWith('x-');

const library = await shippedLibrary();
const names = Array.from({ length: AGENTS }, (_, n) => `x-${n}`);
const given: Written[] = names.flatMap((agent, n) => {
  const role = `role-${n % ROLES}`;
  const session = `s-${agent}`;
  const work = { tool: 'read_record', args: { id: n } };
  const call = { agent, session, call: 'c1' };
  return [
    { at: '-5m', agent, session: 'none', registers: role },
    {
      at: '-5m',
      agent,
      session: 'none',
      grants: [{ tool: 'read_record', class: 'read' as const }],
    },
    { at: '+1s', agent, session, opens: { role } },
    { at: `+${10 + n}s`, ...call, seq: 1, states: { call: 'c1', ...work } },
    { at: `+${10.2 + n}s`, ...call, seq: 2, calls: work },
  ];
});
const one = readCase('runaway', { name: 'n', why: 'w', given, expect: [] });
const runner = prepare(one, { ...library, detectors: [runaway()] });
// The brakes as they are shipped: 5 % of the fleet, 20 % of a role.
const { decide } = runner.options;
const guardrails = { ...decide.guardrails, breakerFleetShare: 0.05, breakerRoleShare: 0.2 };
const options = { ...runner.options, decide: { ...decide, guardrails } };

describe('a detector that fires on everyone', () => {
  const store = runPlain({ ...runner, options });
  const requests = [...store.intentions.values()].filter(({ step }) => step === 'request');

  it('fires on every agent, and is not believed for long: at most the share of the fleet', () => {
    const fired = [...store.detections.values()].filter(({ entity }) => isOurs(entity));
    assert.equal(new Set(fired.map(({ entity }) => entity.agent)).size, AGENTS);
    const frozen = new Set(requests.map(({ subject }) => subject.agent));
    assert.equal(frozen.size, AGENTS * 0.05);
    assert.equal(requests.length, frozen.size);
  });

  it('calls a person once, who is told that all has stopped', () => {
    const breaker = [...store.announcements.values()].filter(({ why }) => why === 'breaker');
    assert.deepEqual(
      breaker.map(({ level, title }) => [level, title]),
      [['critical', 'Fleet breaker open: nothing is done until a person resumes']],
    );
  });

  it('does nothing more, and writes down what it would have done and why it did not', () => {
    const withheld = [...store.decisions.values()].filter(
      ({ outcome, entity }) => outcome === 'withheld' && isOurs(entity),
    );
    const frozen = requests.filter(({ subject }) => isOurs(subject)).length;
    assert.equal(withheld.length, AGENTS - frozen);
    const because = withheld.map(({ guardrails: checks }) =>
      checks.filter(({ passed }) => !passed).map(({ check }) => check),
    );
    assert.ok(because[0]?.includes('fleet-breaker'), `${because[0]}`);
    for (const failed of because.slice(1)) assert.ok(failed.includes('kill-switch'), `${failed}`);
  });

  it('is stopped at the same place across crashes', () => {
    const crashed = runCrashed({ ...runner, options }, 7);
    const keys = (from: typeof store) => [...from.intentions.keys()].sort();
    assert.deepEqual(keys(crashed), keys(store));
  });
});
