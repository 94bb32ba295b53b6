/** Silences: who asked not to be notified of what; asked for at most every 30 seconds. */
import type { Alert } from '../model/alert.ts';
import { OperatingError } from '../model/errors.ts';
import type { Clock, Log } from '../model/ports.ts';
import type { Silence, Sink } from './sink.ts';

/** What silences say now. */
export interface Silences {
  /** Id of a silence that holds an alert back; null where people are to be told. */
  matching(alert: Alert): Promise<string | null>;
}

/** Makes a test out of an expression, or null where it cannot be matched in bounded time. */
export type Regex = (pattern: string) => ((text: string) => boolean) | null;

const LOOK_EVERY_MS = 30_000;
/** What was last read counts no longer than this when it cannot be read again, ms. */
const STALE_MS = 300_000;

/**
 * Silences of the sinks that know any. When they cannot be read, what was read within five minutes
 * counts; after that nobody is taken for silenced: people are told rather too much than nothing.
 */
export function createSilences(
  sinks: readonly Sink[],
  ports: { readonly clock: Clock; readonly log: Log; readonly regex: Regex },
): Silences {
  const sources = sinks.filter(({ silences }) => silences !== undefined);
  const { clock, log, regex } = ports;
  let lookedMs = Number.NEGATIVE_INFINITY;
  const held = sources.map((sink) => ({ sink, readMs: Number.NEGATIVE_INFINITY, list: NONE }));
  const look = async () => {
    lookedMs = clock.nowMs();
    for (const one of held) {
      try {
        one.list = (await one.sink.silences?.()) ?? NONE;
        one.readMs = clock.nowMs();
      } catch (cause) {
        if (!(cause instanceof OperatingError)) throw cause;
        log.warn({ code: cause.code }, 'silences cannot be read');
        if (clock.nowMs() - one.readMs > STALE_MS) one.list = NONE;
      }
    }
  };
  return {
    matching: async (alert) => {
      if (sources.length === 0) return null;
      if (clock.nowMs() - lookedMs >= LOOK_EVERY_MS) await look();
      const nowMs = clock.nowMs();
      for (const { sink, list } of held) {
        const labels = sink.labels?.(alert) ?? {};
        const silence = list.find((one) => one.endsMs > nowMs && isSilenced(labels, one, regex));
        if (silence !== undefined) return silence.id;
      }
      return null;
    },
  };
}

const NONE: readonly Silence[] = [];

/**
 * All matchers must hold; an absent label is an empty one, as in Alertmanager. An expression that
 * cannot be compiled holds nothing back.
 */
export function isSilenced(
  labels: Readonly<Record<string, string>>,
  silence: Silence,
  regex: Regex,
): boolean {
  return silence.matchers.every(({ name, value, isRegex, isEqual }) => {
    const label = Object.hasOwn(labels, name) ? (labels[name] ?? '') : '';
    if (!isRegex) return (label === value) === isEqual;
    const test = regex(`^(?:${value})$`);
    return test !== null && test(label) === isEqual;
  });
}
