/** Fields of the reviewed library: what inventory and governance say of agent and tool. */
import { KINDS } from '../../model/event.ts';
import type { GrantView } from '../../model/event-context.ts';
import { type Asked, type DerivedField, isCall, orAbsent, toolFacts, UNASKED } from './asked.ts';
import { nearMissOf, type Skeleton, skeletonsOf } from './near-miss.ts';

const agent = (asked: Asked) => asked.fact.context().agent;
const ofAgent = { kinds: KINDS, level: 'L0', source: 'ledger' } as const;
const ofCall = { kinds: ['gateway'], level: 'L0' } as const;
const ofTurn = { kinds: ['reasoning'], level: 'L0' } as const;

/** Skeletons by set of grants: a set never changes, and an agent that guesses names asks often. */
const SKELETONS = new WeakMap<object, readonly Skeleton[]>();

/** Names the agent may mean: those it is granted. */
function grantedNames(asked: Asked): readonly Skeleton[] {
  const { grants } = agent(asked);
  if (grants === null) return [];
  let names = SKELETONS.get(grants);
  if (names === undefined) {
    names = skeletonsOf(Object.keys(grants));
    SKELETONS.set(grants, names);
  }
  return names;
}

function grantOf(asked: Asked, tool: string): GrantView | undefined {
  const { grants } = agent(asked);
  return grants !== null && Object.hasOwn(grants, tool) ? grants[tool] : undefined;
}

function isKnown(asked: Asked, tool: string): boolean {
  return asked.inventory.tool(tool) !== null || grantOf(asked, tool) !== undefined;
}

/** Is the model the registered one, or a dated version of it? */
function isSameModel(registered: string, answered: string): boolean {
  const [a, b] = [registered.toLowerCase(), answered.toLowerCase()];
  return a === b || (b.startsWith(`${a}-`) && /^[0-9-]+$/.test(b.slice(a.length + 1)));
}

/** Undefined where no model was registered, or nobody says which one it was. */
function isApproved(registered: string | null, seen: string | undefined): boolean | undefined {
  return registered === null || seen === undefined || seen === ''
    ? undefined
    : isSameModel(registered, seen);
}

function approvedDigest(approved: string | null, seen: string | undefined): boolean | undefined {
  return approved === null || seen === undefined ? undefined : approved === seen;
}

const offered = ({ fact: { event } }: Asked) => event.reasoning?.offered ?? event.action?.offered;

function nearMiss(asked: Asked): string | undefined {
  const tool = asked.fact.event.action?.tool;
  if (tool === undefined || !isCall(asked) || isKnown(asked, tool)) return undefined;
  const { memo } = asked;
  if (memo.near === UNASKED) memo.near = nearMissOf(tool, grantedNames(asked));
  return memo.near;
}

