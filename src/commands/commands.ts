/** Commands: the list of all, and the text that names them. */

import { adoption } from './adoption.ts';
import { alerts } from './alerts.ts';
import { approvals } from './approvals.ts';
import { COMMON } from './arguments.ts';
import { backtest } from './backtest.ts';
import { baseline } from './baseline.ts';
import { cases } from './cases.ts';
import { check } from './check.ts';
import type { Command } from './command.ts';
import { coverage } from './coverage.ts';
import { decisions } from './decisions.ts';
import { detectors } from './detectors.ts';
import { doctor } from './doctor.ts';
import { evaluate } from './evaluate.ts';
import { exceptions } from './exceptions.ts';
import { explain } from './explain.ts';
import { explainRuleCommand } from './explain-rule.ts';
import { findings } from './findings-export.ts';
import { journal } from './journal.ts';
import { leases, pause, resume } from './leases.ts';
import { lint } from './lint.ts';
import { measure } from './measure.ts';
import { migrateCommand } from './migrate.ts';
import { objectives } from './objectives.ts';
import { wordsOf } from './option-words.ts';
import { produce } from './produce.ts';
import { reconstruct } from './reconstruct.ts';
import { replay } from './replay.ts';
import { run } from './run.ts';
import { scaffold } from './scaffold.ts';
import { simulate } from './simulate.ts';
import { start } from './start.ts';
import { status } from './status.ts';
import { tokens } from './tokens.ts';
import { usageCommand } from './usage.ts';
import { verdict } from './verdict.ts';
import { window } from './window.ts';

/** Every command, in the order people meet them. */
export const COMMANDS: readonly Command[] = [
  start,
  run,
  check,
  doctor,
  cases,
  explain,
  verdict,
  detectors,
  exceptions,
  measure,
  adoption,
  alerts,
  leases,
  approvals,
  pause,
  resume,
  tokens,
  baseline,
  window,
  objectives,
  usageCommand,
  journal,
  reconstruct,
  decisions,
  status,
  replay,
  scaffold,
  lint,
  explainRuleCommand,
  backtest,
  evaluate,
  coverage,
  findings,
  produce,
  simulate,
  migrateCommand,
];

/** One command, for people. */
export function helpText({ name: command, synopsis, summary, options }: Command): string {
  const own = Object.entries({ ...options, ...COMMON }).filter(([name]) => name !== 'help');
  const shown = own.map(([name, kind]) => (kind === 'flag' ? `--${name}` : `--${name} …`));
  const width = Math.max(...shown.map(({ length }) => length));
  const lines = own.map(
    ([name], at) => `  ${(shown[at] ?? '').padEnd(width)}  ${wordsOf(command, name) ?? ''}`,
  );
  return [`plumbline ${synopsis}`, `  ${summary}`, '', ...lines, ''].join('\n');
}

/** What there is, for people. */
export function usageText(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    'plumbline: independent observation of autonomous AI agents',
    '',
    ...lines,
    '',
    'In a checkout: npm run -s plumbline -- <command> …',
    'Every command: --help, --json (a result for programs on stdout), --quiet, --config FILE.',
    'Exit codes: 0 done, 1 something was found wrong, 2 usage or configuration, 70 start it again.',
    '',
  ].join('\n');
}
