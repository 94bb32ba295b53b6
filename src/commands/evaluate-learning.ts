/** Evaluation of learning: planted sessions at the gate, slow drift and the ledger. */
import { DIMENSIONS, REGISTRY } from '../baseline/dimensions.ts';
import { type Firing, type GateUnit, gate } from '../baseline/gate.ts';
import { type LearnOptions, learnProfile } from '../baseline/learn.ts';
import { driftBits, LEDGER_CAP_BITS, ledgerAfter, ledgerRecord } from '../baseline/ledger.ts';
import type { Profile } from '../baseline/profile.ts';
import { ledgerSteps } from '../baseline/review.ts';
import { byRole } from '../evaluation/recordings/contest.ts';
import type { Goal } from '../evaluation/recordings/goals.ts';
import { isWithin } from '../evaluation/recordings/stories.ts';
import { markdown } from '../evaluation/recordings/table.ts';
import type { UnitRecord } from '../model/unit.ts';
import { type Period, writeFleet } from './evaluate-fleet.ts';
import type { AtTheGate } from './evaluate-replay.ts';
import type { Bench, Section } from './evaluate-section.ts';
import { unitsIn } from './evaluate-units.ts';

const OPTIONS: LearnOptions = { rehearsal: null, seed: 1 };
/** Shares of the learning sessions that are planted; nothing, to see what the gate costs. */
const SHARES = [0, 0.01, 0.02, 0.05] as const;
/** The same with a stranger for each session, which nobody promised to keep out: 2 % and 5 %. */
const MANY_STRANGERS = [0.02, 0.05] as const;
const EXCLUDED_MIN = 0.95;
/** The most sound sessions the gate may cost where nothing is planted. */
const LOST_MAX = 0.005;
const POISONED = { agents: 12, days: '10' };
const DRIFTING = { agents: 10, days: '28', stepDays: 4 };
const DAY_MS = 86_400_000;

interface Planted {
  readonly share: number;
  readonly manyStrangers: boolean;
  readonly sessions: number;
  readonly planted: number;
  readonly kept: number;
  /** Sound sessions that stayed out with them. */
  readonly lost: number;
}

/** Plants sessions among those to learn from, and counts which of them get into a role's profile. */
export async function poisonStory(dir: string, bench: Bench): Promise<Section> {
  const found: Planted[] = [];
  const fleets = [
    ...SHARES.map((share) => ({ share, manyStrangers: false })),
    ...MANY_STRANGERS.map((share) => ({ share, manyStrangers: true })),
  ];
  for (const { share, manyStrangers } of fleets) {
    bench.output.progress(`stories: ${100 * share} % of the learning sessions are planted`);
    const options = ['--learn-days', POISONED.days, '--days', '1', '--poison', String(share)];
    const { learn } = await writeFleet(`${dir}/${share}-${manyStrangers}`, {
      ...{ agents: POISONED.agents, seed: `${bench.seed}/poison`, options },
      learning: { manyStrangers },
    });
    const bad = new Set(
      learn.labels.filter(({ kind }) => kind === 'poisoned-window').map(({ session }) => session),
    );
    const units = await unitsIn(learn.dir, bench.library);
    const out = new Set(excludedFrom(units));
    const learnt = units.filter(({ items }) => items.some(({ type }) => type === 'call'));
    const planted = learnt.filter(({ head }) => bad.has(head.session));
    found.push({
      ...{ share, manyStrangers },
      sessions: learnt.length,
      planted: planted.length,
      kept: planted.filter(({ head }) => !out.has(head.session)).length,
      lost: learnt.filter(({ head }) => !bad.has(head.session) && out.has(head.session)).length,
    });
  }
  return {
    goals: found.filter(({ manyStrangers }) => !manyStrangers).map(genesisGoal),
    texts: {
      poison: markdown(
        [
          ...['planted share', 'stranger', 'sessions', 'planted'],
          ...['excluded', 'sound sessions excluded too'],
        ],
        found.map(({ share, manyStrangers, sessions, planted, kept, lost }) => [
          `${100 * share} %`,
          share === 0 ? 'none' : manyStrangers ? 'another each time' : 'the same',
          ...[sessions, planted, planted - kept, lost].map(String),
        ]),
        2,
      ),
    },
    figures: { poison: found },
  };
}

