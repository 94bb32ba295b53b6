/** A small baseline for tests: scribes who find, read and save notes, learnt as the product learns. */
import { learnProfile } from '../../src/baseline/learn.ts';
import type { Profile } from '../../src/baseline/profile.ts';
import type { UnitItem, UnitRecord } from '../../src/model/unit.ts';
import type { RungPlan } from '../../src/score/budget.ts';
import { chance, integer, pick, type Random, stream } from '../../src/simulation/random.ts';

/** One false alarm in a hundred sessions, half in each lane. */
export const SCRIBE_PLAN: readonly RungPlan[] = [
  {
    rung: 'alert',
    budget: { count: 1, scope: 'unit', per: 100, words: '1 % of sessions' },
    table: 'marginal',
    sources: 1,
    lanes: 'both',
  },
];

/** Role the profile is about. */
export const SCRIBE = 'scribe';
const DAY_MS = 86_400_000;
const CLASSES: Readonly<Record<string, string>> = {
  find_note: 'read',
  open_note: 'read',
  save_note: 'write',
};
const MANDATES = ['file the note about case', 'look up case', 'tidy the notes of case', 'check'];

function* itemsOf(random: Random, startMs: number): Generator<UnitItem> {
  let ms = startMs;
  let seq = 0;
  yield { type: 'change', ms, change: 'session.opened', tools: [] };
  const tools = ['find_note', ...Array.from({ length: integer(random, 1, 4) }, () => 'open_note')];
  if (chance(random, 0.6)) tools.push('save_note');
  for (const tool of tools) {
    ms += integer(random, 500, 5000);
    seq += 2;
    yield { type: 'say', seq: seq - 1, ms, text: null, tools: [tool] };
    yield {
      type: 'call',
      seq,
      ms: ms + 100,
      eventId: `${startMs}/${seq}`,
      tool,
      toolClass: CLASSES[tool] ?? null,
      granted: true,
      args: { id: `n-${integer(random, 1, 99)}` },
      decision: 'allow',
      outcome: chance(random, 0.05) ? 'error' : 'ok',
      result: null,
      bytes: null,
      ours: false,
    };
  }
  yield { type: 'change', ms: ms + 1000, change: 'session.closed', tools: [] };
}

/** So many sessions of four scribes over forty days. */
export function scribeUnits(count: number, seed = 1): UnitRecord[] {
  const random = stream(seed, 'scribes');
  return Array.from({ length: count }, (_, n) => {
    const openedMs = (20_000 + (n % 40)) * DAY_MS + integer(random, 0, DAY_MS - 600_000);
    const items = [...itemsOf(random, openedMs)];
    return {
      head: {
        tenant: '-',
        session: `learnt-${n}`,
        agent: `scribe-${n % 4}`,
        role: SCRIBE,
        model: null,
        mandate: `${pick(random, MANDATES)} ${integer(random, 1000, 9999)}`,
        taskType: null,
        openedMs,
      },
      items,
      grants: CLASSES,
      lastMs: items.at(-1)?.ms ?? openedMs,
    };
  });
}

let known: Profile | undefined;

/** The profile of the scribes: joint score only, for training one takes longer than a test may. */
export function scribeProfile(): Profile {
  known ??= learnProfile(
    scribeUnits(500),
    { level: 'role', subject: SCRIBE },
    { rehearsal: null, seed: 1 },
  );
  return known;
}
