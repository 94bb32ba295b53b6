/** Expectation: what the reviewed reference library says, as data the stages receive. */

/** What the tool inventory says of one tool. */
export interface ToolFacts {
  /** Canonical name. */
  readonly tool: string;
  /** Reach: read, write, execute, communicate, spend. */
  readonly class: string;
  /** autonomous · pre-approved · human-in-the-loop · prohibited. */
  readonly tier: string;
  readonly reversible: boolean;
  /** Where calls run: `local` and `provider` calls pass no gateway. */
  readonly route: 'gateway' | 'local' | 'provider';
  /** Calling it again and again is its normal use. */
  readonly polling: boolean;
  /** Hosts its calls may reach, as patterns; absent: not declared. */
  readonly destinations?: readonly string[];
  /** Class of what it reads or holds; absent: not declared. */
  readonly sensitivity?: Sensitivity;
  /** Digest of the reviewed definition: name, description, input schema; absent: not declared. */
  readonly definition?: string;
  /** JSON pointer to the argument that says how many objects a call touches; absent: none does. */
  readonly targets?: string;
  /** More objects than this one call must not touch; absent: not declared. */
  readonly maxTargets?: number;
  /** Names of all its arguments; absent: not declared. */
  readonly parameters?: readonly string[];
  /** Those of them that every call has. */
  readonly required?: readonly string[];
}

/** Classes of data, least first. */
export const SENSITIVITIES = ['public', 'internal', 'confidential', 'sealed'] as const;
/** One of SENSITIVITIES. */
export type Sensitivity = (typeof SENSITIVITIES)[number];

/** The tool inventory. */
export interface Inventory {
  /** Facts of a tool by its name or an alias; null where the inventory does not know it. */
  tool(name: string): ToolFacts | null;
  /** All tools, by name; absent: they cannot be listed. */
  readonly tools?: readonly ToolFacts[];
  /** Hosts of the declared trust zone, as patterns; absent or empty: none is declared. */
  readonly zone?: readonly string[];
}