function genesisGoal({ share, sessions, planted, kept, lost }: Planted): Goal {
  if (share > 0)
    return {
      what: 'planted sessions excluded from what is promoted',
      where: `genesis, ${100 * share} % planted`,
      wanted: `≥ ${100 * EXCLUDED_MIN} %`,
      measured: `${planted - kept} of ${planted}`,
      isMet: planted > 0 && planted - kept >= EXCLUDED_MIN * planted,
    };
  return {
    what: 'sound sessions excluded where nothing is planted',
    where: 'genesis',
    wanted: `≤ ${100 * LOST_MAX} %, chance allowed for (p ≥ .05)`,
    measured: `${lost} of ${sessions} (${((100 * lost) / Math.max(1, sessions)).toFixed(2)} %)`,
    isMet: sessions > 0 && isWithin({ name: '', sessions, alerted: lost }, LOST_MAX),
  };
}

/** A window that is open for a declared change, and what an attacker planted in it. */
export function windowPart(period: Period, { units, firings }: AtTheGate): Section {
  const changed = new Map(period.changes.map(({ agent, atMs }) => [agent, atMs]));
  const bad = new Set(
    period.labels.filter(({ kind }) => kind === 'poisoned-window').map(({ session }) => session),
  );
  // Planted or sound, what counts is what its window would let in.
  const own = units.filter(({ session, agent }) => {
    const atMs = changed.get(agent);
    return atMs !== undefined && (period.startMs.get(session) ?? 0) >= atMs;
  });
  const ranked = own.map((unit) => ({ ...unit, foreignBits: null }));
  const byRank = excludedAmong(ranked, [], bad);
  const byGate = excludedAmong(own, [], bad);
  const whole = excludedAmong(own, firings, bad);
  const sessions = [...new Set(own.map(({ session }) => session))];
  const planted = sessions.filter((session) => bad.has(session)).length;
  const sound = sessions.length - planted;
  return {
    goals: [
      {
        what: 'planted sessions excluded from what is promoted',
        where: `declared windows of ${changed.size} agents, judged by the baseline before`,
        wanted: `≥ ${100 * EXCLUDED_MIN} %`,
        measured: `${byGate.planted} of ${planted} (${byRank.planted} by rank alone), and ${byGate.sound} of ${sound} sound ones; with quarantine ${whole.planted} and ${whole.sound}`,
        // Quarantine alone would be met by letting nobody in: the gate has to tell them apart.
        isMet: planted > 0 && byGate.planted >= EXCLUDED_MIN * planted,
      },
    ],
    texts: {
      window: markdown(
        [
          ...['sessions in the windows', 'number', 'excluded by rank alone'],
          ...['by rank and foreign values', 'with quarantine'],
        ],
        [
          ['planted', ...[planted, byRank.planted, byGate.planted, whole.planted].map(String)],
          ['sound', ...[sound, byRank.sound, byGate.sound, whole.sound].map(String)],
        ],
        1,
      ),
    },
    figures: { window: { planted, sound, byRank, byGate, whole } },
  };
}

function excludedAmong(
  units: readonly GateUnit[],
  firings: readonly Firing[],
  bad: ReadonlySet<string>,
): { readonly planted: number; readonly sound: number } {
  const { excluded } = gate(units, firings);
  const planted = excluded.filter(({ session }) => bad.has(session)).length;
  return { planted, sound: excluded.length - planted };
}

function excludedFrom(units: readonly UnitRecord[]): string[] {
  return [...byRole(units)].flatMap(([subject, own]) =>
    learnProfile(own, { level: 'role', subject }, OPTIONS).meta.excluded.map(
      ({ session }) => session,
    ),
  );
}

interface Walk {
  readonly agent: string;
  readonly drifts: boolean;
  readonly steps: number;
  /** Steps promoted before the cap was hit. */
  readonly promoted: number;
  readonly isStopped: boolean;
  /** Distance of what was last promoted from the anchor, bits, the largest of any dimension. */
  readonly movedBits: number;
  /** The same of what the agent did, promoted or not: how far it would have come. */
  readonly reachedBits: number;
}

