/** The a/b/c workload: a seeded stream of four kinds in time order, as files of JSON lines. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { chance, integer, pick, type Random, stream, uniform } from '../src/simulation/random.ts';
import { SEED } from './workload.ts';

/** How closely tools follow what was announced. */
export const DENSITIES = ['dense', 'sparse'] as const;
/** One of DENSITIES: `dense`: tools drawn independently; `sparse`: a session has one, 2 % deviate. */
export type Density = (typeof DENSITIES)[number];

/** What stream to write. */
export interface StreamLoad {
  readonly density: Density;
  readonly agents: number;
  /** Between two events there are 0 to so many ms. */
  readonly stepMsMax: number;
  /** Events of each file, in order. */
  readonly segments: readonly number[];
}

/** A written stream. */
export interface WrittenStream {
  /** One a segment. */
  readonly files: readonly string[];
  readonly bytes: number;
  /** From the first event to the last, ms. */
  readonly spanMs: number;
}

const TENANTS = 50;
const TOOLS = 40;
/** Events of one agent after which its open sessions are replaced. */
const SESSION_EVENTS = 64;
/** Sessions that one agent has open at the same time. */
const OPEN_SESSIONS = 2;
/** Of its events so many belong to the second. */
const SECOND_SHARE = 0.15;
const START_MS = Date.UTC(2026, 0, 1);
/** Below 2^22: then sums of 64 squares are exact in doubles. */
const LATENCY_US_MAX = 4_194_303;
const CHUNK_BYTES = 1 << 20;
const MODELS = ['large-2', 'large-3', 'small-3', 'code-1'];
const CHANGES = ['policy.changed', 'flag.changed', 'approval.granted', 'key.issued'];
const TICKETS = ['change', 'incident', 'request'];
const WORDS =
  'the customer asked for a copy of the last invoice so I look up the account first and then call the tool that reads it because the ledger is the only place that has all of them in their order'.split(
    ' ',
  );

/** Writes the segments into `folder`. The same load gives the same bytes. */
export function writeStream(folder: string, load: StreamLoad): WrittenStream {
  const source = new Source(load);
  let bytes = 0;
  const files = load.segments.map((events, at) => {
    const file = join(folder, `${load.density}-${at}.jsonl`);
    const handle = openSync(file, 'w');
    let chunk = '';
    for (let n = 0; n < events; n += 1) {
      chunk += `${JSON.stringify(source.next())}\n`;
      if (chunk.length < CHUNK_BYTES && n < events - 1) continue;
      bytes += writeSync(handle, chunk);
      chunk = '';
    }
    closeSync(handle);
    return file;
  });
  return { files, bytes, spanMs: source.ms - START_MS };
}

/** Draws one event after the other. */
class Source {
  ms = START_MS;
  readonly #load: StreamLoad;
  readonly #random: Random;
  /** Events so far, by agent. */
  readonly #seen: number[];
  /** Tool that a session is bound to: two of each agent, exchanged as sessions are. */
  readonly #bound: number[];
  #n = 0;

  constructor(load: StreamLoad) {
    this.#load = load;
    this.#random = stream(SEED, `cep ${load.density}`);
    this.#seen = new Array<number>(load.agents).fill(0);
    this.#bound = new Array<number>(load.agents * OPEN_SESSIONS).fill(0);
  }

