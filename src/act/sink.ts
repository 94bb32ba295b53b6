/** What a sink promises: the contract every place where people are told is reached through. */
import type { Alert, AlertKind, ToldCase } from '../model/alert.ts';
import type { SendOutcome } from '../model/alert-log.ts';
import type { Clock, Http, Publisher } from '../model/ports.ts';

/** What a sink can do, and what it is for. */
export interface SinkCapabilities {
  /** As `type` in the configuration. */
  readonly type: string;
  /** What it takes. */
  readonly kinds: readonly AlertKind[];
  /** True where it rings at a person: silences hold it back. Records are kept whatever is silenced. */
  readonly notifies: boolean;
  /** What stands is told again after so long, ms; null: once is enough. */
  readonly resendMs: number | null;
  /** Least time between two requests, ms. */
  readonly pauseMs: number;
  /** No body is larger. */
  readonly bytesMax: number;
}

/** What would be sent, secrets masked. */
export interface SinkRequest {
  /** Address without query, or topic. */
  readonly to: string;
  readonly body: string;
}

/** One place where people, or their systems, are told of cases. */
export interface Sink {
  /** Constant for the life of the sink. */
  capabilities(): SinkCapabilities;
  /** The requests `send` would make. Pure: same alert, same text. `nowMs` where a body bears it. */
  render(alert: Alert, told: ToldCase | null, nowMs: number): readonly SinkRequest[];
  /**
   * Sends one alert, once: the retry policy lives in the notifier. Every failure of the world is an
   * outcome. A rejection is a fault of the program and counts as a lost reply.
   */
  send(alert: Alert, told: ToldCase | null): Promise<SendOutcome>;
  /** Tells again what stands. Present exactly where `resendMs` is a number. */
  resend?(alerts: readonly Alert[]): Promise<SendOutcome>;
  /** Reads who silenced what, where it knows. Rejects with a retryable OperatingError. */
  silences?(): Promise<readonly Silence[]>;
  /** Labels that silences match. Present exactly where `silences` is. */
  labels?(alert: Alert): Readonly<Record<string, string>>;
}

/** A silence: labels that must all match, and until when. */
export interface Silence {
  readonly id: string;
  readonly endsMs: number;
  readonly matchers: readonly {
    readonly name: string;
    readonly value: string;
    readonly isRegex: boolean;
    readonly isEqual: boolean;
  }[];
}

/** What a sink is made with. */
export interface SinkPorts {
  readonly http: Http;
  readonly clock: Clock;
  /** Writes to Kafka: `brokers`, or the configured ones; null where there are none. */
  readonly publisher: (brokers: readonly string[] | null) => Publisher | null;
  /** Name of this observer. */
  readonly instance: string;
  /** A whole request, ms. */
  readonly timeoutMs: number;
}

/** A mistake in options that no schema can say: key within the options, and what to write. */
export interface OptionProblem {
  readonly key: string;
  readonly message: string;
}

/** A type of sink: what it takes, what else is wrong with it, and how one is made. */
export interface SinkType {
  /** TypeBox schema of its options, `type` included. */
  readonly options: object;
  /** Beyond the schema, without network and without secrets. */
  problems(options: unknown, around: { readonly hasKafka: boolean }): readonly OptionProblem[];
  /** Makes it; a problem names a secret by its key and never shows it. */
  create(
    ports: SinkPorts,
    options: unknown,
    secrets: ReadonlyMap<string, string>,
  ):
    | { readonly ok: true; readonly sink: Sink }
    | { readonly ok: false; readonly problem: OptionProblem };
}
