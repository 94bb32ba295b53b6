/** Made-up alerts, runs and detectors for tests of what is made of them. */
import type { Alert } from '../../../src/evaluation/backtest/alert.ts';
import type { CorpusRun } from '../../../src/evaluation/backtest/tally.ts';
import type { Detector } from '../../../src/model/detector.ts';

const START_MS = Date.UTC(2026, 0, 5);
const DAY_MS = 86_400_000;

/** An alert of `spiral` in corpus `a`; what is given differs. */
export function alert(differing: Partial<Alert> = {}): Alert {
  return {
    ...{ corpus: 'a', detector: 'spiral', version: 'v1', maturity: 'alert', level: 'high' },
    ...{ tenant: '', agent: 'agent-1', session: 's-1', timeMs: START_MS, decidedMs: START_MS },
    ...{
      seq: 1,
      tool: null,
      evidence: ['e1'],
      explanation: 'It happened.',
      blind: [],
      late: false,
    },
    ...differing,
  };
}

/** A run of corpus `a` over ten days with two agents; what is given differs. */
export function run(differing: Partial<CorpusRun> = {}): CorpusRun {
  const heard = [0, 0, 0, 100];
  return {
    name: 'a',
    traffic: {
      events: 400,
      levels: { reasoning: heard, gateway: heard, governance: heard, metrics: heard },
      sessions: new Set(['s-1', 's-2', 's-3']),
      agents: new Set(['agent-1', 'agent-2']),
      agentDays: 20,
      fromMs: START_MS,
      toMs: START_MS + 10 * DAY_MS,
    },
    ...{ alerts: [], unkept: {}, excused: {}, gaps: [], records: 400, deadLetters: 0, late: 0 },
    ...differing,
  };
}

/** A detector by its stem; what is given differs. */
export function detector(stem: string, differing: Partial<Detector> = {}): Detector {
  return {
    ...{ stem, file: `volume/${stem}.yaml`, uuid: `uuid-of-${stem}`, title: 'A title' },
    ...{ family: 'volume', level: 'high', status: 'test', maturity: 'alert' },
    ...{ evidenceClass: 'hard', kind: 'rate', params: {}, sigma: null, response: null },
    emit: 'final',
    needs: { sources: ['gateway'], evidence: 'L0' },
    ...{ why: '', misses: '', triage: '', falsePositives: [], tags: [], version: 'v1' },
    ...differing,
  };
}

/** Texts that break out of anything that does not escape them. */
export const HOSTILE: readonly string[] = [
  '</failure></testcase>',
  '"><x a="',
  "' onload='",
  '&amp;&unknown;&#0;',
  ']]><!--',
  'null \u0000 bell \u0007 escape \u001b[2J',
  'lone \ud800 and \udfff surrogates',
  'not a character: \ufffe \uffff',
  'lines\r\nand\ttabs',
  'right to left \u202e override',
  '<?xml version="1.0"?>',
  '\u{1f600} beyond the basic plane',
];
