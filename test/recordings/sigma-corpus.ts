/** SigmaHQ's rules and regression records as they were delivered, and what a rule sees of a record. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseYaml } from '../../src/adapters/files.ts';
import { readTarGz } from '../../src/adapters/tar.ts';
import { type RuleRead, readRule } from '../../src/detect/sigma/parse.ts';
import type { LogSource } from '../../src/model/sigma.ts';
import { windowsSources } from './windows-sources.ts';

/** Where the material lies, beside the repository. */
export const MATERIAL = join(import.meta.dirname, '../../../shared/conformance/sigma');

/** Is it here? */
export const isHere = (): boolean => existsSync(join(MATERIAL, 'index.jsonl'));

/** A rule of the corpus, by its path. */
export interface CorpusRule extends RuleRead {
  readonly path: string;
  readonly document: unknown;
}

/** A line of the index: a rule and the records it must match. */
export interface Regression {
  readonly rule: string;
  readonly rule_id: string;
  readonly event_file: string;
  readonly events: number;
  readonly expected_match_count: number | null;
}

/** A record as rules see it, and the log sources it belongs to. */
export interface CorpusRecord {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly sources: readonly LogSource[];
}

const archive = (name: string) => readTarGz(readFileSync(join(MATERIAL, name)), name);

/** Every rule, read; one whose placeholders have no values loads and never matches. */
export function readCorpus(): readonly CorpusRule[] {
  const options = { placeholders: new Map(), unresolved: 'never' } as const;
  const rules: CorpusRule[] = [];
  for (const [path, text] of archive('rules.tar.gz')) {
    if (!path.endsWith('.yml')) continue;
    const { file, problems } = parseYaml(path, text);
    const [document] = file.documents;
    if (document === undefined || file.documents.length !== 1) {
      rules.push({ path, document: null, rule: null, problems });
      continue;
    }
    const where = { file: path, lineOf: document.lineOf };
    rules.push({ path, document: document.value, ...readRule(document.value, where, options) });
  }
  return rules;
}

/** Lines of the index. */
export function readIndex(): readonly Regression[] {
  const text = readFileSync(join(MATERIAL, 'index.jsonl'), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Regression);
}

/** Records by the file that holds them. */
export function readRecords(): ReadonlyMap<string, readonly CorpusRecord[]> {
  const records = new Map<string, readonly CorpusRecord[]>();
  for (const [path, text] of archive('regression.tar.gz'))
    if (path.endsWith('.json')) records.set(path, valuesOf(text).map(recordOf));
  return records;
}

type Json = Readonly<Record<string, unknown>>;

/** JSON values one after another, without commas between them. */
function valuesOf(text: string): readonly Json[] {
  const values: Json[] = [];
  let depth = 0;
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (quoted) {
      if (char === '\\') at += 1;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '{') {
      if (depth === 0) start = at;
      depth += 1;
    } else if (char === '}') {
      depth -= 1;
      if (depth === 0) values.push(JSON.parse(text.slice(start, at + 1)) as Json);
    }
  }
  return values;
}

const member = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Json)[key]
    : undefined;

/** Text of an element that may bear attributes. */
const plain = (value: unknown): unknown => member(value, '#text') ?? value;

/** Every name of EventData, also without its spaces, and four names of System. */
function recordOf(value: Json): CorpusRecord {
  const event = value['Event'];
  const system = member(event, 'System');
  const fields: Record<string, unknown> = {};
  const named = member(event, 'EventData') ?? firstOf(member(event, 'UserData'));
  for (const [name, each] of Object.entries((named ?? {}) as Json)) {
    if (name === '#attributes') continue;
    for (const [key, value] of fieldsOf(name, each)) {
      fields[key] = value;
      fields[key.replaceAll(' ', '')] = value;
    }
  }
  fields['EventID'] = plain(member(system, 'EventID'));
  fields['Channel'] = member(system, 'Channel');
  fields['Computer'] = member(system, 'Computer');
  fields['Provider_Name'] = member(member(member(system, 'Provider'), '#attributes'), 'Name');
  const sources = windowsSources(String(fields['Channel']), String(fields['EventID']));
  return { fields, sources };
}

/** Most elements are a field each; `Data` may be a list of elements that bear their names. */
function fieldsOf(name: string, element: unknown): readonly (readonly [string, unknown])[] {
  const list = Array.isArray(element) ? element : [element];
  const named = list.map((each) => member(member(each, '#attributes'), 'Name'));
  if (named.every((each) => typeof each === 'string'))
    return list.map((each, at) => [String(named[at]), plain(each)] as const);
  return [[name, Array.isArray(element) ? element.map(plain) : plain(element)]];
}

/** UserData wraps its fields in one element of the provider's own name. */
function firstOf(value: unknown): unknown {
  return Object.values((value ?? {}) as Json).find((each) => typeof each === 'object');
}
