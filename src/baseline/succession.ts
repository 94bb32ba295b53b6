/** Succession: makes a learnt profile the lawful follower of what is in force. */
import { ledgerAfter, ledgerRecord } from './ledger.ts';
import { type Profile, profileHash } from './profile.ts';
import type { Registry } from './proposal.ts';
import { ledgerSteps } from './review.ts';
import { namesDimension } from './window.ts';

/** What is in force for a subject, and how far it has walked. */
export interface InForce {
  readonly profile: Profile;
  /** The version its drift is measured from; null where its document is not at hand. */
  readonly anchor: Profile | null;
  /** Drift since the anchor, bits by dimension. */
  readonly ledger: Readonly<Record<string, number>>;
}

/**
 * The profile to propose: follows what is in force, states its drift, and keeps whatever the window
 * does not name as it was, counts and calibration. `joint` and the rehearsed model are taken from
 * what was learnt. Without a predecessor only parent and ledger are set.
 */
export function succeed(
  registry: Registry,
  learnt: Profile,
  inForce: InForce | null,
  permission: { readonly dimensions: readonly string[]; readonly change: string | null },
): Profile {
  const { change, dimensions } = permission;
  if (inForce === null)
    return { ...learnt, meta: { ...learnt.meta, parent: null, change, ledger: {} } };
  const { profile: previous, anchor, ledger } = inForce;
  const isFree = (name: string): boolean =>
    name === 'joint' || name === 'rehearsed' || namesDimension(dimensions, name);
  const kept: Profile = {
    ...learnt,
    dimensions: merged(learnt.dimensions, previous.dimensions, isFree),
    calibration: merged(learnt.calibration, previous.calibration, isFree),
    meta: { ...learnt.meta, parent: profileHash(previous), change },
  };
  const rows = ledgerAfter(ledger, ledgerSteps(registry, kept, previous, anchor));
  return { ...kept, meta: { ...kept.meta, ledger: ledgerRecord(rows) } };
}

/** Free names from what was learnt, all others as they were; keys sorted. */
function merged<T>(
  learnt: Readonly<Record<string, T>>,
  previous: Readonly<Record<string, T>>,
  isFree: (name: string) => boolean,
): Record<string, T> {
  const entries = [
    ...Object.entries(learnt).filter(([name]) => isFree(name)),
    ...Object.entries(previous).filter(([name]) => !isFree(name)),
  ];
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
