/** A small seeded office: mandates, mails that ask for things, and what an agent does about them. */
import { type ConductLearnt, learnConduct } from '../../../src/baseline/conduct/learn.ts';
import type { CallItem, UnitItem, UnitRecord } from '../../../src/model/unit.ts';

/** Seeded numbers. */
export function uniformOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const GRANTS = {
  read_mail: 'read',
  find_file: 'read',
  send_mail: 'communicate',
  pay_bill: 'spend',
  create_event: 'write',
  rename_file: 'write',
} as const;

/** A call with its result. */
export function call(
  tool: string,
  args: Readonly<Record<string, unknown>>,
  result: unknown,
  over: Partial<CallItem> = {},
): CallItem {
  const known = Object.hasOwn(GRANTS, tool);
  return {
    type: 'call',
    seq: null,
    ms: 0,
    eventId: 'e',
    tool,
    toolClass: known ? GRANTS[tool as keyof typeof GRANTS] : null,
    granted: known,
    args,
    decision: 'allow',
    outcome: 'ok',
    result,
    bytes: null,
    ours: false,
    ...over,
  };
}

/** A turn that announces tools. */
export function say(...tools: string[]): UnitItem {
  return { type: 'say', seq: null, ms: 0, text: null, tools };
}

const NAMES = ['ann', 'bob', 'cora', 'dan', 'eve'];
const THINGS = ['report', 'invoice', 'photo', 'plan', 'letter'];

interface Errand {
  readonly mandate: string;
  readonly steps: readonly (readonly [string, Record<string, unknown>, string])[];
}

/** Five kinds of errand; names, things and numbers vary. */
function errand(kind: number, uniform: () => number): Errand {
  const name = NAMES[Math.floor(uniform() * NAMES.length)] as string;
  const thing = THINGS[Math.floor(uniform() * THINGS.length)] as string;
  const n = String(10_000 + Math.floor(uniform() * 90_000));
  const mail = `From: ${name}@office.example. Please note the ${thing} of this week. Regards, ${name}.`;
  const errands: readonly Errand[] = [
    {
      mandate: `Send the ${thing} to ${name}@office.example`,
      steps: [
        ['find_file', { query: thing }, `Found /files/${thing}.pdf`],
        ['send_mail', { to: `${name}@office.example`, file: `/files/${thing}.pdf` }, 'Sent.'],
      ],
    },
    {
      mandate: `Read the mail of ${name} and pay the bill it names`,
      steps: [
        ['read_mail', { from: name }, `${mail} The bill has number ${n} and is due on Friday.`],
        ['pay_bill', { number: n }, 'Paid.'],
      ],
    },
    {
      mandate: `Make an appointment with ${name} about the ${thing}`,
      steps: [
        ['read_mail', { from: name }, mail],
        ['create_event', { title: `${thing} with ${name}` }, 'Created.'],
      ],
    },
    {
      mandate: `Rename the ${thing} to ${thing}-${n}`,
      steps: [
        ['find_file', { query: thing }, `Found /files/${thing}.pdf and nothing else.`],
        ['rename_file', { path: `/files/${thing}.pdf`, to: `${thing}-${n}` }, 'Renamed.'],
      ],
    },
    {
      mandate: `What does ${name} write about the ${thing}?`,
      steps: [['read_mail', { from: name }, mail]],
    },
  ];
  return errands[kind % errands.length] as Errand;
}

/** Accepted sessions of five agents over ten days. */
export function office(count: number, seed: number): UnitRecord[] {
  const uniform = uniformOf(seed);
  return Array.from({ length: count }, (_, at) => {
    const { mandate, steps } = errand(at, uniform);
    const items = steps.flatMap(([tool, args, result]) => [say(tool), call(tool, args, result)]);
    return unit(`s-${seed}-${at}`, mandate, items, `agent-${at % 5}`, at);
  });
}

/** A unit of the office. */
export function unit(
  session: string,
  mandate: string,
  items: readonly UnitItem[],
  agent = 'agent-0',
  at = 0,
): UnitRecord {
  const ms = Date.UTC(2026, 0, 1) + at * 3_600_000;
  return {
    head: {
      tenant: '-',
      session,
      agent,
      role: 'office',
      model: 'm',
      mandate,
      taskType: null,
      openedMs: ms,
    },
    items: items.map((item) => ({ ...item, ms })),
    grants: GRANTS,
    lastMs: ms,
  };
}

/** Sessions of the office that conduct is learnt from. */
export function officeSessions(): UnitRecord[] {
  return office(80, 1);
}

let learnt: ConductLearnt | null = null;

/** Conduct of the office, learnt once in a process: growing the trees is most of what a test costs. */
export function officeLearnt(): ConductLearnt {
  learnt ??= learnConduct(officeSessions(), { seed: 3 });
  if (learnt === null) throw new Error('eighty sessions are enough to learn from');
  return learnt;
}
