/** Small whole profiles, learnt by the real dimensions from made-up sessions. */
import { DIMENSIONS } from '../../src/baseline/dimensions.ts';
import { type Profile, profileHash, SCORES_VERSION } from '../../src/baseline/profile.ts';
import type { ProposalEvidence, Registry } from '../../src/baseline/proposal.ts';
import type { UnitRecord } from '../../src/model/unit.ts';

export const DAY_MS = 86_400_000;
export const START_MS = 1_800_000_000_000;
export const REGISTRY: Registry = new Map(DIMENSIONS.map((one) => [one.name, one]));

/** One session that calls the given tools in order, on a given day. */
export function unit(n: number, tools: readonly string[], day = n % 8): UnitRecord {
  const openedMs = START_MS + day * DAY_MS + n * 1000;
  return {
    head: {
      tenant: 'acme',
      session: `session-${n}`,
      agent: `agent-${n % 5}`,
      role: 'support-triage',
      model: 'model-1',
      mandate: 'answer the ticket',
      taskType: null,
      openedMs,
    },
    items: tools.map((tool, at) => ({
      type: 'call',
      seq: at,
      ms: openedMs + at * 10,
      eventId: `event-${n}-${at}`,
      tool,
      toolClass: tool.startsWith('get') ? 'read' : 'write',
      granted: true,
      args: {},
      decision: 'allow',
      outcome: 'ok',
      result: null,
      bytes: 100,
      ours: false,
    })),
    grants: null,
    lastMs: openedMs + tools.length * 10,
  };
}

/** Sessions of which a share ends with another tool than usual. */
export function units(count: number, otherShare = 0.1, other = 'send_reply'): UnitRecord[] {
  return Array.from({ length: count }, (_, n) =>
    unit(n, ['get_ticket', 'get_customer', n % 100 < otherShare * 100 ? other : 'update_ticket']),
  );
}

/** What differs from the usual profile. */
export interface Differences {
  readonly units?: readonly UnitRecord[];
  readonly level?: Profile['level'];
  readonly subject?: string;
  readonly meta?: Partial<Profile['meta']>;
  readonly dimensions?: readonly string[];
  readonly calibrated?: number;
}

/** A profile of `sequence`, `first-seen` and `mix` with scores of 250 held-out units. */
export function profile(differences: Differences = {}): Profile {
  const { level = 'role', subject = 'support-triage', calibrated = 250 } = differences;
  const learnt = differences.units ?? units(400);
  const names = differences.dimensions ?? ['first-seen', 'mix', 'sequence'];
  const scores = Array.from({ length: calibrated }, (_, at) => Math.round(at * 10) / 1000);
  return {
    format: 1,
    scores: SCORES_VERSION,
    level,
    subject,
    meta: {
      fromMs: START_MS,
      toMs: START_MS + 8 * DAY_MS,
      sessions: learnt.length,
      agents: 5,
      days: 8,
      templates: 3,
      excluded: [{ session: 'session-bad', reason: 'improbable' }],
      parent: null,
      change: null,
      ledger: {},
      ...differences.meta,
    },
    dimensions: Object.fromEntries(
      names.map((name) => [name, REGISTRY.get(name)?.learn(learnt) ?? null]),
    ),
    calibration: Object.fromEntries(names.map((name) => [name, { 'L3/seen': scores }])),
    rehearsed: null,
  };
}

/** A profile that follows another. */
export function follower(parent: Profile, differences: Differences = {}): Profile {
  const { meta = {}, ...rest } = differences;
  const { level, subject } = parent;
  return profile({ level, subject, ...rest, meta: { parent: profileHash(parent), ...meta } });
}

/** Evidence that meets every exit criterion. */
export const EVIDENCE: ProposalEvidence = {
  measured: {
    fitUnits: 300,
    calibrationUnits: 250,
    gapMs: 1000,
    unseenTools: 0.001,
    unseenOrigins: 0.01,
    halvesP: 0.4,
    lag1: 0.05,
    presence: { gateway: 1, reasoning: 0.99 },
  },
};
