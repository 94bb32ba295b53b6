/** Kind `notice`: what the observer says of its own hearing, when it says it too often. */
import { type Static, Type } from 'typebox';
import { NOTICE_CODES } from '../../model/detection.ts';
import { durationMs } from '../../model/duration.ts';
import type { NoticeFact } from '../../model/fact.ts';
import type { Entity } from '../../state/slot.ts';
import type { AnalyticKind, Finding, KindContext, See } from '../kind.ts';

const Params = Type.Object(
  {
    codes: Type.Array(Type.Enum([...NOTICE_CODES, 'dead-letter']), {
      minItems: 1,
      maxItems: NOTICE_CODES.length + 1,
      description: 'Notices that count, and `dead-letter` for records that could not be read.',
    }),
    atLeast: Type.Integer({ minimum: 1, description: 'Fires at this count.' }),
    within: Type.String({
      pattern: '^[0-9]+(s|m|h)$',
      description: 'Length of the window; windows follow one another, from midnight UTC on.',
    }),
    together: Type.Optional(
      Type.Boolean({
        description:
          'Notices about all subjects are counted as one, about the observer: for what comes in floods.',
      }),
    ),
  },
  { additionalProperties: false },
);
type Params = Static<typeof Params>;

interface Counted extends Entity {
  /** Notices by the number of the window; of the newest windows only. */
  windows: Record<string, number>;
}

/** Windows kept a subject: records of several partitions are not read in the order of time. */
const WINDOWS_KEPT = 3;

const SUBJECTS_MAX = 10_000;

/** Stands for all subjects where they are counted together. */
const OBSERVER = 'observer';

/** The kind. One finding a window and subject; subjects are sources, agents or detectors. */
export const notice: AnalyticKind = {
  name: 'notice',
  claim: 'The observer had to drop, clamp, forget or refuse more than it should ever have to.',
  params: Params,
  facts: ['notice'],
  evidence: 'L0',
  bound: `${SUBJECTS_MAX} subjects`,
  spaces: spacesOf,
  compile(params, context): See {
    const { codes, atLeast, within, together = false } = params as Params;
    const windowMs = durationMs(within);
    const wanted: ReadonlySet<string> = new Set(codes);
    const [space] = spacesOf(context.scope);
    return (fact) => {
      if (fact.type !== 'notice' || !wanted.has(fact.code)) return null;
      // Which of them comes first is no matter of theirs, and so nothing to say.
      const about = together ? { ...fact, subject: OBSERVER } : fact;
      const said = together ? codes.join(', ') : fact.code;
      const count = enter(context, space, about, windowMs);
      return count === atLeast ? findingOf(about, said, count, within, windowMs) : null;
    };
  },
};

function spacesOf(scope: string): readonly [string] {
  return [`Y:${scope}`];
}

/** Counts the notice; how many there are in its window now. */
function enter(context: KindContext, space: string, fact: NoticeFact, windowMs: number): number {
  const { slots } = context;
  const window = Math.floor(fact.timeMs / windowMs);
  const key = fact.tenant === '-' ? fact.subject : keyOf(fact.tenant, fact.subject);
  let counted = slots.get<Counted>(space, key);
  if (counted === undefined) {
    makeRoom(context, space, window, fact.timeMs);
    counted = { windows: {} };
    slots.put(space, key, counted);
  }
  const { windows } = counted;
  // A notice of a window that is long over changes nothing that was said of it.
  if (window <= newestOf(counted) - WINDOWS_KEPT) return 0;
  const count = (windows[window] ?? 0) + 1;
  windows[window] = count;
  const oldest = newestOf(counted) - WINDOWS_KEPT;
  for (const each of Object.keys(windows)) if (Number(each) <= oldest) delete windows[each];
  slots.touch(space, key);
  return count;
}

/** Of a tenant's subject; a NUL stands in no name that events may bear. */
function keyOf(tenant: string, subject: string): string {
  return `${tenant.length}:${tenant}\u0000${subject}`;
}

function newestOf({ windows }: Counted): number {
  return Math.max(...Object.keys(windows).map(Number));
}

/** Subjects of windows that are over go first; among others, the one with the fewest notices. */
function makeRoom(context: KindContext, space: string, window: number, nowMs: number): void {
  const { slots } = context;
  if (slots.count(space) < SUBJECTS_MAX) return;
  let victim: readonly [string, Counted] | undefined;
  for (const each of slots.sample<Counted>(space, 8)) {
    if (victim === undefined) victim = each;
    else if (rankOf(each[1], window) < rankOf(victim[1], window)) victim = each;
  }
  if (victim === undefined) return;
  slots.remove(space, victim[0]);
  const count = rankOf(victim[1], window);
  // A count whose window is over is not missed. No detector hears of what hearing of a notice led to.
  if (count >= 0)
    context.evicted(
      context.stem,
      `a count of ${count} notices forgotten: too many subjects`,
      nowMs,
    );
}

function rankOf(counted: Counted, now: number): number {
  return newestOf(counted) < now ? -1 : (counted.windows[now] ?? 0);
}

/** Dated by its window: which of its notices came last depends on how the records were read. */
function findingOf(
  { subject, ...fact }: NoticeFact,
  said: string,
  count: number,
  within: string,
  windowMs: number,
): Finding {
  const window = Math.floor(fact.timeMs / windowMs);
  const timeMs = window * windowMs;
  return {
    tenant: fact.tenant,
    agent: `about:${subject}`,
    role: null,
    session: null,
    said: [],
    seq: null,
    tool: null,
    timeMs,
    decidedMs: timeMs,
    strength: 'exact',
    late: false,
    evidenceKey: `${subject} ${window}`,
    explanation: `${count} or more notices (${said}) about ${JSON.stringify(subject)} in one window of ${within}.`,
    counterfactual: `silent below ${count} in a window of ${within}`,
  };
}
