/** Truth table: every driver against everything its target may do, by the real executor. */
import { COUNTERPARTS } from '../act/counterparts/all.ts';
import type { Counterpart, Lie, StartCounterpart } from '../act/counterparts/counterpart.ts';
import { startWebhook } from '../act/counterparts/webhook.ts';
import { type ClosedLoop, type LeaseStory, startClosedLoop, TTL_MS } from '../sim/closed-loop.ts';

/** Something a target may do: what it is told to do when. */
interface Scenario {
  readonly name: string;
  readonly says: string;
  /** Null where this target cannot do that. */
  readonly script: (target: Counterpart, loop: ClosedLoop) => Script | null;
}
/** By time since the beginning, ms; each entry is carried out once. */
type Script = readonly (readonly [atMs: number, act: () => Promise<void>])[];

const SECOND = 1_000;
/** Before its lease ends a target is honest again, so that the end can be seen. */
const END_MS = TTL_MS - 10 * SECOND;

/** Lies from the beginning until `untilMs`; null where the target cannot tell that lie. */
const lying = (lie: Lie, untilMs: number) => (target: Counterpart) =>
  target.lies.includes(lie)
    ? ([
        [0, () => target.lie(lie)],
        [untilMs, () => target.lie('honest')],
      ] as const)
    : null;

function reverting({ revert }: Counterpart): Script | null {
  if (revert === undefined) return null;
  return Array.from({ length: 12 }, (_, n) => [(60 + 10 * n) * SECOND, revert] as const);
}

/** Everything a target may do, in the order of the table. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'works', says: 'does what it is told at once', script: () => [] },
  {
    name: 'works unseen',
    says: 'does what it is told, and the agent calls nothing',
    script: (_, { silence }) => [[0, silence]],
  },
  {
    name: 'slow',
    says: 'answers after the time-out for 5 s, having done it',
    script: lying('slow', 5 * SECOND),
  },
  { name: 'refuses', says: 'HTTP 403, for good', script: lying('refuse', END_MS) },
  { name: 'ignores', says: 'says done, does nothing', script: lying('ignore', END_MS) },
  {
    name: 'serves on 60 s',
    says: 'does it; calls go on as before for 60 s, from a cache',
    script: lying('serve-on', 60 * SECOND),
  },
  {
    name: 'serves on',
    says: 'does it; calls go on as before, for good',
    script: lying('serve-on', END_MS),
  },
  {
    name: 'loses reply',
    says: 'does it; the answers of the first 2 s are lost',
    script: lying('lose-reply', 2 * SECOND),
  },
  {
    name: 'reverts',
    says: 'does it; after 60 s somebody puts back what stood, every 10 s',
    script: reverting,
  },
  {
    name: 'reverts unseen',
    says: 'the same, and the agent calls nothing from then on',
    script: (target, { silence }) => {
      const script = reverting(target);
      return script === null ? null : [[55 * SECOND, silence], ...script];
    },
  },
  {
    name: 'approval pending',
    says: 'HTTP 202: a person on its side must agree, and does not',
    script: lying('approval', END_MS),
  },
  { name: 'recovers', says: 'HTTP 503 for 45 s, then works', script: lying('fail', 45 * SECOND) },
  { name: 'is down', says: 'HTTP 503, for good', script: lying('fail', END_MS) },
];

/** What one target came to in one scenario. */
export interface Row {
  readonly driver: string;
  readonly scenario: string;
  readonly first: LeaseStory;
  /** Can its target be asked whether it holds? */
  readonly isAsked: boolean;
  /** The lease of the next driver of the chain; null where nobody asked for one. */
  readonly next: LeaseStory | null;
  readonly through: number;
  readonly all: number;
  /** True where the subject is free again after the lease's time; null where it never is to be. */
  readonly freed: boolean | null;
}

/** Name of the driver that comes after the one in question: an honest webhook. */
const NEXT = 'next';

/** One cell; null where this target cannot do that. */
export async function cellOf(
  driver: string,
  start: StartCounterpart,
  { name, script }: Scenario,
): Promise<Row | null> {
  const { loop, target, asked } = await starting({ [driver]: start, [NEXT]: startWebhook }, driver);
  try {
    const steps = script(target, loop);
    if (steps === null) return null;
    // What it does from the beginning it does before it is asked for anything.
    for (const [atMs, act] of steps) if (atMs === 0) await act();
    await loop.begin(asked.verb, asked.subject);
    const later = steps.filter(([atMs]) => atMs > 0);
    await play(loop, later, TTL_MS - 5 * SECOND);
    const [first, next = null] = await loop.leases();
    if (first === undefined) throw new Error('no lease was asked for');
    const { through, all } = loop.calls();
    await loop.run(60 * SECOND);
    const isFinal = target.driver.capabilities().irreversible.includes(asked.verb);
    const freed = isFinal ? null : await loop.free();
    const isAsked = target.driver.readBack !== undefined;
    return { driver, scenario: name, first, isAsked, next, through, all, freed };
  } finally {
    await loop.close();
  }
}

