/** Coverage page: what a library covers, for the terminal and as a page of the docs. */
import type { Coverage, CoveredFailure, CoveredList } from '../detect/coverage.ts';
import { table } from './output.ts';

const STATES = { answered: 'yes', planned: 'planned', gap: 'NO', outside: 'outside' } as const;

/** `n of m`, as a person reads it. */
function share(covered: number, all: number): string {
  return `${covered} of ${all}`;
}

function countIn({ failures }: Coverage, state: CoveredFailure['state']): number {
  return failures.filter((failure) => failure.state === state).length;
}

function covered(list: CoveredList): number {
  return list.ids.filter(({ detectors }) => detectors.length > 0).length;
}

/** What answers a failure, what is planned, or why nothing can. */
function answerOf(failure: CoveredFailure): string {
  if (failure.state === 'outside') return failure.outside ?? '';
  const planned = failure.planned.length === 0 ? '' : `(planned: ${failure.planned.join(', ')})`;
  return [failure.detectors.join(', '), planned].filter((part) => part !== '').join(' ');
}

/** Lines for the terminal. `all` shows ids that nothing covers too. */
export function coverageLines(coverage: Coverage, all: boolean): string[] {
  const lines = [
    `${coverage.detectors} detectors, ${coverage.shadow.length} of them in shadow (they alert nobody).`,
    '',
    `Failures: ${share(countIn(coverage, 'answered'), coverage.failures.length)} answered, ${countIn(coverage, 'planned')} planned, ${countIn(coverage, 'gap')} open, ${countIn(coverage, 'outside')} outside what detectors can see.`,
    ...table([
      ['ANSWERED', 'FAILURE', 'DETECTORS'],
      ...coverage.failures.map((one) => [STATES[one.state], one.id, answerOf(one)]),
    ]),
  ];
  for (const list of coverage.lists) {
    const shown = list.ids.filter(({ detectors }) => all || detectors.length > 0);
    lines.push('', heading(list));
    if (shown.length === 0) continue;
    lines.push(
      ...table([
        ['ID', 'NAME', 'DETECTORS'],
        ...shown.map(({ tag, name, detectors }) => [tag, name, detectors.join(', ') || '-']),
      ]),
    );
  }
  if (coverage.beyond.length > 0)
    lines.push('', `Beyond the list of failures: ${coverage.beyond.join(', ')}`);
  return lines;
}

function heading(list: CoveredList): string {
  const name = `${list.title} ${list.version}`;
  return list.complete
    ? `${name}: ${share(covered(list), list.ids.length)} ids`
    : `${name}: ${covered(list)} ids`;
}

const cell = (text: string) => text.replaceAll('|', '\\|');

/** The page of the docs. Depends on nothing but the library: the same library, the same text. */
export function coveragePage(coverage: Coverage): string {
  const lines = [
    '# Coverage',
    '',
    'What the shipped detectors answer, and what they do not. Written by `npm run -s plumbline -- coverage --write docs/coverage.md`;',
    'a test fails when it is stale. That a detector bears an id says that it looks for it, not how often it finds it: measured recall',
    'stands in [evaluation.md](evaluation.md), and what each detector misses in its own file.',
    '',
    `${coverage.detectors} detectors, ${coverage.shadow.length} of them in shadow: they write to the journal and alert nobody.`,
    '',
    '| list | covered |',
    '|---|---|',
    `| failures that the texts name | ${share(countIn(coverage, 'answered'), coverage.failures.length)} answered, ${countIn(coverage, 'planned')} planned, ${countIn(coverage, 'gap')} open, ${countIn(coverage, 'outside')} outside |`,
    ...coverage.lists.map(
      (list) =>
        `| ${list.title} ${list.version} | ${list.complete ? share(covered(list), list.ids.length) : `${covered(list)}, of those kept here`} |`,
    ),
    '',
    '## Failures',
    '',
    '| failure | what goes wrong | answered | detectors |',
    '|---|---|---|---|',
    ...coverage.failures.map(
      (one) => `| ${one.id} | ${cell(one.says)} | ${STATES[one.state]} | ${cell(answerOf(one))} |`,
    ),
  ];
  for (const list of coverage.lists) lines.push('', ...listSection(list));
  if (coverage.beyond.length > 0)
    lines.push('', '## Beyond the list', '', `${coverage.beyond.join(', ')}.`);
  return `${lines.join('\n')}\n`;
}

function listSection(list: CoveredList): string[] {
  const hit = list.ids.filter(({ detectors }) => detectors.length > 0);
  const missed = list.ids.filter(({ detectors }) => detectors.length === 0);
  const rows = hit.map(
    ({ tag, name, groups, detectors }) =>
      `| ${tag} | ${cell(name)} | ${groups.join(', ') || '–'} | ${detectors.join(', ')} |`,
  );
  const open = missed.map(({ tag, name }) => `${tag} ${name}`).join(' · ');
  return [
    `## ${list.title} ${list.version}`,
    '',
    ...(rows.length === 0
      ? ['Nothing so far.']
      : ['| id | name | group | detectors |', '|---|---|---|---|', ...rows]),
    ...(open === '' || !list.complete ? [] : ['', `Not covered: ${open}.`]),
  ];
}
