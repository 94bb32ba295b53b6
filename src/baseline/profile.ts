/** Profile: what is normal for an agent, a role or the fleet; immutable, versioned, hashed. */
import { hash } from 'node:crypto';
import { canonicalJson } from '../model/canonical-json.ts';
import type { Json } from './dimension.ts';

/** Version of score functions, tokeniser and canonical forms: scores of two versions never mix. */
export const SCORES_VERSION = 1;

/** Which hierarchy level a profile describes. */
export type ProfileLevel = 'agent' | 'role' | 'fleet';

/** What a profile rests on. */
export interface ProfileMeta {
  readonly fromMs: number;
  readonly toMs: number;
  readonly sessions: number;
  readonly agents: number;
  /** Distinct UTC days with a session. */
  readonly days: number;
  /** Distinct mandate templates. */
  readonly templates: number;
  /** Sessions kept out, with the reason for each. */
  readonly excluded: readonly { readonly session: string; readonly reason: string }[];
  /** Hash of the profile it follows; null: genesis. */
  readonly parent: string | null;
  /** Id of the governance event that opened the window; null: genesis or a declared rule. */
  readonly change: string | null;
  /** Σ JS(previous → this) since genesis, bits, by dimension (drift ledger). */
  readonly ledger: Readonly<Record<string, number>>;
}

/** A frozen baseline document. Plain JSON; its hash is its identity. */
export interface Profile {
  readonly format: 1;
  readonly scores: number;
  readonly level: ProfileLevel;
  /** Agent id, role name, or `*` for the fleet. */
  readonly subject: string;
  readonly meta: ProfileMeta;
  /** Counts by dimension. */
  readonly dimensions: Readonly<Record<string, Json>>;
  /** Sorted held-out scores, ascending: dimension → cell → scores. Cells: `L3/seen`, `L2/unseen`, … */
  readonly calibration: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
  /** The rehearsed model, where one was trained. */
  readonly rehearsed: Json;
}

/** SHA-256 of the canonical form, as `sha256:<hex>`. */
export function profileHash(profile: Profile): string {
  return `sha256:${hash('sha256', canonicalJson(profile), 'hex')}`;
}
