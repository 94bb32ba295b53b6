/** Generated pages: fields in taxonomy.md, sinks in alerts.md, metrics in operations.md, coverage.md. */
import { readFile } from 'node:fs/promises';
import { readYamlDocuments } from '../src/adapters/files.ts';
import { readCoverage } from '../src/commands/coverage.ts';
import { coveragePage } from '../src/commands/coverage-page.ts';
import { ROOT, readLibrary } from '../src/commands/library.ts';
import { DERIVED_FIELDS } from '../src/detect/derived/fields.ts';
import { levelOfField, WIRE_FIELDS } from '../src/detect/derived/names.ts';
import { KINDS } from '../src/model/event.ts';
import { FIELDS } from '../src/source/formats/dialect.ts';
import { DIALECTS, LOG_EVENTS, MCP_METHODS } from '../src/source/formats/dialects.ts';
import { alertSections } from './alert-pages.ts';
import { presetTables } from './format-pages.ts';
import { type AlertRule, metricTable } from './metric-pages.ts';

/** Folder of the docs, as a URL with a final slash. */
export const DOCS = new URL('../docs/', import.meta.url);

const BEGIN = '<!-- generated: npm run reference -->';
const END = '<!-- /generated -->';

const cell = (text: string) => text.replaceAll('|', '\\|');

function wireTable(kind: (typeof KINDS)[number] | null): string[] {
  const rows = WIRE_FIELDS.filter((field) => field.kind === kind).map(
    ({ path, type, open, says }) =>
      `| \`${path}${open ? '.*' : ''}\` | ${type} | ${levelOfField(path)} | ${cell(says) || '–'} |`,
  );
  return ['| field | type | evidence | says |', '|---|---|---|---|', ...rows];
}

function derivedTable(): string[] {
  const rows = DERIVED_FIELDS.map(({ name, type, source, kinds, level, says }) => {
    const books = kinds.length === KINDS.length ? 'all' : kinds.join(', ');
    return `| \`${name}\` | ${type} | ${books} | ${source} | ${level} | ${cell(says)} |`;
  });
  return [
    '| field | type | services | rests on | evidence | says |',
    '|---|---|---|---|---|---|',
    ...rows,
  ];
}

/** The tables of fields, from the schema of the event and the table of derived fields. */
export function fieldTables(): string {
  return [
    '## Fields of every record',
    '',
    ...wireTable(null),
    ...KINDS.flatMap((kind) => ['', `## Fields of \`${kind}\``, '', ...wireTable(kind)]),
    '',
    '## Derived fields',
    '',
    'No record carries them. Where a record has a field of the same name, the derived one is meant.',
    '',
    ...derivedTable(),
  ].join('\n');
}

const code = (words: readonly string[]) => words.map((word) => `\`${word}\``).join(', ');

/** The tables of the dialects of OTLP: how each is known, and which attribute is which field. */
export function dialectTables(): string {
  const names = DIALECTS.map(
    ({ name, about, marks, scopes = [] }) =>
      `| \`${name}\` | ${about} | ${code([...marks, ...scopes])} |`,
  );
  const rows = FIELDS.map((field) => {
    const cells = DIALECTS.flatMap(({ name, fields }) =>
      fields[field] === undefined ? [] : [`${name}: ${code(fields[field])}`],
    );
    return `| ${field} | ${cells.join(' · ')} |`;
  });
  return [
    '| dialect | what | known by |',
    '|---|---|---|',
    ...names,
    '',
    '| field | attributes, the best first |',
    '|---|---|',
    ...rows,
    '',
    `Log events that are read: ${code(Object.keys(LOG_EVENTS))}. MCP methods that are acts or listings: ${code(Object.keys(MCP_METHODS))}.`,
  ].join('\n');
}

/** `text` with what is between the marks replaced. */
export function between(text: string, generated: string): string {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`the page has lost its marks ${BEGIN} ${END}`);
  return `${text.slice(0, from + BEGIN.length)}\n\n${generated}\n\n${text.slice(to)}`;
}

/** The rules that deploy/ gives to Prometheus. */
export async function alertRules(): Promise<readonly AlertRule[]> {
  const { file } = await readYamlDocuments(`${ROOT}deploy/prometheus-rules.yaml`);
  const { groups } = (file.documents[0] ?? { value: { groups: [] } }).value as {
    readonly groups: readonly { readonly rules: readonly AlertRule[] }[];
  };
  return groups.flatMap(({ rules }) => rules);
}

/** Name and text of every page that is generated, wholly or in part. */
export async function generatedPages(): Promise<ReadonlyMap<string, string>> {
  const folder = `${ROOT}detectors`;
  const { coverage } = await readCoverage(await readLibrary(folder), folder);
  const taxonomy = await readFile(new URL('taxonomy.md', DOCS), 'utf8');
  const alerts = await readFile(new URL('alerts.md', DOCS), 'utf8');
  const operations = await readFile(new URL('operations.md', DOCS), 'utf8');
  return new Map([
    ['operations.md', between(operations, metricTable(await alertRules()))],
    ['alerts.md', between(alerts, alertSections())],
    ['taxonomy.md', between(taxonomy, fieldTables())],
    ['otlp.md', between(await readFile(new URL('otlp.md', DOCS), 'utf8'), dialectTables())],
    [
      'formats.md',
      between(await readFile(new URL('formats.md', DOCS), 'utf8'), await presetTables()),
    ],
    ['coverage.md', coveragePage(coverage)],
  ]);
}
