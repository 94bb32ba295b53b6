/** Reloaded: what an exchange of files changes in power, beyond the versions that turn. */
import type { Detector } from '../model/detector.ts';
import type { Exception } from '../model/exception.ts';

/** What is in force at a time. */
export interface InForce {
  /** Detectors by stem; overrides of maturity applied. */
  readonly detectors: ReadonlyMap<string, Detector>;
  readonly exceptions: readonly Exception[];
}

/** A change that a person must be able to find later. */
export interface PowerChange {
  /** Stem of a detector, or `exceptions`. */
  readonly subject: string;
  /** One sentence without a full stop. */
  readonly says: string;
}

/** Parts of a detector that are no part of its version, and lend or take power. */
const PARTS = [
  'maturity',
  'evidenceClass',
  'status',
  'level',
  'family',
  'response',
  'emit',
] as const;

/**
 * Changes of detectors that are there before and after, by stem, then of exceptions, by id. What only
 * words a finding for people is none.
 */
export function powerChanges(before: InForce, after: InForce): readonly PowerChange[] {
  const changes: PowerChange[] = [];
  const stems = [...after.detectors.keys()].sort();
  for (const stem of stems) {
    const [old, now] = [before.detectors.get(stem), after.detectors.get(stem)];
    if (old === undefined || now === undefined) continue;
    for (const part of PARTS) {
      const [was, is] = [JSON.stringify(old[part]), JSON.stringify(now[part])];
      if (was !== is) changes.push({ subject: stem, says: `${part} ${was} gives way to ${is}` });
    }
  }
  return [...changes, ...exceptionChanges(before.exceptions, after.exceptions)];
}

function exceptionChanges(
  before: readonly Exception[],
  after: readonly Exception[],
): readonly PowerChange[] {
  const [old, now] = [byId(before), byId(after)];
  const changes: PowerChange[] = [];
  for (const id of [...new Set([...old.keys(), ...now.keys()])].sort()) {
    const [was, is] = [old.get(id), now.get(id)];
    if (JSON.stringify(was) === JSON.stringify(is)) continue;
    const verb = was === undefined ? 'begins' : is === undefined ? 'ends' : 'was changed';
    const { owner, detectors } = (is ?? was) as Exception;
    const of = detectors.slice(0, 8).join(', ').slice(0, 200);
    const says = `exception ${id} of ${owner.slice(0, 100)} ${verb}; it excuses ${of}`;
    changes.push({ subject: 'exceptions', says });
  }
  return changes;
}

function byId(list: readonly Exception[]): ReadonlyMap<string, Exception> {
  return new Map(list.map((one) => [one.id, one]));
}
