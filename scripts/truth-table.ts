/** Writes the truth table into docs/response.md and the table of drivers into docs/drivers.md. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { DRIVERS } from '../src/act/act.ts';
import { createHttp } from '../src/adapters/control-http.ts';
import { COUNTERPARTS } from '../test/act/counterparts/all.ts';
import {
  type Row,
  SCENARIOS,
  STORIES,
  type Told,
  tell,
  truthTable,
} from '../test/conformance/truth-table.ts';
import { createVirtualClock } from '../test/sim/clock.ts';
import type { LeaseStory } from '../test/sim/closed-loop.ts';
import { DOCS } from './pages.ts';

const BEGIN = '<!-- generated: npm run truth-table -->';
const END = '<!-- /generated -->';

/** Name and text of both pages, with what was played just now. */
export async function truthPages(
  rows: readonly Row[],
  told: readonly Told[],
): Promise<ReadonlyMap<string, string>> {
  return new Map([
    [
      'response.md',
      await withTable('response.md', [...overview(rows), '', ...full(rows), ...stories(told)]),
    ],
    ['drivers.md', await withTable('drivers.md', await driverTable())],
  ]);
}

async function withTable(name: string, lines: readonly string[]): Promise<string> {
  const page = await readFile(new URL(name, DOCS), 'utf8');
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`docs/${name} has no ${BEGIN} … ${END}`);
  return `${page.slice(0, begin)}${BEGIN}\n${lines.join('\n')}\n${page.slice(end)}`;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]) => [
  `| ${head.join(' | ')} |`,
  `|${head.map(() => '---').join('|')}|`,
  ...rows.map((cells) => `| ${cells.join(' | ')} |`),
];

/** A cell says how it ended for this driver, who was asked next, and how many calls went through. */
function overview(rows: readonly Row[]): string[] {
  const drivers = [...new Set(rows.map(({ driver }) => driver))];
  return table(
    ['driver', ...SCENARIOS.map(({ name }) => name)],
    drivers.map((driver) => [
      `**${driver}**`,
      ...SCENARIOS.map(({ name }) => {
        const row = rows.find((one) => one.driver === driver && one.scenario === name);
        if (row === undefined) return '–';
        const { first, through } = row;
        const next = first.escalated === null ? '' : ' → next';
        return `${first.escalated ?? first.verification}${next} · ${through}`;
      }),
    ]),
  );
}

function full(rows: readonly Row[]): string[] {
  return SCENARIOS.flatMap(({ name, says }) => {
    const these = rows.filter(({ scenario }) => scenario === name);
    const head = [
      ...['driver', 'lease', 'verification', 'escalates as', 'leaked', 'in the grace'],
      ...['let through', 'next driver', 'free after its time'],
    ];
    return [
      `**${name}**: ${says}.`,
      '',
      ...table(
        head,
        these.map(({ driver, first, next, through, all, freed }) => [
          driver,
          first.state,
          verdictOf(first),
          first.escalated ?? '–',
          String(first.leaked),
          String(first.latency),
          `${through} of ${all}`,
          next === null ? '–' : verdictOf(next),
          freed === null ? 'never: irreversible' : freed ? 'yes' : '**no**',
        ]),
      ),
      '',
    ];
  });
}

function verdictOf({ verification, by }: LeaseStory): string {
  return verification === 'none' ? 'none' : `${verification} (${by})`;
}

function stories(told: readonly Told[]): string[] {
  return told.flatMap(({ says, leases, decisions, through, all, freed }) => [
    `- ${says}`,
    ...leases.map(
      (one) =>
        `  - ${one.verb} by ${one.driver}: ${one.state}, ${verdictOf(one)}, ${one.leaked} leaked${
          one.escalated === null ? '' : `; escalates as ${one.escalated}`
        }`,
    ),
    `  - decided on the way: ${decisions.join(', ') || 'nothing'}; let through ${through} of ${all}; free after its time: ${freed ? 'yes' : '**no**'}`,
  ]);
}

/** What each kind of driver promises, as its counterpart's driver says of itself. */
async function driverTable(): Promise<string[]> {
  const rows: string[][] = [];
  for (const [type, start] of Object.entries(COUNTERPARTS).sort()) {
    const one = await start({ http: createHttp(), clock: createVirtualClock() });
    const can = one.driver.capabilities();
    const request = one.intention('L1');
    rows.push([
      `**${type}**`,
      can.verbs
        .map((verb) => `\`${verb}\`${can.irreversible.includes(verb) ? ' (for good)' : ''}`)
        .join(', '),
      can.subjects.join(', '),
      can.selfExpiring ? 'yes' : 'no',
      can.readBack ? 'yes' : 'no',
      `${can.graceMs / 1000} s`,
      one.driver.plan(request, null).undo ?? 'none',
      can.blast === 'subject' ? 'the subject' : 'all who use the tool',
      one.lies.join(', '),
    ]);
    await one.close();
  }
  const claims = Object.values(DRIVERS).map(({ type, claim }) => `- **${type}**: ${claim}`);
  const head = [
    ...['driver', 'verbs', 'addresses', 'ends by itself', 'read-back', 'grace'],
    ...['undo', 'touches', 'its target may'],
  ];
  return [...claims, '', ...table(head, rows)];
}

if (import.meta.main) {
  const told: Told[] = [];
  const rows = await truthTable();
  for (const story of STORIES) told.push(await tell(story));
  for (const [name, text] of await truthPages(rows, told)) {
    await writeFile(new URL(name, DOCS), text);
    process.stdout.write(`${fileURLToPath(new URL(name, DOCS))}\n`);
  }
}
