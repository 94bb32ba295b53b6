/** Standing leases for tests of documents: whole, and different only where a test says so. */
import type { PostureState, StandingPosture } from '../../src/model/posture.ts';

/** When the documents of these tests are made, ms. */
export const NOW_MS = 1_800_000_000_000;

/** A frozen tool of one session for ten minutes, or what `change` makes of it. */
export function lease(n: number, change: Partial<StandingPosture> = {}): StandingPosture {
  return {
    leaseId: `L${n}`,
    caseId: `C${n}`,
    verb: 'freeze_tool',
    subject: { tenant: '-', agent: 'agent-7', session: null, tools: ['send_money'] },
    reason: 'unstated-action fired on hard evidence',
    expiresMs: NOW_MS + 600_000,
    ...change,
  };
}

/** A lease against another subject. */
export function against(
  n: number,
  subject: Partial<StandingPosture['subject']>,
  change: Partial<StandingPosture> = {},
): StandingPosture {
  const base = lease(n, change);
  return { ...base, subject: { ...base.subject, ...subject } };
}

/** The state of these leases. */
export function stateOf(
  leases: readonly StandingPosture[],
  pauses: PostureState['pauses'] = [],
): PostureState {
  return { leases, pauses };
}

/** How documents are made here. */
export const OPTIONS = { tenant: '-', agent: null, maxAgeSeconds: 30, nowMs: NOW_MS } as const;
