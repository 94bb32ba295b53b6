/** What became of a sample, as data: records, levels, identities, detectors left out. */
import type { DeadLetter } from '../model/detection.ts';
import { EVIDENCE_LEVELS, type Event, type EvidenceLevel, KINDS } from '../model/event.ts';
import { type Tier, tierOf } from '../model/identity.ts';
import type { Account } from '../source/account.ts';
import type { Sample } from './sample.ts';

/** A detector that can conclude nothing from such records, and why. */
export interface Disabled {
  readonly stem: string;
  readonly why: readonly string[];
}

/** A detector that is less sure whom it accuses than it asks to be. */
export interface Unsure {
  readonly stem: string;
  readonly needs: string;
  readonly reaches: number;
}

/** What became of one record. */
export interface RecordTold {
  readonly record: number;
  readonly bytes: number;
  readonly events: readonly Event[];
  readonly deadLetters: readonly DeadLetter[];
  readonly ignored: number;
  /** Field by field; empty beyond the records that are shown, and where the decoder cannot tell. */
  readonly accounts: readonly Account[];
}

/** What became of a sample. */
export interface SampleTold {
  readonly decoder: string;
  readonly form: Sample['form'];
  readonly more: number;
  readonly shown: number;
  readonly records: readonly RecordTold[];
  readonly disabled: readonly Disabled[];
  readonly unsure: readonly Unsure[];
  /** Detectors that look at such records. */
  readonly concerned: number;
}

/** The level an event carries. */
export const levelOf = ({ evidence }: Event): EvidenceLevel => evidence?.level ?? 'L0';

/** How far the identity of an event is believed. */
export function tierIn({ agent, src }: Event): Tier {
  return agent === undefined ? 0 : tierOf(agent.basis, src.trust);
}

/** Events at each level, by kind; levels that none reaches are left out. */
export function levelsOf(events: readonly Event[]): Record<string, Record<string, number>> {
  const found: Record<string, Record<string, number>> = {};
  for (const kind of KINDS) {
    const own = events.filter((event) => event.kind === kind);
    if (own.length === 0) continue;
    const counts: Record<string, number> = {};
    for (const level of EVIDENCE_LEVELS) {
      const count = own.filter((event) => levelOf(event) === level).length;
      if (count > 0) counts[level] = count;
    }
    found[kind] = counts;
  }
  return found;
}

/** Events by how far their identity is believed, highest first. */
export function tiersOf(events: readonly Event[]): readonly (readonly [number, number])[] {
  const counts = new Map<number, number>();
  for (const event of events) counts.set(tierIn(event), (counts.get(tierIn(event)) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => b - a);
}
