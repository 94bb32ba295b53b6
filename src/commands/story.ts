/** Story fleets of `simulate`: roles, rates, changes and days, as the options say. */
import { CHANGE_KINDS, type Change, type ChangeKind, planChanges } from '../simulation/changes.ts';
import { DEEDS, type Purpose } from '../simulation/deeds.ts';
import type { FleetOptions } from '../simulation/fleet-options.ts';
import { agentsOf } from '../simulation/population.ts';
import type { RoleSpec } from '../simulation/role.ts';
import { ROLES } from '../simulation/roles.ts';
import { STORY_ROLES } from '../simulation/story-roles.ts';
import { type Given, type OptionSpec, usage } from './arguments.ts';

/** Options of story fleets. */
export const STORY_OPTIONS: OptionSpec = {
  roles: 'value',
  days: 'value',
  'learn-days': 'value',
  rates: 'value',
  changes: 'value',
  rho: 'value',
  poison: 'value',
  labels: 'value',
};

/** Milliseconds of a day. */
export const DAY_MS = 86_400_000;

/** What the options say of a story. */
export interface Story {
  /** Days to write; null where the fleet runs on. */
  readonly days: number | null;
  /** Days to learn from, written apart; null where nothing is. */
  readonly learnDays: number | null;
  /** Roles, temperament and seasons: what both periods share. */
  readonly shared: Partial<FleetOptions>;
  readonly rates: Readonly<Partial<Record<Purpose, number>>>;
  readonly changes: Readonly<Partial<Record<ChangeKind, number>>>;
  /** Share of sessions of the learning days that are planted to be learnt. */
  readonly poison: number;
}

/** Shares of sessions where none are named: each deed of one session, and more that are resisted. */
const RATES: Readonly<Partial<Record<Purpose, number>>> = {
  'tool-sweep': 0.004,
  'exfiltration-volume': 0.004,
  'cost-spiral': 0.004,
  'retry-loop': 0.004,
  'mandate-mismatch': 0.004,
  'foreign-argument': 0.015,
  'injection-attempted': 0.004,
  'injection-resisted': 0.03,
  'source-tampering': 0.004,
  'delegation-abuse': 0.001,
};

const PURPOSES = Object.keys(DEEDS) as Purpose[];

/** What of the name a list may contain: `a=1,b=2`, `none`, or `all` where `every` is given. */
function pairs<K extends string>(
  option: string,
  text: string,
  known: readonly K[],
  check: (value: number) => boolean,
  every: number | null,
): Partial<Record<K, number>> {
  if (text === 'none') return {};
  if (text === 'all' && every !== null)
    return Object.fromEntries(known.map((name) => [name, every])) as Partial<Record<K, number>>;
  const found: Partial<Record<K, number>> = {};
  for (const part of text.split(',')) {
    const [name = '', value = ''] = part.split('=').map((each) => each.trim());
    const kind = known.find((each) => each === name);
    const number = value === '' ? Number.NaN : Number(value);
    if (kind === undefined)
      throw usage(`--${option} names ${JSON.stringify(name)}; possible: ${known.join(', ')}`);
    if (!check(number))
      throw usage(`--${option}: ${name}=${JSON.stringify(value)} is no such value`);
    found[kind] = number;
  }
  return found;
}

/** Roles by name: `stories`, `all`, or a list of names. CONFIG_INVALID on an unknown one. */
export function rolesOf(text: string): readonly RoleSpec[] {
  if (text === 'stories') return STORY_ROLES;
  if (text === 'all') return [...ROLES, ...STORY_ROLES];
  const known = [...ROLES, ...STORY_ROLES];
  return text.split(',').map((part) => {
    const role = known.find(({ name }) => name === part.trim());
    if (role !== undefined) return role;
    const names = ['stories', 'all', ...known.map(({ name }) => name)].join(', ');
    throw usage(`--roles names ${JSON.stringify(part.trim())}; possible: ${names}`);
  });
}

function shareOf(option: string, text: string): number {
  const share = text === '' ? Number.NaN : Number(text);
  if (!(share >= 0 && share <= 1)) throw usage(`--${option} is a number from 0 to 1`);
  return share;
}

/** The story the options tell; null where none of them is given. CONFIG_INVALID on mistakes. */
export function storyOf(given: Given): Story | null {
  const days = given.count('days', 1) ?? null;
  const learnDays = given.count('learn-days', 1) ?? null;
  const named = ['roles', 'rates', 'changes', 'rho', 'poison'].some(
    (option) => given.value(option) !== undefined,
  );
  if (days === null && learnDays === null && !named) return null;
  if (learnDays !== null && days === null)
    throw usage('--learn-days needs --days N, the days to be scored after them');
  if (given.value('changes') !== undefined && days === null)
    throw usage('--changes needs --days N, to say when they may happen');
  if (given.value('poison') !== undefined && learnDays === null)
    throw usage('--poison needs --learn-days N: it plants sessions among what is learnt');
  const rates = given.value('rates');
  const isShare = (value: number) => value >= 0 && value <= 1;
  const chosen = rates === undefined ? RATES : pairs('rates', rates, PURPOSES, isShare, null);
  const sum = Object.values(chosen).reduce((total, rate) => total + rate, 0);
  if (sum > 1) throw usage('--rates are shares of all sessions: together at most 1');
  const rho = shareOf('rho', given.value('rho') ?? '0.6');
  return {
    days,
    learnDays,
    shared: {
      roles: rolesOf(given.value('roles') ?? 'stories'),
      temper: { rho },
      // Without days the fleet is watched as it runs, and a night would only be dull.
      ...(days === null ? {} : { seasons: true }),
    },
    rates: chosen,
    changes: pairs('changes', given.value('changes') ?? 'none', CHANGE_KINDS, Number.isInteger, 1),
    poison: shareOf('poison', given.value('poison') ?? '0'),
  };
}

/** The fleet's part of the options for the scored period that begins at `startMs`. */
export function scoredPart(
  story: Story,
  seed: string,
  agents: number,
  startMs: number,
): Partial<FleetOptions> {
  if (story.days === null) return { ...story.shared, rates: story.rates };
  const untilMs = startMs + story.days * DAY_MS;
  const wishes = { counts: story.changes, fromMs: startMs, toMs: untilMs };
  const members = [...agentsOf(agents, story.shared.roles)];
  const changes: Change[] = planChanges(seed, members, wishes);
  const period = story.learnDays === null ? {} : { period: 'score/' };
  return { ...story.shared, ...period, rates: story.rates, changes, untilMs };
}

/** The same for the days to learn from: sound sessions, and those planted on purpose. */
export function learntPart(story: Story, startMs: number): Partial<FleetOptions> {
  const days = story.learnDays ?? 0;
  const rates = story.poison > 0 ? { 'poisoned-window': story.poison } : {};
  return { ...story.shared, badShare: 0, rates, untilMs: startMs + days * DAY_MS };
}
