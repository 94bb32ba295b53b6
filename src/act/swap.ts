/** Swap: sets what a target holds to what is wanted and back, only over what is still ours. */
import type { ApplyOutcome, Prior } from '../model/action-log.ts';
import { canonicalJson } from '../model/canonical-json.ts';
import type { Intention } from '../model/decision.ts';
import type { ReadBack, Snapshot } from './driver.ts';
import { memberOf, notOurs, refused, snapshotOf } from './rest.ts';

/** What a target holds of the things we set; compared as JSON, lists in any order. */
export type Fields = Readonly<Record<string, unknown>>;

/** What was read: the fields; what else `wanted` goes by; and what is needed to write over it. */
export type Read =
  | {
      readonly ok: true;
      readonly fields: Fields;
      /** Recorded with the fields. */
      readonly context?: Fields;
      /** Not recorded: of the moment. */
      readonly raw?: Fields;
    }
  | { readonly ok: false; readonly outcome: ApplyOutcome };

/** What is to stand, worked out from what stood; or why nothing can. */
export type Wanted =
  | { readonly ok: true; readonly fields: Fields }
  | { readonly ok: false; readonly problem: string };

/** One thing at a target that is set and set back. */
export interface Swap {
  read(): Promise<Read>;
  /** The same for the same `prior`: it is how we know again what is ours. */
  wanted(prior: Fields, context: Fields): Wanted;
  /** `live` is what was read just before. Accepted, or what went wrong. */
  write(fields: Fields, live: Extract<Read, { ok: true }>): Promise<ApplyOutcome>;
}

/** What stands, for the record; refused where what is wanted cannot be made of it. */
export async function swapSnapshot(swap: Swap): Promise<Snapshot> {
  const live = await swap.read();
  if (!live.ok) return snapshotOf(live.outcome);
  const { fields, context = {} } = live;
  const wanted = swap.wanted(fields, context);
  if (!wanted.ok) return refused(wanted.problem);
  return { type: 'prior', prior: { fields, context } };
}

/** Carries out one step; `what` is the thing in words. */
export async function swapApply(
  swap: Swap,
  step: Intention['step'],
  prior: Prior | null,
  what: string,
): Promise<ApplyOutcome> {
  const isRelease = step === 'release';
  const stood = stoodIn(swap, prior);
  // Nothing is sent before what stood is recorded: then there is nothing to bring back.
  if (stood === null && isRelease) return { type: 'already', detail: 'nothing was ever set' };
  if (stood === null) return refused(`what stood before ${what} was set is not recorded`);
  const { fields, wanted } = stood;
  if (isRelease && same(fields, wanted))
    return { type: 'already', detail: `${what} stood before us and stands` };
  const live = await swap.read();
  if (!live.ok) return live.outcome;
  if (isRelease) return same(live.fields, wanted) ? swap.write(fields, live) : notOurs(what);
  if (same(live.fields, wanted)) return { type: 'already', detail: `${what} is set` };
  if (same(live.fields, fields)) return swap.write(wanted, live);
  return refused(`${what} was changed by somebody else since it was read: left as it is`);
}

/** Whether it stands as wanted. */
export async function swapReadBack(swap: Swap, prior: Prior | null): Promise<ReadBack> {
  const stood = stoodIn(swap, prior);
  if (stood === null) return 'unknown';
  const live = await swap.read();
  if (!live.ok) return 'unknown';
  return same(live.fields, stood.wanted) ? 'applied' : 'absent';
}

function stoodIn(swap: Swap, prior: Prior | null): { fields: Fields; wanted: Fields } | null {
  const fields = memberOf(prior, 'fields');
  if (fields === null) return null;
  const wanted = swap.wanted(fields, memberOf(prior, 'context') ?? {});
  return wanted.ok ? { fields, wanted: wanted.fields } : null;
}

/** Do they say the same? The order of lists says nothing: targets sort them as they like. */
function same(one: unknown, other: unknown): boolean {
  return canonicalJson(sorted(one)) === canonicalJson(sorted(other));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => canonicalJson(sorted(one))).sort();
  if (typeof value !== 'object' || value === null) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, sorted(one)]));
}
