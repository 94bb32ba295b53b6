/** The contract of an analytic kind: what a plug-in of `kinds/` must state. */
import type { TSchema } from 'typebox';
import type { JoinStrength } from '../model/detection.ts';
import type { EvidenceLevel, Kind } from '../model/event.ts';
import type { Inventory } from '../model/expectation.ts';
import type { Fact, WitnessRecord } from '../model/fact.ts';
import type { Slots } from '../state/slots.ts';

/** A witness and what it says, in a few words. */
export interface Said {
  readonly witness: WitnessRecord;
  readonly says: string;
}

/** What a kind found. The detector's header is put around it. */
export interface Finding {
  readonly tenant: string;
  readonly agent: string;
  readonly role: string | null;
  readonly session: string | null;
  readonly said: readonly Said[];
  readonly seq: number | null;
  readonly tool: string | null;
  readonly timeMs: number;
  readonly decidedMs: number;
  readonly strength: JoinStrength;
  readonly late: boolean;
  /** One sentence for a person; names and figures only, no payload content. */
  readonly explanation: string;
  readonly counterfactual: string;
  /** Takes an earlier finding on the same witnesses back, and says why. */
  readonly retracts?: string;
  /** Distinguishes findings that rest on no witness of their own. */
  readonly evidenceKey?: string;
}

/** What a compiled kind may use. */
export interface KindContext {
  /** Stem of the detector: what is said of it bears this name. */
  readonly stem: string;
  /** Name space for its own entities: another version of the detector has another. */
  readonly scope: string;
  readonly slots: Slots;
  readonly inventory: Inventory;
  /** Says that a bound was reached. */
  readonly evicted: (subject: string, detail: string, ms: number) => void;
}

/** A compiled detector: synchronous, deterministic; its state lies in `slots`. */
export type See = (fact: Fact) => Finding | null;

/** An analytic kind. */
export interface AnalyticKind {
  readonly name: string;
  /** What it asks, one sentence; becomes reference text. */
  readonly claim: string;
  /** Schema of `params`; the type of the same parameters. */
  readonly params: TSchema;
  /** Facts it wants to see. */
  readonly facts: readonly Fact['type'][];
  /** Books whose events it wants to see, by its checked `params`. Default: all. */
  books?(params: unknown): readonly Kind[];
  /** Least evidence level any of its parameters needs. */
  readonly evidence: EvidenceLevel;
  /** How much it remembers. */
  readonly bound: string;
  /**
   * Spaces of `slots` that a detector with this scope uses: a letter of the kind, a colon, the scope, so
   * that those of versions that are gone can be told and let go of. Default: none.
   */
  spaces?(scope: string): readonly string[];
  /** What of `params` no schema can say, each with its path below them; `params` fit the schema. */
  problems?(
    params: unknown,
  ): readonly { readonly path: readonly (string | number)[]; readonly message: string }[];
  /** `params` have been checked against the schema. */
  compile(params: unknown, context: KindContext): See;
}
