/** Diff of two versions: alerts gained, lost or moved, of whom, and how much later. */
import { type Alert, compareAlerts, compareText } from './alert.ts';
import { type DetectorTally, type Labels, labelOf } from './tally.ts';

/** Alerts of one label, gained and lost. */
export interface LabelDiff {
  readonly label: string;
  readonly gained: number;
  readonly lost: number;
  readonly both: number;
}

/** An alert that both versions give of the same entity, on other evidence. */
export interface MovedAlert {
  readonly old: Alert;
  readonly new: Alert;
}

/** One detector in two versions. */
export interface DetectorDiff {
  readonly detector: string;
  /** Version of its semantic part; null where that side has no such detector. */
  readonly oldVersion: string | null;
  readonly newVersion: string | null;
  /** Alerts of the new version only, of the old version only, in order. */
  readonly gained: readonly Alert[];
  readonly lost: readonly Alert[];
  /** Alerts of both on the same evidence; those on other evidence are `moved`. */
  readonly same: number;
  readonly moved: readonly MovedAlert[];
  /** Empty where no labels were given. */
  readonly byLabel: readonly LabelDiff[];
  readonly oldPerDay: number | null;
  readonly newPerDay: number | null;
  /** How much later the new version decides what both found, ms; null where nothing is in both. */
  readonly laterMs: {
    readonly median: number;
    readonly least: number;
    readonly most: number;
  } | null;
}

/**
 * Compares two runs over the same corpora, detector by detector, by stem. An alert is in both where
 * entity and witnesses are the same; what is left of one entity is paired in order of time and counts
 * as moved. Alerts beyond a run's bound are in no list: `unkept` of the tallies says so.
 */
export function diffOf(
  old: { readonly tallies: readonly DetectorTally[]; readonly alerts: readonly Alert[] },
  recent: { readonly tallies: readonly DetectorTally[]; readonly alerts: readonly Alert[] },
  labels: Labels,
): DetectorDiff[] {
  const oldTallies = new Map(old.tallies.map((tally) => [tally.detector, tally]));
  const newTallies = new Map(recent.tallies.map((tally) => [tally.detector, tally]));
  const stems = [...new Set([...oldTallies.keys(), ...newTallies.keys()])].sort(compareText);
  const oldAlerts = groupBy(old.alerts, ({ detector }) => detector);
  const newAlerts = groupBy(recent.alerts, ({ detector }) => detector);
  return stems.map((detector) => {
    const pairs = pairsOf(oldAlerts.get(detector) ?? [], newAlerts.get(detector) ?? []);
    const { same, moved, gained, lost } = pairs;
    const later = [...same, ...moved].map((pair) => pair.new.decidedMs - pair.old.decidedMs);
    return {
      detector,
      oldVersion: oldTallies.get(detector)?.version ?? null,
      newVersion: newTallies.get(detector)?.version ?? null,
      ...{ gained, lost, moved, same: same.length },
      byLabel: labels.size === 0 ? [] : labelDiffs(pairs, labels),
      oldPerDay: oldTallies.get(detector)?.perDay ?? null,
      newPerDay: newTallies.get(detector)?.perDay ?? null,
      laterMs: spreadOf(later),
    };
  });
}

/** True where the two versions differ in what they say, or one of them is missing. */
export function isDifferent(diff: DetectorDiff): boolean {
  const { gained, lost, moved, oldVersion, newVersion, laterMs } = diff;
  if (oldVersion === null || newVersion === null) return true;
  const isMoved = laterMs !== null && (laterMs.least !== 0 || laterMs.most !== 0);
  return gained.length + lost.length + moved.length > 0 || isMoved;
}

interface Pairs {
  readonly same: readonly MovedAlert[];
  readonly moved: readonly MovedAlert[];
  readonly gained: readonly Alert[];
  readonly lost: readonly Alert[];
}

function pairsOf(old: readonly Alert[], recent: readonly Alert[]): Pairs {
  const exact = matched(old, recent, (alert) => `${entityOf(alert)} ${alert.evidence.join(' ')}`);
  const near = matched(exact.onlyOld, exact.onlyNew, entityOf);
  return {
    same: exact.pairs,
    moved: near.pairs,
    gained: [...near.onlyNew].sort(compareAlerts),
    lost: [...near.onlyOld].sort(compareAlerts),
  };
}

/** Pairs of equal key, in order of time; the rest of each side. */
function matched(
  old: readonly Alert[],
  recent: readonly Alert[],
  key: (alert: Alert) => string,
): {
  readonly pairs: readonly MovedAlert[];
  readonly onlyOld: readonly Alert[];
  readonly onlyNew: readonly Alert[];
} {
  const waiting = groupBy([...old].sort(compareAlerts), key);
  const taken = new Map<string, number>();
  const pairs: MovedAlert[] = [];
  const onlyNew: Alert[] = [];
  for (const alert of [...recent].sort(compareAlerts)) {
    const at = key(alert);
    const next = taken.get(at) ?? 0;
    const partner = waiting.get(at)?.[next];
    if (partner === undefined) onlyNew.push(alert);
    else {
      pairs.push({ old: partner, new: alert });
      taken.set(at, next + 1);
    }
  }
  const onlyOld = [...waiting].flatMap(([at, alerts]) => alerts.slice(taken.get(at) ?? 0));
  return { pairs, onlyOld, onlyNew };
}

function entityOf({ corpus, tenant, agent, session }: Alert): string {
  return JSON.stringify([corpus, tenant, agent, session]);
}

function groupBy(
  alerts: readonly Alert[],
  key: (alert: Alert) => string,
): ReadonlyMap<string, readonly Alert[]> {
  const groups = new Map<string, Alert[]>();
  for (const alert of alerts) {
    const at = key(alert);
    const group = groups.get(at);
    if (group === undefined) groups.set(at, [alert]);
    else group.push(alert);
  }
  return groups;
}

function labelDiffs({ same, moved, gained, lost }: Pairs, labels: Labels): LabelDiff[] {
  const counts = new Map<string, { gained: number; lost: number; both: number }>();
  const add = (alert: Alert, what: 'gained' | 'lost' | 'both') => {
    const label = labelOf(alert, labels);
    const found = counts.get(label) ?? { gained: 0, lost: 0, both: 0 };
    found[what] += 1;
    counts.set(label, found);
  };
  for (const alert of gained) add(alert, 'gained');
  for (const alert of lost) add(alert, 'lost');
  for (const pair of [...same, ...moved]) add(pair.new, 'both');
  return [...counts]
    .sort(([one], [other]) => compareText(one, other))
    .map(([label, found]) => ({ label, ...found }));
}

function spreadOf(values: readonly number[]): DetectorDiff['laterMs'] {
  if (values.length === 0) return null;
  const sorted = [...values].sort((one, other) => one - other);
  const at = (index: number) => sorted[index] as number;
  const middle = Math.floor((sorted.length - 1) / 2);
  return { median: at(middle), least: at(0), most: at(sorted.length - 1) };
}
