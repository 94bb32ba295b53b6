/** Detectors: the header every detector file has, whatever language it is written in. */

import type { Verb } from './decision.ts';
import type { EvidenceClass, Family, Level, Maturity } from './detection.ts';
import type { EvidenceLevel, Kind } from './event.ts';
import type { TIER_NEEDED } from './identity.ts';
import type { SigmaRule } from './sigma.ts';

/** What a detector asks for when it fires. The ladder may do less, never more. */
export interface Response {
  /** `escalate`: the next rung above what stands against the entity. */
  readonly action: Verb | 'escalate';
  /** Smallest reach first: one session, or the agent. */
  readonly scope: 'session' | 'agent';
  /** How long the lease lasts, ms. Ignored for revocation, which has no lease. */
  readonly ttlMs: number;
}

/** When a detector may ask for an action: at the watermark, or as soon as its event is there too. */
export const EMITS = ['final', 'early'] as const;
/** One of EMITS. */
export type Emit = (typeof EMITS)[number];

/** What a detector written in Sigma holds: rules, and correlations over them. */
export interface SigmaDocuments {
  /** Rules in the order of the file. Where there is no correlation there is one, which fires. */
  readonly rules: readonly SigmaRule[];
  /** Documents with `correlation:` as parsed, the outermost last; read by the correlation engine. */
  readonly correlations: readonly Readonly<Record<string, unknown>>[];
}

/** One detector, as read from its file. */
export interface Detector {
  /** File stem; also the `class` in exports. */
  readonly stem: string;
  readonly file: string;
  /** UUID v4: identity for ever. */
  readonly uuid: string;
  readonly title: string;
  readonly family: Family;
  readonly level: Level;
  readonly status: string;
  readonly maturity: Maturity;
  readonly evidenceClass: EvidenceClass;
  /** Analytic kind and its parameters, checked against the kind's schema; `sigma` for Sigma. */
  readonly kind: string;
  readonly params: unknown;
  /** Null for analytics. */
  readonly sigma: SigmaDocuments | null;
  /** `early`: an action is asked for when the event arrives, and confirmed when it is folded. */
  readonly emit: Emit;
  readonly needs: {
    readonly sources: readonly Kind[];
    readonly evidence: EvidenceLevel;
    /** Least trust in who acted; absent: any. */
    readonly identity?: keyof typeof TIER_NEEDED;
  };
  readonly response: Response | null;
  readonly why: string;
  readonly misses: string;
  readonly triage: string;
  readonly falsePositives: readonly string[];
  readonly tags: readonly string[];
  /** SHA-256 of the semantic part: kind, params or documents, needs. Prose, maturity and emit are outside it. */
  readonly version: string;
}
