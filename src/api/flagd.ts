/** Flagd: the posture as feature flags; each entry ends at its time without us. */
import { hash } from 'node:crypto';
import { canonicalJson } from '../model/canonical-json.ts';
import { POSTURE_LEVELS, type PostureState } from '../model/posture.ts';
import { answerPoll, type Polls, type PostureParts, type Rendering } from './posture.ts';
import { type PostureEntry, type PostureSegment, renderPosture } from './posture-document.ts';
import type { Route } from './route.ts';

/** JsonLogic, as flagd evaluates it. */
type Logic = Readonly<Record<string, unknown>>;

const KEY: Logic = { var: 'targetingKey' };

/** `GET /flagd/flags.json`: flags `agent-posture` and `tool-frozen`, with ETag and 304. */
export function flagdRoutes(parts: PostureParts, polls: Polls): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/flagd/flags.json',
      scope: 'posture.read',
      handle: async (request) =>
        await answerPoll(
          request,
          parts,
          polls,
          null,
          (tenant) => (state, nowMs) =>
            flagsOf(state, { tenant, maxAgeSeconds: parts.maxAgeSeconds, nowMs }),
        ),
    },
  ];
}

/**
 * The flags. `agent-posture` is evaluated with the agent as targeting key and, where it is known, the
 * session as `session`; `tool-frozen` with the tool as `tool` besides.
 */
export function flagsOf(
  state: PostureState,
  options: { readonly tenant: string; readonly maxAgeSeconds: number; readonly nowMs: number },
): Rendering {
  const { document, leaseIds } = renderPosture(state, { ...options, agent: null });
  const agents = Object.entries(document.agents);
  const levels = Object.fromEntries(POSTURE_LEVELS.map((level) => [level, level]));
  const flags = {
    'agent-posture': {
      ...{ state: 'ENABLED', variants: levels, defaultVariant: 'normal' },
      targeting: ifs(agents.flatMap(([agent, entry]) => levelRules(agent, entry))),
    },
    'tool-frozen': {
      state: 'ENABLED',
      variants: { yes: true, no: false },
      defaultVariant: 'no',
      targeting: ifs(agents.flatMap(([agent, entry]) => frozenRules(agent, entry))),
    },
  };
  const content = {
    $schema: 'https://flagd.dev/schema/v0/flags.json',
    flags,
    metadata: { version: document.revision },
  };
  return {
    body: Buffer.from(JSON.stringify(content), 'utf8'),
    contentType: 'application/json',
    revision: `sha256:${hash('sha256', canonicalJson(content), 'hex')}`,
    leaseIds,
  };
}

/** A chain of conditions with what each gives; null falls to the default variant. */
function ifs(rules: readonly (readonly [Logic, string])[]): Logic {
  return rules.length === 0 ? {} : { if: [...rules.flat(), null] };
}

/** Segments in their order: the first that is not over speaks, so each needs its own end only. */
function segmentsOf(entry: PostureEntry): readonly PostureSegment[] {
  return [entry, ...(entry.next ?? [])];
}

function before(until: string): Logic {
  return { '<': [{ var: '$flagd.timestamp' }, Math.ceil(Date.parse(until) / 1000)] };
}

/** Sessions before their agent: theirs is the agent's level or a stricter one. */
function levelRules(agent: string, entry: PostureEntry): (readonly [Logic, string])[] {
  return segmentsOf(entry).flatMap((segment) => {
    const own = [{ '==': [KEY, agent] }, before(segment.until)];
    const sessions = Object.entries(segment.sessions).map(([session, { level }]) => {
      const stricter =
        POSTURE_LEVELS.indexOf(level) > POSTURE_LEVELS.indexOf(segment.level)
          ? level
          : segment.level;
      return [{ and: [...own, { '==': [{ var: 'session' }, session] }] }, stricter] as const;
    });
    return [...sessions, [{ and: own }, segment.level] as const];
  });
}

function frozenRules(agent: string, entry: PostureEntry): (readonly [Logic, string])[] {
  return segmentsOf(entry).flatMap((segment) => {
    const own = [{ '==': [KEY, agent] }, before(segment.until)];
    const isOne = (tools: readonly string[]): Logic => ({ in: [{ var: 'tool' }, [...tools]] });
    const sessions = Object.entries(segment.sessions)
      .filter(([, { freezeTools }]) => freezeTools.length > 0)
      .map(([session, { freezeTools }]) => [
        ...own,
        { '==': [{ var: 'session' }, session] },
        isOne(freezeTools),
      ]);
    const whole = segment.freezeTools.length > 0 ? [[...own, isOne(segment.freezeTools)]] : [];
    return [...sessions, ...whole].map((conditions) => [{ and: conditions }, 'yes'] as const);
  });
}
