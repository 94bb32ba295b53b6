/** Kind `reconciliation`: do the four books agree on one act? Exact checks only. */
import { type Static, Type } from 'typebox';
import type {
  AbsentFact,
  Attempt,
  AttemptFact,
  Fact,
  IdentityFact,
  Intent,
  JoinedFact,
  RetractFact,
} from '../../model/fact.ts';
import type { AnalyticKind, Finding, See } from '../kind.ts';

/** The checks, by the name detectors give them. */
export const CHECKS = [
  'unstated-action',
  'phantom-action',
  'argument-mismatch',
  'tool-mismatch',
  'ungranted-action',
  'denied-then-retried',
  'after-close',
  'identity-mismatch',
  'unknown-agent',
  'spawn-without-origin',
  'approval-missing',
] as const;

const Params = Type.Object(
  { check: Type.Enum(CHECKS, { description: 'Which contradiction between books is looked for.' }) },
  { additionalProperties: false },
);
type Params = Static<typeof Params>;

/** One check: a contradiction, or null. */
type Check = (fact: Fact) => Finding | null;

const CHECK: Readonly<Record<(typeof CHECKS)[number], Check>> = {
  'unstated-action': (fact) => absence(fact, 'reasoning', unstated),
  'phantom-action': (fact) => absence(fact, 'gateway', phantom),
  'argument-mismatch': (fact) => (fact.type === 'joined' ? argumentMismatch(fact) : null),
  'tool-mismatch': (fact) => (fact.type === 'joined' ? toolMismatch(fact) : null),
  'ungranted-action': (fact) => (fact.type === 'attempt' ? ungranted(fact) : null),
  'denied-then-retried': (fact) => (fact.type === 'attempt' ? deniedThenRetried(fact) : null),
  'after-close': (fact) => (fact.type === 'attempt' ? afterClose(fact) : null),
  'identity-mismatch': (fact) => identity(fact, 'foreign-agent', identityMismatch),
  'unknown-agent': (fact) => identity(fact, 'unregistered', unknownAgent),
  'spawn-without-origin': (fact) => identity(fact, 'orphan-parent', spawnWithoutOrigin),
  'approval-missing': (fact) => (fact.type === 'attempt' ? approvalMissing(fact) : null),
};

/** The kind. Keeps no state: correlation states each fact once. */
export const reconciliation: AnalyticKind = {
  name: 'reconciliation',
  claim: 'Two books contradict each other on one act, or one lacks what another proves.',
  params: Params,
  facts: ['joined', 'attempt', 'absent', 'retract', 'identity'],
  evidence: 'L0',
  bound: 'none of its own',
  compile(params): See {
    return CHECK[(params as Params).check];
  },
};

/** Servers tell what came of a call and no decision: what was done with success was let through. */
function executed({ decision, outcome }: Attempt): boolean {
  return (decision === 'allow' || decision === 'unknown') && outcome === 'ok';
}