/** What people reviewed. */
export const REFERENCE_FIELDS: readonly DerivedField[] = [
  {
    ...ofAgent,
    name: 'ref.agent.known',
    type: 'boolean',
    says: 'Does governance know the owner at all? Absent where its log began before ours.',
    read: (asked) => {
      const { registered, grants, model } = agent(asked);
      return grants !== null || model !== null ? true : orAbsent(registered);
    },
  },
  {
    ...ofAgent,
    name: 'ref.agent.registered',
    type: 'boolean',
    says: 'Is the owner registered and not retired? Absent where that cannot be told.',
    read: (asked) => orAbsent(agent(asked).registered),
  },
  {
    ...ofAgent,
    name: 'ref.agent.governed',
    type: 'boolean',
    says: 'Did governance ever list the tools of the owner?',
    read: (asked) => agent(asked).grants !== null,
  },
  {
    ...ofAgent,
    name: 'ref.agent.role',
    type: 'string',
    says: 'Role of the owner, as governance gives it.',
    read: ({ fact }) => orAbsent(fact.session?.role ?? fact.role),
  },
  {
    ...ofAgent,
    name: 'ref.agent.model',
    type: 'string',
    says: 'Model the owner was registered with.',
    read: ({ fact }) => orAbsent(fact.model),
  },
  {
    ...ofAgent,
    name: 'ref.agent.sinceReviewMs',
    type: 'number',
    says: 'Milliseconds since the owner was registered or a review of it was completed.',
    read: (asked) => {
      const { reviewedMs } = agent(asked);
      return reviewedMs === null ? undefined : asked.fact.event.time.eventMs - reviewedMs;
    },
  },
  {
    ...ofAgent,
    name: 'ref.window.open',
    type: 'boolean',
    says: 'Is a change window that governance opened open for agent, role or fleet?',
    read: (asked) => asked.fact.context().windowOpen,
  },
  {
    ...ofTurn,
    source: 'ledger',
    name: 'ref.model.approved',
    type: 'boolean',
    says: 'Is the model that answered the registered one, or a dated version of it?',
    read: ({ fact }) => isApproved(fact.model, fact.event.reasoning?.model),
  },
  {
    ...ofCall,
    source: 'ledger',
    name: 'ref.model.named',
    type: 'boolean',
    says: 'Is the model that the gateway names the registered one, or a dated version of it?',
    read: ({ fact }) => isApproved(fact.model, fact.event.action?.model),
  },
  {
    ...ofTurn,
    level: 'L1',
    source: 'ledger',
    name: 'ref.prompt.approved',
    type: 'boolean',
    says: 'Is the digest of the system instructions the one governance approved?',
    read: (asked) =>
      approvedDigest(agent(asked).systemDigest, asked.fact.event.reasoning?.systemDigest),
  },
  {
    ...ofTurn,
    level: 'L1',
    source: 'ledger',
    name: 'ref.offered.approved',
    type: 'boolean',
    says: 'Is the digest of the offered tools the one governance approved?',
    read: (asked) =>
      approvedDigest(
        agent(asked).offeredToolsDigest,
        asked.fact.event.reasoning?.offeredToolsDigest,
      ),
  },
  {
    kinds: ['reasoning', 'gateway'],
    level: 'L1',
    source: 'library',
    name: 'ref.offered.changed',
    type: 'strings',
    says: 'Offered tools whose definition is not the reviewed one.',
    read: (asked) =>
      offered(asked)?.flatMap(({ tool, digest }) => {
        const reviewed = asked.inventory.tool(tool)?.definition;
        return reviewed === undefined || digest === undefined || reviewed === digest ? [] : tool;
      }),
  },
  {
    kinds: ['reasoning', 'gateway'],
    level: 'L0',
    source: 'library',
    name: 'ref.offered.unknown',
    type: 'strings',
    says: 'Offered tools that neither the inventory nor the grants know.',
    read: (asked) => offered(asked)?.flatMap(({ tool }) => (isKnown(asked, tool) ? [] : tool)),
  },
  {
    ...ofTurn,
    source: 'library',
    name: 'ref.intents.unknown',
    type: 'strings',
    says: 'Tools the model announced that neither the inventory nor the grants know.',
    read: (asked) => {
      const { reasoning } = asked.fact.event;
      return reasoning?.intents.flatMap(({ tool }) => (isKnown(asked, tool) ? [] : tool));
    },
  },
  {
    ...ofTurn,
    source: 'ledger',
    name: 'change.unannounced',
    type: 'strings',
    says: 'Of model, prompt and tools those with a value new to the agent that nobody announced.',
    read: ({ fact }) => (fact.event.reasoning === undefined ? undefined : fact.unannounced),
  },
  {
    ...ofCall,
    source: 'library',
    name: 'ref.tool.known',
    type: 'boolean',
    says: 'Do inventory or grants know the tool under this name or an alias?',
    read: (asked) => {
      const tool = asked.fact.event.action?.tool;
      return tool === undefined || !isCall(asked) ? undefined : isKnown(asked, tool);
    },
  },
  {
    ...ofCall,
    source: 'ledger',
    name: 'ref.tool.granted',
    type: 'boolean',
    says: 'Did the owner hold the tool then? Absent where its tools were never listed.',
    read: ({ fact }) => orAbsent(fact.granted),
  },
  {
    ...ofCall,
    source: 'library',
    name: 'ref.tool.class',
    type: 'string',
    says: 'Reach of the tool: read, write, execute, communicate, spend.',
    read: (asked) => asked.fact.toolClass ?? toolFacts(asked)?.class,
  },
  {
    ...ofCall,
    source: 'library',
    name: 'ref.tool.tier',
    type: 'string',
    says: 'How freely it may be used: as the grant says, else the inventory.',
    read: (asked) => asked.fact.context().call?.tier ?? toolFacts(asked)?.tier,
  },
  {
    ...ofCall,
    source: 'library',
    name: 'ref.tool.reversible',
    type: 'boolean',
    says: 'Can what a call did be undone without loss?',
    read: (asked) => toolFacts(asked)?.reversible,
  },
  {
    ...ofCall,
    source: 'library',
    name: 'ref.tool.route',
    type: 'string',
    says: 'Where its calls run: gateway, local, provider.',
    read: (asked) => toolFacts(asked)?.route,
  },
  {
    ...ofCall,
    source: 'library',
    name: 'ref.tool.polling',
    type: 'boolean',
    says: 'Is calling it again and again its normal use?',
    read: (asked) => toolFacts(asked)?.polling,
  },
  {
    ...ofCall,
    source: 'library',
    name: 'ref.tool.sensitivity',
    type: 'string',
    says: 'Class of what it reads or holds: public, internal, confidential, sealed.',
    read: (asked) => toolFacts(asked)?.sensitivity,
  },
  {
    ...ofCall,
    level: 'L1',
    source: 'library',
    name: 'ref.tool.definitionChanged',
    type: 'boolean',
    says: 'Is the definition the call was made by another than the reviewed one?',
    read: (asked) => {
      const reviewed = toolFacts(asked)?.definition;
      const used = asked.fact.event.action?.definitionDigest;
      return reviewed === undefined || used === undefined ? undefined : reviewed !== used;
    },
  },
  {
    ...ofCall,
    source: 'ledger',
    name: 'ref.tool.nearMiss',
    type: 'string',
    says: 'Granted tool that the unknown name all but is: two edits, or letters that look alike.',
    read: nearMiss,
  },
  {
    ...ofCall,
    source: 'ledger',
    name: 'ref.tool.nearMissClass',
    type: 'string',
    says: 'Reach of the granted tool that the unknown name all but is.',
    read: (asked) => {
      const near = nearMiss(asked);
      if (near === undefined) return undefined;
      return grantOf(asked, near)?.class ?? asked.inventory.tool(near)?.class;
    },
  },
];
