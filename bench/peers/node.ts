/** Peer `node`: the three patterns by hand, with running sums, on what JSON.parse gives. */
import type { Alerts } from '../cep-alerts.ts';
import { answer, input } from '../child.ts';
import { type PeerInput, runSegments } from './segments.ts';

interface Line {
  readonly ts: number;
  readonly agent: string;
  readonly session: string;
  readonly kind: string;
  readonly intents: readonly [{ readonly action: string }];
  readonly tool: string;
  readonly decision: string;
  readonly latency_us: number;
}

interface Pending {
  readonly offset: number;
  readonly untilMs: number;
  readonly session: string;
  readonly action: string;
}

/** What is remembered of an agent. */
class Agent {
  denies: number[] = [];
  alertedMs = Number.NEGATIVE_INFINITY;
  pending: Pending[] = [];
  readonly latencies = new Float64Array(LATENCIES);
  calls = 0;
  sum = 0;
  squares = 0;
}

const LATENCIES = 64;
const DENIES = 3;
const WINDOW_MS = 60_000;
const INTENT_MS = 30_000;

const agents = new Map<string, Agent>();

function see(line: Line, offset: number, alerts: Alerts): void {
  const isCall = line.kind === 'gateway';
  if (!isCall && line.kind !== 'reasoning') return;
  let agent = agents.get(line.agent);
  if (agent === undefined) {
    agent = new Agent();
    agents.set(line.agent, agent);
  }
  const { pending } = agent;
  let gone = 0;
  while (gone < pending.length && (pending[gone] as Pending).untilMs <= line.ts) gone += 1;
  if (gone > 0) pending.splice(0, gone);
  if (isCall) {
    if (line.decision === 'deny') denied(agent, line, offset, alerts);
    called(agent, line, offset, alerts);
    took(agent, line, offset, alerts);
  } else
    pending.push({
      offset,
      untilMs: line.ts + INTENT_MS,
      session: line.session,
      action: line.intents[0].action,
    });
}

/** (a): one alert an episode, which ends where the window holds fewer, or after the window's length. */
function denied(agent: Agent, { agent: name, ts }: Line, offset: number, alerts: Alerts): void {
  const { denies } = agent;
  denies.push(ts);
  while ((denies[0] as number) <= ts - WINDOW_MS) denies.shift();
  if (denies.length < DENIES) return;
  if (denies.length > DENIES && ts < agent.alertedMs + WINDOW_MS) return;
  agent.alertedMs = ts;
  alerts.add('a', name, offset, -1);
}

/** (b): every intent of the session that waits for this, and for another tool, is consumed. */
function called(
  agent: Agent,
  { agent: name, session, tool }: Line,
  offset: number,
  alerts: Alerts,
): void {
  const { pending } = agent;
  if (pending.length === 0) return;
  let left = 0;
  for (const one of pending)
    if (one.session === session && one.action !== tool) alerts.add('b', name, offset, one.offset);
    else {
      pending[left] = one;
      left += 1;
    }
  pending.length = left;
}

/** (c): beyond four deviations of the last calls, itself included. */
function took(
  agent: Agent,
  { agent: name, latency_us: value }: Line,
  offset: number,
  alerts: Alerts,
): void {
  const { latencies, calls } = agent;
  const place = calls % LATENCIES;
  const old = calls < LATENCIES ? 0 : (latencies[place] as number);
  latencies[place] = value;
  agent.calls = calls + 1;
  agent.sum += value - old;
  agent.squares += value * value - old * old;
  const count = Math.min(agent.calls, LATENCIES);
  if (count < 2) return;
  const mean = agent.sum / count;
  const variance = Math.max(0, agent.squares - agent.sum * mean) / (count - 1);
  if (value > mean + 4 * Math.sqrt(variance)) alerts.add('c', name, offset, -1);
}

answer(
  runSegments(input<PeerInput>(), {
    decode: (line) => JSON.parse(line.toString('utf8')) as Line,
    see,
  }),
);
