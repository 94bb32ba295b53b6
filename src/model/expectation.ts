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
}

/** The tool inventory. */
export interface Inventory {
  /** Facts of a tool by its name or an alias; null where the inventory does not know it. */
  tool(name: string): ToolFacts | null;
}