function quote(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 77)}…` : name);
}

function clock(ms: number): string {
  return String(Math.round(ms / 100) / 10);
}

function base(
  fact: JoinedFact | AttemptFact | AbsentFact | RetractFact | IdentityFact,
): Pick<Finding, 'tenant' | 'agent' | 'role' | 'session' | 'decidedMs' | 'late'> {
  const { session } = fact;
  return {
    tenant: session.tenant,
    agent: session.agent,
    role: session.role,
    session: session.id,
    decidedMs: fact.decidedMs,
    late: fact.late,
  };
}

function absence(
  fact: Fact,
  book: 'reasoning' | 'gateway',
  build: (fact: AbsentFact | RetractFact) => Finding,
): Finding | null {
  if (fact.type === 'absent' && fact.book === book) return build(fact);
  if (fact.type === 'retract' && fact.book === book)
    return { ...build(fact), retracts: `the missing ${book} record arrived after all` };
  return null;
}

function proofOfLife(fact: AbsentFact | RetractFact): string {
  return fact.type === 'absent'
    ? ` while that source was alive ${clock(Math.max(0, fact.witness.ms - fact.aliveFromMs))} s before and ${clock(Math.max(0, fact.aliveToMs - fact.witness.ms))} s after`
    : '';
}

function unstated(fact: AbsentFact | RetractFact): Finding {
  const { witness } = fact;
  return {
    ...base(fact),
    said: [{ witness, says: `the gateway saw a call of ${quote(witness.tool)}` }],
    seq: witness.seq,
    tool: witness.tool,
    timeMs: witness.ms,
    strength: 'exact',
    explanation: `${quote(witness.tool)} was called at the gateway, and no reasoning record states it${proofOfLife(fact)}.`,
    counterfactual: 'silent if a reasoning record had stated this call within the join window',
  };
}

function phantom(fact: AbsentFact | RetractFact): Finding {
  const witness = fact.witness as Intent;
  return {
    ...base(fact),
    said: [{ witness, says: `the model announced a call of ${quote(witness.tool)}` }],
    seq: witness.afterSeq,
    tool: witness.tool,
    timeMs: witness.ms,
    strength: 'exact',
    // One record can announce several calls that never come.
    evidenceKey: `call ${witness.index}`,
    explanation: `The model announced ${quote(witness.tool)}, and no gateway saw it${proofOfLife(fact)}.`,
    counterfactual: 'silent if a gateway had recorded this call within the join window',
  };
}

/** What answers for a call: its announcements; reports afterwards only where there are none. */
function answering(intents: readonly Intent[]): readonly Intent[] {
  const announced = intents.filter(({ claimed }) => !claimed);
  return announced.length > 0 ? announced : intents;
}

function argumentMismatch(fact: JoinedFact): Finding | null {
  const { attempt, intents } = fact;
  if (fact.strength !== 'exact' || attempt.decision === 'modify' || attempt.digest === null)
    return null;
  const stated = answering(intents).filter(
    (intent) => intent.digest !== null && intent.tool === attempt.tool,
  );
  const [first] = stated;
  if (first === undefined || stated.some((intent) => intent.digest === attempt.digest)) return null;
  const differing = differences(first, attempt);
  return {
    ...base(fact),
    said: [
      { witness: first, says: `stated ${quote(first.tool)} with other arguments` },
      { witness: attempt, says: `was called with different ${differing}` },
    ],
    seq: attempt.seq,
    tool: attempt.tool,
    timeMs: attempt.ms,
    strength: fact.strength,
    explanation: `The model stated ${quote(attempt.tool)} with one set of arguments, the gateway saw another; ${differing} differs.`,
    counterfactual: `silent if ${differing} had been the same in both`,
  };
}

function differences(intent: Intent, attempt: Attempt): string {
  const a = intent.leaves ?? {};
  const b = attempt.leaves ?? {};
  const found = new Set<string>();
  for (const [pointer, digest] of Object.entries(a)) if (b[pointer] !== digest) found.add(pointer);
  for (const pointer of Object.keys(b)) if (a[pointer] === undefined) found.add(pointer);
  const names = [...found].sort();
  if (names.length === 0) return 'the arguments';
  const listed = names.slice(0, 3).map(quote).join(', ');
  return names.length > 3 ? `${listed} and ${names.length - 3} more` : listed;
}

function toolMismatch(fact: JoinedFact): Finding | null {
  const { attempt } = fact;
  const intents = answering(fact.intents);
  const [first] = intents;
  if (fact.strength !== 'exact' || first === undefined) return null;
  if (intents.some((intent) => intent.tool === attempt.tool)) return null;
  return {
    ...base(fact),
    said: [
      { witness: first, says: `stated ${quote(first.tool)}` },
      { witness: attempt, says: `saw ${quote(attempt.tool)} under the same call id` },
    ],
    seq: attempt.seq,
    tool: attempt.tool,
    timeMs: attempt.ms,
    strength: fact.strength,
    explanation: `The model stated ${quote(first.tool)}; under the same call id the gateway saw ${quote(attempt.tool)}.`,
    counterfactual: `silent if the gateway had seen ${quote(first.tool)}`,
  };
}

function onAttempt(
  fact: AttemptFact,
  says: string,
): Omit<Finding, 'explanation' | 'counterfactual'> {
  const { attempt } = fact;
  return {
    ...base(fact),
    said: [{ witness: attempt, says }],
    seq: attempt.seq,
    tool: attempt.tool,
    timeMs: attempt.ms,
    strength: 'exact',
  };
}

function ungranted(fact: AttemptFact): Finding | null {
  const { attempt } = fact;
  // Merely attempted, a name nobody granted is noise: models invent names.
  if (!executed(attempt) || attempt.granted !== false) return null;
  return {
    ...onAttempt(fact, `let ${quote(attempt.tool)} through with success`),
    explanation: `${quote(attempt.tool)} was executed with success, and governance never granted it to ${quote(fact.session.agent)}.`,
    counterfactual: 'silent if the tool had been granted, or the call refused or failed',
  };
}

function deniedThenRetried(fact: AttemptFact): Finding | null {
  const { attempt, refused } = fact;
  if (refused === null || !executed(attempt)) return null;
  const how =
    fact.around === 'same-call'
      ? 'the same call was let through'
      : `the same values went through ${quote(attempt.tool)}`;
  return {
    ...onAttempt(fact, `let ${quote(attempt.tool)} through`),
    said: [
      { witness: refused, says: `refused ${quote(refused.tool)}` },
      { witness: attempt, says: `let ${quote(attempt.tool)} through` },
    ],
    explanation: `Policy refused ${quote(refused.tool)}; ${how} ${clock(Math.abs(attempt.ms - refused.ms))} s later, and governance changed nothing in between.`,
    counterfactual: 'silent if an approval, grant or policy change lay between the two',
  };
}

function afterClose(fact: AttemptFact): Finding | null {
  const { attempt, afterCloseMs } = fact;
  if (afterCloseMs === null || attempt.decision === 'deny') return null;
  return {
    ...onAttempt(fact, `saw a call of ${quote(attempt.tool)}`),
    explanation: `${quote(attempt.tool)} was called ${clock(afterCloseMs)} s after governance closed the session.`,
    counterfactual: 'silent if the session had still been open',
  };
}

function approvalMissing(fact: AttemptFact): Finding | null {
  const { attempt } = fact;
  if (!executed(attempt) || fact.approved !== false) return null;
  const rule =
    attempt.tier === 'prohibited'
      ? 'is prohibited'
      : 'needs the approval of somebody other than the agent, and there is none';
  return {
    ...onAttempt(fact, `let ${quote(attempt.tool)} through with success`),
    explanation: `${quote(attempt.tool)} was executed, although it ${rule}.`,
    counterfactual: 'silent if a valid approval covered this tool at this time',
  };
}

function identity(
  fact: Fact,
  aspect: IdentityFact['aspect'],
  build: (fact: IdentityFact) => Pick<Finding, 'explanation' | 'counterfactual' | 'seq'>,
): Finding | null {
  if (fact.type !== 'identity' || fact.aspect !== aspect) return null;
  const { witness } = fact;
  return {
    ...base(fact),
    said: [{ witness, says: `names ${quote(fact.named)}` }],
    tool: null,
    timeMs: witness.ms,
    strength: 'exact',
    ...build(fact),
  };
}

function identityMismatch(
  fact: IdentityFact,
): Pick<Finding, 'explanation' | 'counterfactual' | 'seq'> {
  const { witness, session } = fact;
  const by = session.ownedBy === 'governance' ? 'governance opened it for' : 'others saw it under';
  return {
    seq: witness.seq,
    explanation: `The ${witness.kind} record names ${quote(fact.named)}, but the session belongs to another: ${by} ${quote(session.agent)}.`,
    counterfactual: 'silent if every witness had named the same agent',
  };
}

function unknownAgent(fact: IdentityFact): Pick<Finding, 'explanation' | 'counterfactual' | 'seq'> {
  return {
    seq: null,
    explanation: `${quote(fact.named)} acts in the fleet, and governance never registered it.`,
    counterfactual: 'silent if the agent had been registered before it acted',
  };
}

function spawnWithoutOrigin(
  fact: IdentityFact,
): Pick<Finding, 'explanation' | 'counterfactual' | 'seq'> {
  return {
    seq: null,
    explanation: `The session says it was spawned by ${quote(fact.named)}, and no such session was ever seen: its chain to a human origin is broken.`,
    counterfactual: 'silent if the parent session had been opened before',
  };
}