/** A loop whose every verb is carried out by the targets in the order they are named. */
async function starting(starts: Readonly<Record<string, StartCounterpart>>, driver: string) {
  const chain = Object.keys(starts);
  const verbs = ['posture', 'freeze_tool', 'revoke_session', 'suspend_agent'] as const;
  const chains = Object.fromEntries(verbs.map((verb) => [verb, chain]));
  const loop = await startClosedLoop(starts, chains);
  const target = loop.targets.get(driver);
  if (target === undefined) throw new Error(`no target ${driver}`);
  return { loop, target, asked: target.intention('L1') };
}

async function play(loop: ClosedLoop, steps: Script, ms: number): Promise<void> {
  const left = [...steps].sort(([one], [other]) => one - other);
  await loop.run(ms, async (sinceMs) => {
    while ((left[0]?.[0] ?? Number.POSITIVE_INFINITY) <= sinceMs) await left.shift()?.[1]();
  });
}

/** Every driver in every scenario, in the order of the table. */
export async function truthTable(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const scenario of SCENARIOS)
    for (const [driver, start] of Object.entries(COUNTERPARTS).sort()) {
      const row = await cellOf(driver, start, scenario);
      if (row !== null) rows.push(row);
    }
  return rows;
}

/** A chain of several targets, and what is said of it. */
export interface Story {
  readonly says: string;
  /** Targets by the name in the chain, and what the first of them does. */
  readonly starts: Readonly<Record<string, StartCounterpart>>;
  readonly lie: Lie;
  readonly chains: Parameters<typeof startClosedLoop>[1];
}

/** What came of a story. */
export interface Told {
  readonly says: string;
  readonly leases: readonly LeaseStory[];
  readonly decisions: readonly string[];
  readonly through: number;
  readonly all: number;
  readonly freed: boolean;
}

/** Along the chain of a rung, and from its end to the next rung. */
export const STORIES: readonly Story[] = [
  {
    says: 'The proxy goes on serving a blocked key; the next driver of the same rung suspends the sandbox.',
    starts: { litellm: COUNTERPARTS.litellm, kubernetes: COUNTERPARTS.kubernetes },
    lie: 'serve-on',
    chains: { suspend_agent: ['litellm', 'kubernetes'] },
  },
  {
    says: 'The gateway says frozen and freezes nothing, and is the only driver of its rung: the next rung is asked for.',
    starts: { contextforge: COUNTERPARTS.contextforge, kubernetes: COUNTERPARTS.kubernetes },
    lie: 'ignore',
    chains: { freeze_tool: ['contextforge'], suspend_agent: ['kubernetes'] },
  },
  {
    says: 'The gateway refuses, and is the only driver of its rung: the next rung is asked for.',
    starts: { contextforge: COUNTERPARTS.contextforge, kubernetes: COUNTERPARTS.kubernetes },
    lie: 'refuse',
    chains: { freeze_tool: ['contextforge'], suspend_agent: ['kubernetes'] },
  },
  {
    says: 'Nobody is left: the last driver of the highest rung goes on serving, and people are called.',
    starts: { litellm: COUNTERPARTS.litellm },
    lie: 'serve-on',
    chains: { suspend_agent: ['litellm'] },
  },
];

/** Plays a story: the first target of it lies until shortly before the end. */
export async function tell({ says, starts, lie, chains }: Story): Promise<Told> {
  const loop = await startClosedLoop(starts, chains);
  try {
    const [first] = loop.targets.values();
    if (first === undefined) throw new Error('a story needs a target');
    const { verb, subject } = first.intention('L1');
    await first.lie(lie);
    await loop.begin(verb, subject);
    await play(loop, [[END_MS, () => first.lie('honest')]], TTL_MS - 5 * SECOND);
    const leases = await loop.leases();
    const { through, all } = loop.calls();
    // Whoever came second stands as long as anybody: its time is counted from when it was asked for.
    await loop.run(TTL_MS + 60 * SECOND);
    return { says, leases, decisions: loop.decisions, through, all, freed: await loop.free() };
  } finally {
    await loop.close();
  }
}
