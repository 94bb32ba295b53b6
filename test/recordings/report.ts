/** Report of the tampering yardstick: one row a run, as text and as a page of the docs. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, type Verdict } from './tampered.ts';

/** One run of the yardstick. */
export interface Row {
  readonly folder: string;
  readonly seed: string;
  readonly path: string;
  readonly verdict: Verdict;
}

const HEAD = [
  'folder',
  'seed',
  'path',
  'named',
  'right record',
  'false in quiet',
  'wrong',
  'blind',
];

const share = (part: number, whole: number) =>
  whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;

function cells({ folder, seed, path, verdict }: Row): string[] {
  const { named, placed, decidable, noisy, quiet, wrong, covered } = verdict;
  return [
    folder,
    seed,
    path,
    `${named}/${decidable} (${share(named, decidable)})`,
    `${placed}/${named}`,
    `${noisy}/${quiet}`,
    String(wrong),
    covered === null ? '-' : share(covered, 1),
  ];
}

/** Sum of rows, as a row: of the shares of the silent intervals the smallest. */
export function sumOf(rows: readonly Row[], path: string): Row {
  const zero: Verdict = {
    decidable: 0,
    named: 0,
    placed: 0,
    quiet: 0,
    noisy: 0,
    wrong: 0,
    covered: 1,
    per: {},
    faults: [],
  };
  const verdict = rows.reduce<Verdict>((sum, { verdict: one }) => {
    const per: Record<string, { n: number; named: number; placed: number }> = { ...sum.per };
    for (const [name, { n, named, placed }] of Object.entries(one.per)) {
      const known = per[name] ?? { n: 0, named: 0, placed: 0 };
      per[name] = { n: known.n + n, named: known.named + named, placed: known.placed + placed };
    }
    return {
      decidable: sum.decidable + one.decidable,
      named: sum.named + one.named,
      placed: sum.placed + one.placed,
      quiet: sum.quiet + one.quiet,
      noisy: sum.noisy + one.noisy,
      wrong: sum.wrong + one.wrong,
      covered: Math.min(sum.covered ?? 0, one.covered ?? 0),
      per,
      faults: [...sum.faults, ...one.faults],
    };
  }, zero);
  return { folder: 'all', seed: `${rows.length}`, path, verdict };
}

/** Rows as an aligned table of Markdown. */
export function tableOf(rows: readonly Row[]): string {
  return aligned([HEAD, ...rows.map(cells)]);
}

/** Named by kind of tampering, summed over rows. */
export function kindsOf(sum: Row): string {
  const rows = Object.entries(sum.verdict.per)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { n, named, placed }]) => [name, String(n), String(named), String(placed)]);
  return aligned([['tampering', 'made', 'named', 'at the right record'], ...rows]);
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => (row[at] ?? '').length)),
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  const [head = [], ...body] = rows;
  return [line(head), rule, ...body.map(line)].join('\n');
}

/** Writes docs/evaluation-tamper.md. `paths`: rows of each path under its heading. */
export async function writePage(
  paths: ReadonlyMap<string, readonly Row[]>,
  notes: readonly string[],
): Promise<void> {
  const parts = [...paths].flatMap(([path, rows]) => {
    const sum = sumOf(rows, path);
    return [`## ${path}`, '', tableOf([...rows, sum]), '', kindsOf(sum), ''];
  });
  const day = new Date().toISOString().slice(0, 10);
  const page = [
    '# Tampered witnesses',
    '',
    'Recorded sessions are tampered with by a seeded program that writes down what it did; Plumbline must name each tampering at the right',
    'record, stay silent in every other session, and report the interval in which one source was silenced as blind. The recordings and the',
    'judge are not part of this repository: with `../shared` beside the checkout, this page is written by',
    '',
    '    UPDATE=1 npm run -s test:recordings                              # about three minutes on two cores',
    '    UPDATE=1 PLUMBLINE_TAMPER_SEEDS=60 npm run -s test:recordings    # with the sweep, which no CI runs',
    '',
    `Written on ${day}. *named*: tamperings with a finding of just that class. *right record*: of these, at the record that was tampered with`,
    '(sequence number off by one at most). *false in quiet*: sessions that must be quiet and are not. *wrong*: named sessions with a wrong name',
    'besides. *blind*: share of the silent interval that the coverage report names.',
    '',
    'What is missed, where something is: a phantom beside or inside a pause of its source longer than a day (small fleets have such by nature): one',
    'session unseen looks the same whether the source was down or the act was hidden, so nothing is inferred (ADR 0006). And a record that fell into',
    'the silent interval itself: it is not in the data.',
    '',
    ...parts,
    ...notes,
  ];
  await writeFile(join(ROOT, 'docs/evaluation-tamper.md'), `${page.join('\n').trimEnd()}\n`);
}
