/** Tables of docs/formats.md: each preset as its mapping file has it. */
import { readYamlFolder } from '../src/adapters/files.ts';
import { ROOT } from '../src/commands/library.ts';
import { inherited } from '../src/source/mapping-settings.ts';

type Block = Readonly<Record<string, unknown>>;

const NOT_FIELDS = new Set(
  'format unwrap each lines envelope when ignore also common kind category otherwise'.split(' '),
);
/** Formats of streams of our own: their page is that of the corpus. */
const OWN = new Set(['recorded-runs/1']);

const cell = (text: string) => text.replaceAll('|', '\\|');
const code = (text: string) => `\`${text}\``;
const isBlock = (value: unknown): value is Block =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

/** Every preset: what each of its documents takes, and which fields come from where. */
export async function presetTables(): Promise<string> {
  const wanted = (name: string) => !name.endsWith('.test.yaml');
  const { files } = await readYamlFolder(`${ROOT}mappings`, { wanted });
  return files
    .map(({ documents }) => documents.map(({ value }) => value as Block))
    .filter(([first]) => first !== undefined && !OWN.has(String(first['format'])))
    .flatMap((documents) => sectionOf(documents))
    .join('\n');
}

function sectionOf(documents: readonly Block[]): string[] {
  const name = String(documents[0]?.['format']);
  const common = documents.find((one) => one['common'] === true);
  const whole = documents
    .filter((one) => one['common'] !== true)
    .map((one) => inherited(one, common) as Block);
  const rows = whole.flatMap((document) => rowsOf(document));
  const settings = [...new Set(JSON.stringify(documents).matchAll(/"setting":"([^"]+)"/g))]
    .map((found) => found[1] as string)
    .filter((one, at, all) => all.indexOf(one) === at)
    .sort();
  const known = settings.length === 0 ? [] : ['', `Settings: ${settings.map(code).join(', ')}.`];
  return [
    `### ${name}`,
    '',
    '| record | becomes | field | from |',
    '|---|---|---|---|',
    ...rows,
    ...known,
    '',
  ];
}

function rowsOf(document: Block): string[] {
  const when = whenOf(document['when']);
  if (document['ignore'] === true) return [`| ${when} | left out, counted | | |`];
  const category = document['category'];
  const named = typeof category === 'string' ? ` ${category}` : '';
  const what = `${String(document['kind'])}${named}`;
  const fields: [string, string][] = [];
  for (const [key, spec] of Object.entries(document))
    if (!NOT_FIELDS.has(key)) walk([key], spec, fields);
  if (named === '') walk(['category'], category, fields);
  return fields.map(
    ([field, from], at) =>
      `| ${at === 0 ? when : ''} | ${at === 0 ? what : ''} | ${code(field)} | ${cell(from)} |`,
  );
}

function walk(path: readonly string[], spec: unknown, into: [string, string][]): void {
  if (Array.isArray(spec) && spec.some(isBlock)) {
    for (const one of spec as readonly Block[])
      into.push([
        [...path, one['basis'] ?? one['name']].join('.'),
        said(Object.fromEntries(Object.entries(one).filter(([key]) => key !== 'basis'))),
      ]);
    return;
  }
  if (isBlock(spec) && !['from', 'const', 'first', 'setting'].some((key) => key in spec)) {
    if (typeof spec['each'] === 'string')
      into.push([path.join('.'), `each of ${code(spec['each'])}`]);
    else for (const [key, member] of Object.entries(spec)) walk([...path, key], member, into);
    return;
  }
  into.push([path.join('.'), said(spec)]);
}

/** A field as one line. */
function said(spec: unknown): string {
  if (typeof spec === 'string') return spec.startsWith('/') ? code(spec) : `“${spec}”`;
  if (Array.isArray(spec)) return spec.map((one) => said(one)).join(', ');
  if (!isBlock(spec)) return String(spec);
  if (Array.isArray(spec['first'])) {
    const rest = spec['default'] === undefined ? '' : `, else “${String(spec['default'])}”`;
    return `${spec['first'].map(said).join('; ')}${rest}`;
  }
  const parts: string[] = [];
  if (spec['from'] !== undefined) parts.push(said(spec['from']));
  else if (spec['const'] !== undefined) parts.push(`“${String(spec['const'])}”`);
  else if (spec['setting'] !== undefined) parts.push(`setting ${code(String(spec['setting']))}`);
  if (spec['prefix'] !== undefined) parts.push(`behind ${code(String(spec['prefix']))}`);
  if (spec['as'] !== undefined) parts.push(`as ${String(spec['as'])}`);
  if (isBlock(spec['map'])) parts.push(`by map`);
  if (spec['when'] !== undefined) parts.push(`where ${whenOf(spec['when'])}`);
  if (spec['default'] !== undefined) parts.push(`else “${String(spec['default'])}”`);
  return parts.join(' ');
}

const VALUES_SHOWN = 4;

function whenOf(when: unknown): string {
  if (!isBlock(when)) return 'any';
  return Object.entries(when)
    .map(([pointer, want]) => `${code(pointer)} ${wanted(want)}`)
    .join(' and ');
}

function wanted(want: unknown): string {
  if (!isBlock(want)) {
    const all = listOf(want).map(String);
    const more = all.length > VALUES_SHOWN ? ` … (${all.length})` : '';
    return `= ${all.slice(0, VALUES_SHOWN).join(', ')}${more}`;
  }
  const { exists, not, prefix, contains, atLeast, below } = want;
  const parts: string[] = [];
  if (exists !== undefined) parts.push(exists === true ? 'is there' : 'is not there');
  if (not !== undefined) parts.push(`is not ${listOf(not).join(', ')}`);
  if (prefix !== undefined) parts.push(`begins with ${listOf(prefix).join(', ')}`);
  if (contains !== undefined) parts.push(`holds ${listOf(contains).join(', ')}`);
  if (atLeast !== undefined) parts.push(`≥ ${String(atLeast)}`);
  if (below !== undefined) parts.push(`< ${String(below)}`);
  return parts.join(', ');
}
