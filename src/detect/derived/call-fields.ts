/** Fields of a call: what it would do, where it points, and who answers for it. */
import { type Asked, type DerivedField, isCall, orAbsent } from './asked.ts';
import { effectDigest } from './effect.ts';
import { hostsOf, hostsOutside } from './hosts.ts';
import { argumentTexts } from './strings.ts';
import { isTooMany, missingArguments, strayArguments, targetsOf } from './targets.ts';

const call = (asked: Asked) => asked.fact.context().call;
const base = { kinds: ['gateway'], level: 'L0' } as const;
const ofLedger = { ...base, source: 'ledger' } as const;
const ofEvent = { ...base, source: 'event' } as const;
const ofGovernance = { kinds: ['governance'], level: 'L0', source: 'event' } as const;

const NEEDS_APPROVAL = new Set(['human-in-the-loop', 'prohibited']);

/** Independent approvers, and how many are needed; undefined where nothing asks for any. */
function approvals(asked: Asked): { readonly given: number; readonly needed: number } | undefined {
  const known = call(asked);
  if (known === null) return undefined;
  const needed = known.quorum ?? (NEEDS_APPROVAL.has(known.tier ?? '') ? 1 : 0);
  return needed === 0 ? undefined : { given: known.approvers.length, needed };
}

