/** Flagd: the posture as feature flags; each entry ends at its time without us. */
import { hash } from 'node:crypto';
import { canonicalJson } from '../model/canonical-json.ts';
import { POSTURE_LEVELS, type PostureLevel, type PostureState } from '../model/posture.ts';
import { answerPoll, type Polls, type PostureParts, type Rendering } from './posture.ts';
import { type PostureSegment, renderPosture } from './posture-document.ts';
import type { Route } from './route.ts';

/** JsonLogic, as flagd evaluates it. */
type Logic = Readonly<Record<string, unknown>>;

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
  const segments = Object.entries(document.agents).flatMap(([agent, entry]) =>
    [entry, ...(entry.next ?? [])].map((segment) => ({ agent, segment })),
  );
  const levels = Object.fromEntries(POSTURE_LEVELS.map((level) => [level, level]));
  const flags = {
    'agent-posture': {
      ...{ state: 'ENABLED', variants: levels, defaultVariant: 'normal' },
      targeting: levelTargeting(segments),
    },
    'tool-frozen': {
      state: 'ENABLED',
      variants: { yes: true, no: false },
      defaultVariant: 'no',
      targeting: chosen([[segments.flatMap(frozenWhere), 'yes']]),
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

interface Placed {
  readonly agent: string;
  readonly segment: PostureSegment;
}

/**
 * The strictest level first. Leases only end as time goes by, so a later segment is never stricter
 * than an earlier one: what is asked of each is its end, not its beginning.
 */
function levelTargeting(placed: readonly Placed[]): Logic {
  const strictestFirst = [...POSTURE_LEVELS].reverse().filter((level) => level !== 'normal');
  return chosen(
    strictestFirst.map((level) => [placed.flatMap((one) => levelWhere(one, level)), level]),
  );
}

/** Nested, for flagd takes an `if` of three parts and no longer one; null: the default variant. */
function chosen(cases: readonly (readonly [readonly Logic[], string])[]): Logic {
  const nested = cases
    .filter(([conditions]) => conditions.length > 0)
    .reduceRight<Logic | null>(
      (rest, [conditions, variant]) => ({ if: [{ or: conditions }, variant, rest] }),
      null,
    );
  return nested ?? {};
}

function isIt(name: string, value: string): Logic {
  return { '==': [{ var: name }, value] };
}

/** Seconds, rounded up: an entry never ends before its time. */
function standing({ agent, segment }: Placed): Logic[] {
  const untilSeconds = Math.ceil(Date.parse(segment.until) / 1000);
  return [isIt('targetingKey', agent), { '<': [{ var: '$flagd.timestamp' }, untilSeconds] }];
}

function levelWhere(placed: Placed, level: PostureLevel): Logic[] {
  const own = standing(placed);
  const sessions = Object.entries(placed.segment.sessions)
    .filter(([, restriction]) => restriction.level === level)
    .map(([session]) => ({ and: [...own, isIt('session', session)] }));
  return placed.segment.level === level ? [...sessions, { and: own }] : sessions;
}

/** Written out with `or`: the schema has no lists of values. */
function frozenWhere(placed: Placed): Logic[] {
  const own = standing(placed);
  const any = (tools: readonly string[]): Logic => ({ or: tools.map((one) => isIt('tool', one)) });
  const sessions = Object.entries(placed.segment.sessions)
    .filter(([, { freezeTools }]) => freezeTools.length > 0)
    .map(([session, { freezeTools }]) => ({
      and: [...own, isIt('session', session), any(freezeTools)],
    }));
  const { freezeTools } = placed.segment;
  return freezeTools.length === 0 ? sessions : [...sessions, { and: [...own, any(freezeTools)] }];
}
