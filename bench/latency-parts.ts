/** What the processes of the latency benchmark share: the probe, its detector and the clock. */
import { parseYaml } from '../src/adapters/files.ts';
import { KINDS_OF_ANALYTIC } from '../src/detect/detect.ts';
import { readDetectorFile } from '../src/detect/detector-file.ts';
import type { Detector } from '../src/model/detector.ts';
import type { WireEvent } from '../src/model/event.ts';

/** Time of day, ms with fractions: processes of one machine compare it. */
export function wallMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Agents that make probes in turn; each probe is a session of its own. */
export const PROBE_AGENTS = 200;
const TOOL = 'bench_probe';

const DETECTOR = `
title: A probe of the latency benchmark
id: 3c1a52f0-7b0c-4a55-9a8f-0f6d5a1b7e11
name: bench_probe
taxonomy: plumbline
status: experimental
date: 2026-11-30
logsource: { product: ai_agent, service: gateway, category: tool_call }
detection:
  probe: { action.tool: ${TOOL}, call.executed: true }
  condition: probe
falsepositives: ['none: nothing else calls this tool']
level: high
tags: [atlas.t0053]
plumbline:
  format: 1
  maturity: enforce
  emit: early
  evidence_class: hard
  needs: { sources: [gateway], evidence: L0 }
  entity: [agent.id, session.id]
  response: { action: freeze_tool, scope: session, ttl: 15m }
  why: It makes a probe of an event whose action can be timed.
  misses: Nothing, or the benchmark fails.
  triage: There is nothing to do; it is a benchmark.
`;

/** The detector that fires on each probe, and on nothing else. */
export function probeDetector(emit: 'early' | 'final'): Detector {
  const file = 'scope/bench-probe.yaml';
  const documents = parseYaml(file, DETECTOR).file.documents.map(({ value, lineOf }) => {
    return { file, document: value, lineOf };
  });
  const { detector, problems } = readDetectorFile(documents, KINDS_OF_ANALYTIC);
  if (detector === null) throw new Error(problems.map(({ message }) => message).join('\n'));
  return { ...detector, emit };
}

const agentOf = (n: number) => `probe-${n % PROBE_AGENTS}`;
const timeOf = (ms: number) => ({ eventNs: `${Math.floor(ms)}000000` });

/** Session of the n-th probe. */
export function probeSession(n: number): string {
  return `probe-session-${n}`;
}

/** The n-th probe: a call that must have one answer. */
export function probe(n: number, ms: number): WireEvent {
  return {
    ...{ id: `probe/${n}`, kind: 'gateway', category: 'tool_call', time: timeOf(ms) },
    ...{ agent: { id: agentOf(n) }, session: { id: probeSession(n) } },
    action: { phase: 'result', tool: TOOL, decision: 'allow', outcome: 'ok' },
  };
}

/** Governance registers an agent of the probes. */
export function probeAgent(n: number, ms: number): WireEvent {
  return {
    ...{ id: `registered/${n}`, kind: 'governance', category: 'lifecycle', time: timeOf(ms) },
    agent: { id: agentOf(n) },
    governance: { change: 'agent.registered', detail: { role: 'probe' } },
  };
}