/** What a call is, and what it rests on. */
export const CALL_FIELDS: readonly DerivedField[] = [
  {
    ...ofLedger,
    name: 'call.tool',
    type: 'string',
    says: 'Canonical name of the tool.',
    read: (asked) => {
      const tool = asked.fact.event.action?.tool;
      return tool === undefined ? undefined : (asked.inventory.tool(tool)?.tool ?? tool);
    },
  },
  {
    ...ofEvent,
    name: 'call.executed',
    type: 'boolean',
    says: 'Was it let through and did it succeed?',
    read: (asked) => {
      const { action } = asked.fact.event;
      if (action === undefined || !isCall(asked)) return undefined;
      if (action.outcome !== 'ok') return false;
      return action.decision === 'allow' || action.decision === 'modify';
    },
  },
  {
    ...ofLedger,
    name: 'call.ours',
    type: 'boolean',
    says: 'Was it refused by a lease of our own? Only rules that name this field see such calls.',
    read: (asked) => (isCall(asked) ? asked.fact.ours : undefined),
  },
  {
    ...ofLedger,
    level: 'L1',
    name: 'call.argsDigest',
    type: 'string',
    says: 'Digest of the arguments: our own keyed one, else the one the gateway gives.',
    read: ({ fact }) => fact.argsDigest ?? fact.event.action?.argsDigest,
  },
  {
    ...ofLedger,
    level: 'L1',
    name: 'action.effectDigest',
    type: 'string',
    says: 'Digest of tool class and resource, or values: the same effect by another tool collides.',
    read: effectDigest,
  },
  {
    ...ofEvent,
    level: 'L2',
    name: 'call.strings',
    type: 'strings',
    says: 'Every text in the arguments, under whatever key; of more than 4,096 the ends.',
    read: (asked) => argumentTexts(asked)?.map(({ text }) => text),
  },
  {
    ...ofEvent,
    level: 'L2',
    name: 'call.hosts',
    type: 'strings',
    says: 'Hosts of addresses in resource and arguments (URLs, mail, host-like values), at most 4,096.',
    read: hostsOf,
  },
  {
    ...base,
    source: 'library',
    level: 'L2',
    name: 'call.outside',
    type: 'strings',
    says: 'Hosts outside zone and destinations of the tool; absent where none are declared.',
    read: hostsOutside,
  },
  {
    ...base,
    source: 'library',
    level: 'L2',
    name: 'call.inZone',
    type: 'boolean',
    says: 'Do all hosts lie within zone and destinations of the tool? Absent where not all were seen.',
    read: (asked) => {
      const outside = hostsOutside(asked);
      if (outside === undefined) return undefined;
      // What was not looked at may lie anywhere.
      if (outside.length === 0) return asked.memo.left > 0 ? undefined : true;
      return false;
    },
  },
  {
    ...base,
    source: 'library',
    name: 'call.targets',
    type: 'number',
    says: 'Objects it touches: as the gateway says, else the argument the library names.',
    read: targetsOf,
  },
  {
    ...base,
    source: 'library',
    name: 'call.tooMany',
    type: 'boolean',
    says: 'Does it touch more objects than the library allows one call of the tool?',
    read: isTooMany,
  },
  {
    ...base,
    source: 'library',
    level: 'L2',
    name: 'call.strayArguments',
    type: 'strings',
    says: 'Arguments that the tool does not have; absent where the library does not list them.',
    read: strayArguments,
  },
  {
    ...base,
    source: 'library',
    level: 'L2',
    name: 'call.missingArguments',
    type: 'strings',
    says: 'Arguments that every call of the tool has and this one has not.',
    read: missingArguments,
  },
  {
    ...ofLedger,
    name: 'call.planned',
    type: 'boolean',
    says: 'Is the tool a step of the plan that governance declared for the session?',
    read: (asked) => {
      const plan = asked.fact.context().session?.plan;
      const tool = call(asked)?.tool;
      return plan == null || tool === undefined ? undefined : plan.steps.includes(tool);
    },
  },
  {
    ...ofLedger,
    name: 'call.approved',
    type: 'boolean',
    says: 'Do enough others stand for it at that moment? Absent where nothing asks for approval.',
    read: (asked) => {
      const found = approvals(asked);
      return found === undefined ? undefined : found.given >= found.needed;
    },
  },
  {
    ...ofLedger,
    name: 'call.approver',
    type: 'strings',
    says: 'Approvers of approvals that cover it at that moment, the agent itself left out.',
    read: (asked) => call(asked)?.approvers,
  },
  {
    ...ofLedger,
    name: 'call.approvals',
    type: 'number',
    says: 'Independent approvers that cover it at that moment.',
    read: (asked) => call(asked)?.approvers.length,
  },
  {
    ...ofLedger,
    name: 'call.quorum',
    type: 'number',
    says: 'Independent approvals that grant or approval ask for.',
    read: (asked) => orAbsent(call(asked)?.quorum),
  },
  {
    ...ofLedger,
    name: 'call.selfApproved',
    type: 'boolean',
    says: 'Does an approval cover it that the agent gave itself?',
    read: (asked) => call(asked)?.selfApproved,
  },
  {
    ...ofLedger,
    name: 'call.approvalExpired',
    type: 'boolean',
    says: 'Does nobody stand for it any more, though an approval that ran out once covered it?',
    read: (asked) => call(asked)?.approvalExpired,
  },
  {
    ...ofLedger,
    name: 'call.approvalDenied',
    type: 'boolean',
    says: 'Was the last word of governance on an approval for the tool a refusal?',
    read: (asked) => call(asked)?.approvalDenied,
  },
  {
    ...ofLedger,
    name: 'call.grantExpired',
    type: 'boolean',
    says: 'Was its grant over by then? Absent for grants without an end.',
    read: (asked) => orAbsent(call(asked)?.grantExpired),
  },
  {
    ...ofLedger,
    name: 'call.validForMs',
    type: 'number',
    says: 'How long its grant still held, ms; negative where it was over.',
    read: (asked) => orAbsent(call(asked)?.validForMs),
  },
  {
    ...ofLedger,
    level: 'L1',
    name: 'call.deniedAbove',
    type: 'boolean',
    says: 'Was the same call refused to a session above? Absent without one.',
    read: (asked) => orAbsent(call(asked)?.deniedAbove),
  },
  {
    ...ofLedger,
    name: 'call.grantedAbove',
    type: 'boolean',
    says: 'Does the owner of the session above hold the tool? Absent without one.',
    read: (asked) => orAbsent(call(asked)?.grantedAbove),
  },
  {
    ...ofGovernance,
    name: 'approval.self',
    type: 'boolean',
    says: 'Is the agent among those who approve for it?',
    read: ({ fact }) => {
      const { governance } = fact.event;
      if (governance?.change !== 'approval.granted') return undefined;
      const by = governance.approval?.by ?? [governance.actor ?? ''];
      return by.includes(fact.session?.agent ?? fact.agent);
    },
  },
  {
    ...ofGovernance,
    name: 'approval.count',
    type: 'number',
    says: 'Independent approvers of an approval: each once, the agent left out.',
    read: ({ fact }) => {
      const { governance } = fact.event;
      if (governance?.change !== 'approval.granted') return undefined;
      const by = new Set(governance.approval?.by ?? [governance.actor].filter((one) => one));
      by.delete(fact.session?.agent ?? fact.agent);
      return by.size;
    },
  },
];
