/** Runs of a backtest: each corpus through the core of the daemon, and what came of it. */
import { createLog } from '../adapters/log.ts';
import { alertOf } from '../evaluation/backtest/alert.ts';
import type { CorpusRun } from '../evaluation/backtest/tally.ts';
import { createTraffic } from '../evaluation/backtest/traffic.ts';
import type { Config } from '../model/config.ts';
import type { Detection } from '../model/detection.ts';
import { OperatingError } from '../model/errors.ts';
import type { EvidenceLevel } from '../model/event.ts';
import type { Fact } from '../model/fact.ts';
import type { BaselineOptions } from '../pipeline/options.ts';
import type { Corpus } from './backtest-corpora.ts';
import type { Library } from './library.ts';
import { rehearse } from './rehearse.ts';

/** What is run over every corpus. */
export interface BacktestRun {
  readonly library: Library;
  readonly config: Config | null;
  readonly evidence: EvidenceLevel;
  /** Judges behaviour. Null: no baseline is in force. */
  readonly baseline: BaselineOptions | null;
  readonly signal: AbortSignal;
  readonly progress: (what: string) => void;
  readonly onFact?: (fact: Fact) => void;
}

/** Alerts kept of one detector in one corpus; a rule that fires on everything is counted on. */
export const ALERTS_MAX = 100_000;

/** Runs one corpus with fresh state. Rejects where nothing in it can be read. */
export async function runCorpus(
  { name, place, feed }: Corpus,
  run: BacktestRun,
): Promise<CorpusRun> {
  const { library, config, evidence, baseline, signal, progress, onFact } = run;
  const traffic = createTraffic();
  const result = await rehearse({
    ...{ dir: place, library, config, evidence, signal },
    ...(feed === null ? {} : { feed }),
    ...(baseline === null ? {} : { baseline }),
    ...(onFact === undefined ? {} : { onFact }),
    log: createLog('error', 'backtest'),
    // The file's own word on each detector, unless the operator has overruled it.
    maturity: config?.detectors?.maturity ?? {},
    detectionsMax: ALERTS_MAX,
    onEvent: (event) => traffic.see(event),
    progress: (records) => progress(`${name}: ${records.toLocaleString('en')} records`),
  });
  const { counters, coverage, unkept } = result;
  const [records, deadLetters] = [counters['records'] ?? 0, counters['dead-letters'] ?? 0];
  const counted = traffic.finish();
  if (counted.events === 0)
    throw new OperatingError(
      'SOURCE_UNREADABLE',
      `${name}: none of its ${records} records could be read${result.deadLetters[0] === undefined ? '' : `; the first: ${result.deadLetters[0]}`}`,
      { retryable: false },
    );
  // Detectors in shadow reach nobody, and are what a backtest is most wanted for.
  const found = once([...result.detections, ...result.silent]);
  return {
    name,
    traffic: counted,
    alerts: found.flatMap((each) => (each.exception === undefined ? [alertOf(name, each)] : [])),
    excused: excusedOf(found),
    ...{ unkept, gaps: coverage, records, deadLetters, late: counters['late'] ?? 0 },
  };
}

function excusedOf(detections: readonly Detection[]): Record<string, Record<string, number>> {
  const found: Record<string, Record<string, number>> = {};
  for (const { detector, exception } of detections) {
    if (exception === undefined) continue;
    const own = found[detector] ?? {};
    own[exception] = (own[exception] ?? 0) + 1;
    found[detector] = own;
  }
  return found;
}

/** Shadow detections open no case and so may be stated more than once: by their id they are one. */
function once(detections: readonly Detection[]): Detection[] {
  return [...new Map(detections.map((detection) => [detection.id, detection])).values()];
}
