/** Fields of agent, session and time, as the ledger knows them. */
import { KINDS } from '../../model/event.ts';
import { tierOf } from '../../model/identity.ts';
import { type Asked, type DerivedField, orAbsent } from './asked.ts';

const session = (asked: Asked) => asked.fact.context().session;
const all = { kinds: KINDS, level: 'L0' } as const;
const ledger = { ...all, source: 'ledger' } as const;

/** Who and where. */
export const SESSION_FIELDS: readonly DerivedField[] = [
  {
    ...ledger,
    name: 'agent.id',
    type: 'string',
    says: 'Agent of the record; a record that names none counts under its source.',
    read: ({ fact }) => fact.agent,
  },
  {
    ...ledger,
    name: 'agent.role',
    type: 'string',
    says: 'Role of session or agent as governance gives it.',
    read: ({ fact }) => orAbsent(fact.role),
  },
  {
    ...all,
    source: 'event',
    name: 'agent.tier',
    type: 'number',
    says: 'How far its identity is believed: 4 checked, 3 key, 2 platform, 1 said by itself.',
    read: ({ fact: { event } }) =>
      event.agent === undefined ? undefined : tierOf(event.agent.basis, event.src.trust),
  },
  {
    ...ledger,
    name: 'agent.alsoNamed',
    type: 'string',
    says: 'Another known agent that the record names too: two of its identities are of two agents.',
    read: ({ fact }) =>
      fact.event.agent?.claims === undefined
        ? undefined
        : orAbsent(fact.context().otherAgent?.agent ?? null),
  },
  {
    ...ledger,
    name: 'agent.alsoNamedBy',
    type: 'string',
    says: 'What that other identity rests on, for example jwt, key, self.',
    read: ({ fact }) =>
      fact.event.agent?.claims === undefined
        ? undefined
        : orAbsent(fact.context().otherAgent?.basis ?? null),
  },
  {
    ...ledger,
    name: 'session.agent',
    type: 'string',
    says: 'Owner of the session: as governance opened it, else the first agent seen in it.',
    read: ({ fact }) => fact.session?.agent,
  },
  {
    ...ledger,
    name: 'session.foreign',
    type: 'boolean',
    says: 'Is the agent of the record another than the owner of the session?',
    read: ({ fact }) => (fact.session === null ? undefined : fact.session.agent !== fact.agent),
  },
  {
    ...ledger,
    name: 'session.opened',
    type: 'boolean',
    says: 'Did governance open the session before this event?',
    read: ({ fact }) => (fact.session === null ? undefined : fact.session.openedMs !== null),
  },
  {
    ...ledger,
    name: 'session.closed',
    type: 'boolean',
    says: 'Did governance close the session before this event?',
    read: ({ fact }) => (fact.session === null ? undefined : fact.session.closedMs !== null),
  },
  {
    ...ledger,
    name: 'session.ageMs',
    type: 'number',
    says: 'Milliseconds since governance opened the session.',
    read: ({ fact }) =>
      fact.session?.openedMs == null ? undefined : fact.event.time.eventMs - fact.session.openedMs,
  },
  {
    ...ledger,
    name: 'session.parent',
    type: 'string',
    says: 'Session that spawned it: as governance says, else as the record does.',
    read: ({ fact }) => fact.session?.parent ?? fact.event.session?.parent,
  },
  {
    ...ledger,
    name: 'session.parentKnown',
    type: 'boolean',
    says: 'Is the session that governance names as its parent known? Absent without one.',
    read: (asked) => orAbsent(session(asked)?.parentKnown),
  },
  {
    ...ledger,
    name: 'session.root',
    type: 'string',
    says: 'Root of the delegation tree; the session itself where nobody spawned it.',
    read: (asked) => session(asked)?.root,
  },
  {
    ...ledger,
    name: 'session.depth',
    type: 'number',
    says: 'Generations between root and session; 0 for the root.',
    read: (asked) => session(asked)?.depth,
  },
  {
    ...ledger,
    name: 'session.tooDeep',
    type: 'boolean',
    says: 'Does the depth exceed what governance declared for the agent? Absent where it did not.',
    read: (asked) => {
      const { maxDepth } = asked.fact.context().agent;
      const depth = session(asked)?.depth;
      return maxDepth === null || depth === undefined ? undefined : depth > maxDepth;
    },
  },
  {
    ...ledger,
    name: 'session.children',
    type: 'number',
    says: 'Sessions that governance opened under it so far.',
    read: (asked) => session(asked)?.children,
  },
  {
    ...ledger,
    name: 'session.tooWide',
    type: 'boolean',
    says: 'Did it spawn more than governance declared for the agent? Absent where it did not.',
    read: (asked) => {
      const { maxFanOut } = asked.fact.context().agent;
      const children = session(asked)?.children;
      return maxFanOut === null || children === undefined ? undefined : children > maxFanOut;
    },
  },
  {
    ...ledger,
    name: 'session.principal',
    type: 'string',
    says: 'For whom the session runs, as governance says.',
    read: (asked) => orAbsent(session(asked)?.principal),
  },
  {
    ...ledger,
    name: 'session.taskType',
    type: 'string',
    says: 'Class of the task, as governance opened it.',
    read: (asked) => orAbsent(session(asked)?.taskType),
  },
  {
    ...ledger,
    name: 'session.mode',
    type: 'string',
    says: 'Mode of the session, as governance opened it, for example dry-run.',
    read: (asked) => orAbsent(session(asked)?.mode),
  },
  {
    ...ledger,
    name: 'session.mandated',
    type: 'boolean',
    says: 'Did governance state what the session is to do?',
    read: (asked) => session(asked)?.mandated,
  },
  {
    ...ledger,
    name: 'session.planBinding',
    type: 'boolean',
    says: 'Must the plan that governance declared for it be followed? Absent without a plan.',
    read: (asked) => session(asked)?.plan?.binding,
  },
  {
    ...ledger,
    name: 'session.blind',
    type: 'strings',
    says: 'Books known to have been blind during the session so far.',
    read: ({ fact }) => fact.session?.blind,
  },
  {
    ...all,
    source: 'event',
    name: 'derived.hour',
    type: 'number',
    says: 'Hour of the event time, 0 to 23, UTC.',
    read: ({ fact }) => Math.floor((((fact.event.time.eventMs / 3_600_000) % 24) + 24) % 24),
  },
  {
    ...all,
    source: 'event',
    name: 'derived.weekday',
    type: 'number',
    says: 'Day of the week of the event time, 1 (Monday) to 7, UTC.',
    // 1 January 1970 was a Thursday.
    read: ({ fact }) =>
      ((((Math.floor(fact.event.time.eventMs / 86_400_000) + 3) % 7) + 7) % 7) + 1,
  },
  {
    ...ledger,
    name: 'derived.late',
    type: 'boolean',
    says: 'Did the record come later than its source may be late?',
    read: ({ fact }) => fact.late,
  },
  {
    ...all,
    source: 'event',
    name: 'derived.lagMs',
    type: 'number',
    says: 'Milliseconds from the event to its arrival; negative where the clock of its source is ahead.',
    read: ({ fact: { event } }) => event.time.observedMs - event.time.eventMs,
  },
  {
    source: 'event',
    kinds: ['reasoning'],
    level: 'L0',
    name: 'derived.contextAgeMs',
    type: 'number',
    says: 'Age of the oldest part of the context that the model was given, ms.',
    read: ({ fact }) => {
      const context = fact.event.reasoning?.context;
      if (context === undefined) return undefined;
      const ages = (context.documents ?? []).flatMap(({ ageMs }) => ageMs ?? []);
      if (context.ageMs !== undefined) ages.push(context.ageMs);
      return ages.length === 0 ? undefined : ages.reduce((a, b) => Math.max(a, b));
    },
  },
  {
    source: 'event',
    kinds: ['reasoning'],
    level: 'L0',
    name: 'derived.memory',
    type: 'string',
    says: 'Which memory: its store, where one is named, and its id; absent without an id.',
    read: ({ fact: { event } }) => {
      const memory = event.reasoning?.memory;
      // A name of a store may hold any character, so its length goes before it.
      return memory?.id === undefined
        ? undefined
        : `${memory.store?.length ?? '-'}:${memory.store ?? ''}/${memory.id}`;
    },
  },
  {
    source: 'event',
    kinds: ['reasoning'],
    level: 'L0',
    name: 'derived.memoryAgeMs',
    type: 'number',
    says: 'Milliseconds since the memory that was used was written; absent where nobody says when.',
    read: ({ fact: { event } }) => {
      const writtenMs = event.reasoning?.memory?.writtenMs;
      return writtenMs === undefined ? undefined : event.time.eventMs - writtenMs;
    },
  },
];
