/** Small stories of a fleet in canonical records, and the configuration that reads them. */
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toYaml, writeAtomic } from '../../src/adapters/files.ts';
import { DEFAULT_SOURCES } from '../../src/commands/config.ts';
import type { Config } from '../../src/model/config.ts';
import { KINDS, type Kind, type WireEvent } from '../../src/model/event.ts';
import {
  type Bearer,
  gatewayEvent,
  governanceEvent,
  reasoningEvent,
} from '../../src/simulation/emission.ts';
import { encodeEvent } from '../../src/source/canonical.ts';

/** A record on its way to a topic. */
export interface Told {
  readonly topic: Kind;
  readonly event: WireEvent;
}

/** Secret of a control plane, and the variable that holds it. */
export const SECRET = 'whsec_aW50ZWdyYXRpb24tdGVzdC1zZWNyZXQtMDAwMDAwMDA';
/** Name of that variable. */
export const SECRET_NAME = 'STORY_SECRET';
/** Tool that nobody is granted. */
export const FORBIDDEN = 'export_everything';
/** Tool that everybody is granted. */
export const GRANTED = 'read_record';

const bearerOf = (agent: string, session: string | null, role: string): Bearer => ({
  agentId: agent,
  role,
  tenant: null,
  sessionId: session,
  parent: null,
  principal: null,
});

/** Governance registers an agent and grants it one tool. */
export function registers(agent: string, atMs: number, role = 'clerk'): Told[] {
  const bearer = bearerOf(agent, null, role);
  const detail = { role, tools: [{ tool: GRANTED, class: 'read' as const }] };
  return [
    governanceEvent(bearer, atMs, `${agent}/registered`, 'lifecycle', {
      change: 'agent.registered',
      detail: { role },
    }),
    governanceEvent(bearer, atMs, `${agent}/granted`, 'grant', { change: 'tools.granted', detail }),
  ].map((event) => ({ topic: 'governance', event }));
}

/** A session in which one tool is stated and executed; `seq` numbers are 1 and 2. */
export function uses(
  tool: string,
  agent: string,
  session: string,
  atMs: number,
  role = 'clerk',
): Told[] {
  const bearer = bearerOf(agent, session, role);
  const args = { scope: session };
  const intent = { toolCallId: `${session}/1`, tool, args };
  return [
    {
      topic: 'governance',
      event: governanceEvent(bearer, atMs - 200, `${session}/opened`, 'session', {
        change: 'session.opened',
        target: { type: 'session', id: session },
        detail: { role },
      }),
    },
    {
      topic: 'reasoning',
      event: reasoningEvent(bearer, atMs - 100, 1, { intents: [intent], claims: [] }),
    },
    {
      topic: 'gateway',
      event: gatewayEvent(bearer, atMs, 2, `${session}/1`, {
        phase: 'result',
        tool,
        args,
        decision: 'allow',
        outcome: 'ok',
        status: 200,
      }),
    },
  ];
}

/** Writes records behind what the topics' files hold. */
export async function tell(folder: string, told: readonly Told[]): Promise<void> {
  for (const topic of KINDS) {
    const lines = told.filter((one) => one.topic === topic).map(({ event }) => encodeEvent(event));
    if (lines.length > 0) await appendFile(join(folder, `${topic}.jsonl`), `${lines.join('\n')}\n`);
  }
}

/** Impatient sources, so that a story is decided within seconds. `prefix` is put before topics. */
export function storySources(prefix = ''): Config['sources'] {
  return DEFAULT_SOURCES.map((source) => ({
    ...source,
    topic: `${prefix}${source.topic}`,
    lateness: '1s',
    idleAfter: '1s',
  }));
}

/** Writes a configuration in which everything may act. Returns its path. */
export async function writeConfig(folder: string, more: Partial<Config>): Promise<string> {
  const file = join(folder, 'story.yaml');
  const config: Config = {
    sources: storySources(),
    correlate: { joinWindow: '1s', closeGrace: '1s' },
    roles: { default: { mode: 'autonomous' } },
    detectors: { maturity: { hard: 'enforce' } },
    ...more,
  };
  await writeAtomic(file, toYaml(config));
  return file;
}

/** The control part of a configuration. */
export function controlAt(url: string): NonNullable<Config['control']> {
  const hook = { type: 'webhook', url: `${url}/control`, grace: '1s', ratePerMin: 600 };
  return { drivers: { hook: { ...hook, secret: { env: SECRET_NAME } } } };
}