  next(): object {
    const random = this.#random;
    this.ms += integer(random, 0, this.#load.stepMsMax);
    this.#n += 1;
    const agent = Math.floor(this.#load.agents * uniform(random) ** 1.5);
    const seen = this.#seen[agent] as number;
    this.#seen[agent] = seen + 1;
    if (seen % SESSION_EVENTS === 0)
      for (let open = 0; open < OPEN_SESSIONS; open += 1)
        this.#bound[agent * OPEN_SESSIONS + open] = toolOf(random);
    const open = chance(random, SECOND_SHARE) ? 1 : 0;
    const name = String(agent).padStart(5, '0');
    const round = Math.floor(seen / SESSION_EVENTS) * OPEN_SESSIONS + open;
    const common = {
      id: `e-${String(this.#n).padStart(9, '0')}`,
      ts: this.ms,
      tenant: `tenant-${agent % TENANTS}`,
      agent: `agent-${name}`,
      session: `s-${name}-${round}`,
      trace_id: hex(random) + hex(random) + hex(random) + hex(random),
      span_id: hex(random) + hex(random),
      source: `node-${agent % 7}`,
    };
    const share = uniform(random);
    if (share < 0.35) return { ...common, ...this.#reasoning(agent, open) };
    if (share < 0.75) return { ...common, ...this.#gateway(agent, open) };
    if (share < 0.85) return { ...common, ...this.#governance() };
    return { ...common, ...this.#metrics() };
  }

  #tool(agent: number, open: number, deviates: boolean): string {
    const bound = this.#bound[agent * OPEN_SESSIONS + open] as number;
    return `tool_${this.#load.density === 'dense' || deviates ? toolOf(this.#random) : bound}`;
  }

  #reasoning(agent: number, open: number): object {
    const random = this.#random;
    const action = this.#tool(agent, open, false);
    const confidence = integer(random, 0, 100) / 100;
    return {
      kind: 'reasoning',
      model: pick(random, MODELS),
      step: integer(random, 1, 40),
      intents: [{ action, target: `account/${integer(random, 1, 99_999)}`, confidence }],
      tokens: { in: integer(random, 200, 8000), out: integer(random, 20, 900) },
      text: proseOf(random),
    };
  }

  #gateway(agent: number, open: number): object {
    const random = this.#random;
    const tool = this.#tool(agent, open, chance(random, 0.02));
    const isSlow = chance(random, 0.03);
    return {
      kind: 'gateway',
      tool,
      args: {
        path: `/accounts/${integer(random, 1, 99_999)}/invoices/${integer(random, 1, 999)}.json`,
        limit: integer(random, 1, 500),
        recursive: chance(random, 0.3),
        q: `status:${pick(random, TICKETS)} owner:${hex(random)} amount:>100 sort:newest page:first fields:all`,
      },
      decision: chance(random, 0.03) ? 'deny' : 'allow',
      policy: `policy-${integer(random, 1, 60)}`,
      rule: `rule-${integer(random, 1, 400)}`,
      latency_us: Math.min(LATENCY_US_MAX, integer(random, 0, isSlow ? 3_000_000 : 120_000)),
      bytes_out: integer(random, 0, 65_536),
      status: chance(random, 0.05) ? 500 : 200,
      peer: `10.${integer(random, 0, 255)}.${integer(random, 0, 255)}.${integer(random, 1, 254)}:8443`,
    };
  }

  #governance(): object {
    const random = this.#random;
    return {
      kind: 'governance',
      actor: `user-${integer(random, 1, 400)}@example.org`,
      change: pick(random, CHANGES),
      approvers: [`user-${integer(random, 1, 400)}`, `user-${integer(random, 1, 400)}`],
      reason: `${proseOf(random).slice(0, 120)}`,
      ticket: `${pick(random, TICKETS)}-${integer(random, 1000, 99_999)}`,
      scope: { tools: [`tool_${toolOf(random)}`], until: this.ms + 3_600_000 },
    };
  }

  #metrics(): object {
    const random = this.#random;
    const samples: Record<string, number> = {};
    for (const name of METRICS) samples[name] = integer(random, 0, 100_000) / 100;
    return {
      kind: 'metrics',
      samples,
      labels: {
        region: `r-${integer(random, 1, 4)}`,
        pod: `pod-${hex(random)}-${hex(random)}`,
        image: `agents/worker:1.${integer(random, 0, 40)}.${integer(random, 0, 9)}`,
        tier: 'standard',
      },
    };
  }
}

const METRICS = [
  ...['cpu_percent', 'rss_mib', 'requests', 'errors', 'queue_length'],
  ...['tokens_per_second', 'open_sessions', 'retries', 'gc_ms'],
];

function toolOf(random: Random): number {
  return Math.floor(TOOLS * uniform(random) ** 2);
}

function hex(random: Random): string {
  return Math.floor(uniform(random) * 0x1_0000_0000)
    .toString(16)
    .padStart(8, '0');
}

/** About two hundred characters. */
function proseOf(random: Random): string {
  const from = integer(random, 0, WORDS.length - 1);
  const words = [...WORDS.slice(from), ...WORDS.slice(0, from)];
  return `${words.join(' ')}; step ${integer(random, 1, 99)}.`.slice(0, 220);
}
