/** Contest: what every method gets, the same sessions to learn from and the same to judge. */
import type { UnitRecord } from '../../model/unit.ts';
import type { Uniform } from '../units.ts';
import type { Outcome } from './quality.ts';

/** p-values of the product's dimensions in a session, as they stood at one record. */
export interface Step {
  /** `seq` of the record; null: at the end of the session. */
  readonly seq: number | null;
  /** One p for each dimension that has said something so far. */
  readonly p: readonly number[];
}

/** One folder to learn from and one to judge. */
export interface Contest {
  readonly learn: readonly UnitRecord[];
  readonly score: readonly UnitRecord[];
  /** Steps of each judged session, in order, the last one at its end. */
  readonly steps: ReadonlyMap<string, readonly Step[]>;
  readonly uniform: Uniform;
}

/** Another method on the same sessions. */
export interface RecordingMethod {
  readonly name: string;
  /** Its threshold in words. */
  readonly setting: string;
  judge(contest: Contest): Outcome[];
}

/** An outcome that is known only when the session is over, and never intervenes. */
export function atEnd(session: string, score: number, alerted: boolean): Outcome {
  return { session, score, alerted, alertSeq: null, interventionSeq: null };
}

/** Sessions of each role; unknown roles count as one. */
export function byRole(units: readonly UnitRecord[]): Map<string, UnitRecord[]> {
  const found = new Map<string, UnitRecord[]>();
  for (const unit of units) {
    const role = unit.head.role ?? '';
    const list = found.get(role);
    if (list === undefined) found.set(role, [unit]);
    else list.push(unit);
  }
  return found;
}

/** Role by role: what was learnt of a role judges its sessions; a role never learnt: everything. */
export function perRole(
  { learn, score }: Contest,
  judge: (learnt: readonly UnitRecord[], scored: readonly UnitRecord[]) => Outcome[],
): Outcome[] {
  const learnt = byRole(learn);
  return [...byRole(score)].flatMap(([role, units]) => judge(learnt.get(role) ?? learn, units));
}
