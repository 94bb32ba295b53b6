/** What a provider of Kafka hands to a test. */

/** Where a provided server comes from. */
export const SOURCES = ['env', 'compose', 'jars'] as const;
/** One of SOURCES. */
export type Source = (typeof SOURCES)[number];

/** A Kafka that answered a round trip. */
export interface KafkaProvided {
  readonly brokers: readonly string[];
  /** `unknown` where the cluster was given: the protocol does not tell. */
  readonly version: string;
  readonly source: Source;
  /** Ends what was started for us; a given cluster is left alone. */
  stop(): Promise<void>;
  /** Ends the broker without warning. Absent where it is not ours. */
  kill?(): Promise<void>;
  /** Makes the broker silent without ending it, and lets it go on. Absent where it is not ours. */
  freeze?(): void;
  thaw?(): void;
  /** Starts it again with the same data and address, after killing it if need be. */
  restart?(): Promise<void>;
}