/** Lets agents drift slowly while their profiles are renewed every few days without a full review. */
export async function driftStory(dir: string, bench: Bench): Promise<Section> {
  bench.output.progress('stories: agents drift while their profiles are renewed');
  const options = ['--learn-days', '8', '--days', DRIFTING.days, '--rates', 'none'];
  const changes = ['--changes', 'slow-drift=5', '--roles', 'stories'];
  const plan = { agents: DRIFTING.agents, seed: `${bench.seed}/drift` };
  const { learn, score } = await writeFleet(dir, { ...plan, options: [...options, ...changes] });
  const before = byAgent(await unitsIn(learn.dir, bench.library));
  const after = byAgent(await unitsIn(score.dir, bench.library));
  const drifting = new Set(score.changes.map(({ agent }) => agent));
  const walks = [...before.keys()].sort().map((agent) => ({
    ...walk(agent, before.get(agent) ?? [], after.get(agent) ?? []),
    drifts: drifting.has(agent),
  }));
  // Who stays within the cap need not be stopped, however steadily it walks.
  const drifted = walks.filter(({ reachedBits }) => reachedBits > LEDGER_CAP_BITS);
  const stopped = drifted.filter(({ isStopped }) => isStopped).length;
  const most = Math.max(...walks.map(({ movedBits }) => movedBits));
  return {
    goals: [
      {
        what: 'slow drift hits the ledger’s cap',
        where: `${drifted.length} agents that walk further`,
        wanted: 'every one',
        measured: `${stopped} of ${drifted.length}`,
        isMet: drifted.length > 0 && stopped === drifted.length,
      },
      {
        what: 'before its profile moved by more than the cap',
        where: `${walks.length} agents`,
        wanted: `≤ ${LEDGER_CAP_BITS} bits`,
        measured: `${most.toFixed(3)} bits at most`,
        isMet: most <= LEDGER_CAP_BITS,
      },
    ],
    texts: {
      drift: markdown(
        [
          'agent',
          'drifts',
          'renewals',
          'promoted',
          'stopped',
          'profile moved, bits',
          'agent moved',
        ],
        walks.map(({ agent, drifts, steps, promoted, isStopped, movedBits, reachedBits }) => [
          ...[agent, drifts ? 'yes' : 'no', String(steps), String(promoted)],
          ...[isStopped ? 'yes' : 'no', movedBits.toFixed(3), reachedBits.toFixed(3)],
        ]),
        2,
      ),
    },
    figures: { drift: walks },
  };
}

function byAgent(units: readonly UnitRecord[]): Map<string, UnitRecord[]> {
  const found = new Map<string, UnitRecord[]>();
  for (const unit of units)
    found.set(unit.head.agent, [...(found.get(unit.head.agent) ?? []), unit]);
  return found;
}

/** Renews a profile every few days on what was done meanwhile, until the ledger stops it. */
function walk(
  agent: string,
  before: readonly UnitRecord[],
  after: readonly UnitRecord[],
): Omit<Walk, 'drifts'> {
  const scope = { level: 'agent', subject: agent } as const;
  const anchor = learnProfile(before, scope, OPTIONS);
  const fromMs = Math.min(...after.map(({ lastMs }) => lastMs));
  const stepMs = DRIFTING.stepDays * DAY_MS;
  let inForce: Profile = anchor;
  let ledger: Readonly<Record<string, number>> = {};
  let [steps, promoted, reachedBits] = [0, 0, 0];
  let isStopped = false;
  for (let ms = fromMs; ; ms += stepMs) {
    const own = after.filter(({ lastMs }) => lastMs >= ms && lastMs < ms + stepMs);
    if (own.length === 0) break;
    steps += 1;
    const next = learnProfile(own, scope, OPTIONS);
    reachedBits = Math.max(reachedBits, movedBits(anchor, next));
    const rows = ledgerAfter(ledger, ledgerSteps(REGISTRY, next, inForce, anchor));
    // From then on a person has to approve the whole; here nobody does.
    isStopped ||= rows.some(({ isOver }) => isOver);
    if (isStopped) continue;
    promoted += 1;
    inForce = next;
    ledger = ledgerRecord(rows);
  }
  const moved = movedBits(anchor, inForce);
  return { agent, steps, promoted, isStopped, movedBits: moved, reachedBits };
}

function movedBits(anchor: Profile, inForce: Profile): number {
  const moved = DIMENSIONS.map(({ name, symbols }) => {
    const [first, now] = [anchor.dimensions[name], inForce.dimensions[name]];
    return first === undefined || now === undefined ? 0 : driftBits(symbols(first), symbols(now));
  });
  return Math.max(0, ...moved);
}
