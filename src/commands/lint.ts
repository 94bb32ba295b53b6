/** `lint`: what checks say of detectors, and what makes them worth reading. */
import path from 'node:path';
import { exists } from '../adapters/files.ts';
import { readRevision } from '../adapters/git.ts';
import { OperatingError, type Problem } from '../model/errors.ts';
import { type Given, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { configOrNull, detectorsDir, libraryOptions } from './inputs.ts';
import { type LibraryOptions, readLibrary } from './library.ts';
import { BESIDE } from './library-power.ts';
import { CASE_RULES } from './lint-cases.ts';
import {
  type Before,
  beforeOf,
  type LintContext,
  type LintedDetector,
  type LintFinding,
  type LintRule,
  mapOf,
  memberOf,
  readLinted,
  readUpkept,
} from './lint-file.ts';
import { PROSE_RULES } from './lint-prose.ts';
import { SIGMA_RULES } from './lint-sigma.ts';
import { exceptionFindings, filterFindings, UPKEEP_RULES } from './lint-upkeep.ts';
import { count, type Output, safe, table } from './output.ts';

const RULES: readonly LintRule[] = [...PROSE_RULES, ...CASE_RULES, ...SIGMA_RULES];
/** Rules of `check`, by what they are about. */
const CHECKED = [
  { name: 'tag-unknown', says: 'Tags are ids of ATLAS, OWASP or ATT&CK.' },
  { name: 'invalid', says: 'The file is what `check` accepts.' },
  { name: 'measurement-void', says: 'Measurements are of the version that is in the folder.' },
];
const MESSAGE_MAX = 400;

/** The command. */
export const lint: Command = {
  name: 'lint',
  synopsis: 'lint [PATH…] [--detectors DIR] [--since GITREF] [--rules]',
  summary:
    'what is wrong with detectors and their cases, with file, line and what to write instead',
  options: { detectors: 'value', since: 'value', rules: 'flag' },
  words: 1000,
  run: async (given, { output }) => {
    if (given.has('rules')) return sayRules(output);
    const config = await configOrNull(given);
    const folders = await foldersOf(given, detectorsDir(given, config));
    const found: LintFinding[] = [];
    let files = 0;
    for (const [dir, wanted] of folders) {
      const context = await contextOf(dir, given, output);
      const detectors = await readLinted(dir);
      const all = await findingsIn(dir, detectors, context, libraryOptions(config));
      files += detectors.filter(({ file }) => isWanted(file, wanted)).length;
      found.push(...all.filter(({ file }) => isWanted(file, wanted)));
    }
    if (files === 0 && found.length === 0) throw usage('no detector there to be linted');
    const sorted = inOrder(found);
    const errors = sorted.filter(({ severity }) => severity === 'error').length;
    for (const { file, line, rule, severity, message } of sorted)
      output.line(
        `${safe(shownPath(file), MESSAGE_MAX)}:${line ?? 1}: ${severity}: ${rule}: ${safe(message, MESSAGE_MAX)}`,
      );
    output.line(
      `${count(files, 'detector')}: ${count(errors, 'error')}, ${count(sorted.length - errors, 'warning')}`,
    );
    output.json({ detectors: files, errors, warnings: sorted.length - errors, findings: sorted });
    return errors > 0 ? 1 : 0;
  },
};

function sayRules(output: Output): 0 {
  const rules = [...RULES, ...UPKEEP_RULES, ...CHECKED].map(({ name, says }) => ({ name, says }));
  for (const row of table(rules.map(({ name, says }) => [name, says]))) output.line(row);
  output.json(rules);
  return 0;
}

/** Folders of detectors to read, and which of their files are meant; null: all of them. */
async function foldersOf(
  given: Given,
  fallback: string,
): Promise<ReadonlyMap<string, readonly string[] | null>> {
  if (given.words.length === 0) return new Map([[fallback, null]]);
  const folders = new Map<string, readonly string[] | null>();
  for (const word of given.words) {
    if (!(await exists(word))) throw usage(`no such file or folder: ${JSON.stringify(word)}`);
    const isFile = /\.ya?ml$/.test(word);
    // A file lies in its family, and that in the folder of detectors.
    const dir = isFile ? path.dirname(path.dirname(path.resolve(word))) : word;
    const file = path.resolve(word).replace(BESIDE, '.yaml');
    const known = folders.get(dir);
    if (!isFile) folders.set(dir, null);
    else if (known !== null) folders.set(dir, [...(known ?? []), file]);
  }
  return folders;
}

function isWanted(file: string, wanted: readonly string[] | null): boolean {
  return wanted?.includes(path.resolve(file).replace(BESIDE, '.yaml')) ?? true;
}

async function findingsIn(
  dir: string,
  detectors: readonly LintedDetector[],
  bare: Omit<LintContext, 'stems'>,
  options: LibraryOptions,
): Promise<LintFinding[]> {
  const context = { ...bare, stems: new Set(detectors.map(({ stem }) => stem)) };
  const library = await readLibrary(dir, options);
  const own = library.problems.filter(({ file }) => isBelow(dir, file));
  const found = own.map(findingOf);
  for (const remark of library.remarks) found.push(remarkOf(remark));
  // One mistake, said once: what `check` refuses is not judged by finer rules at the same place.
  const said = new Set(found.map(({ file, line }) => `${file}:${line}`));
  const more: LintFinding[] = [];
  for (const file of detectors) for (const rule of RULES) more.push(...rule.check(file, context));
  const names = new Set(detectors.flatMap(ruleNames));
  for (const text of await readUpkept(dir, 'filters'))
    more.push(...filterFindings(text, names, context));
  for (const text of await readUpkept(dir, 'exceptions'))
    more.push(...exceptionFindings(text, context));
  return [...found, ...more.filter(({ file, line }) => !said.has(`${file}:${line}`))];
}

function isBelow(dir: string, file: string): boolean {
  return !path.relative(path.resolve(dir), path.resolve(file)).startsWith('..');
}

/** What the library says of measurements that an edit made void: file, colon, words. */
function remarkOf(remark: string): LintFinding {
  const [file = '', ...words] = remark.split(': ');
  const message = words.join(': ');
  return { file, line: null, rule: 'measurement-void', severity: 'warning', message };
}

function findingOf({ file, line, key, message }: Problem): LintFinding {
  const isTag = /^tags(\.|$)/.test(key);
  const rule = isTag ? 'tag-unknown' : 'invalid';
  return {
    file,
    line,
    rule,
    severity: 'error',
    message: key === '' ? message : `${key}: ${message}`,
  };
}

/** What filters may call the rules of a file. */
function ruleNames({ stem, documents }: LintedDetector): string[] {
  return documents.flatMap(({ value }) => {
    if (mapOf(value) === undefined) return [];
    const name = memberOf(value, 'name');
    const long = typeof name === 'string' ? `${stem}/${name}` : null;
    return [name, long, memberOf(value, 'id')].filter((each) => typeof each === 'string');
  });
}

async function contextOf(
  dir: string,
  given: Given,
  output: Output,
): Promise<Omit<LintContext, 'stems'>> {
  const today = new Date().toISOString().slice(0, 10);
  const since = given.value('since');
  try {
    const detectors = new Map<string, Before>();
    const { commit, files } = await readRevision(dir, since ?? 'HEAD', (file) =>
      /^[a-z]+\/[^/]+(?<!\.test)\.ya?ml$/.test(file),
    );
    for (const [file, content] of files) {
      const before = beforeOf(file, content.toString('utf8'));
      if (before !== null) detectors.set(path.basename(file).replace(/\.ya?ml$/, ''), before);
    }
    return { today, before: { name: `${since ?? 'HEAD'} (${commit.slice(0, 12)})`, detectors } };
  } catch (cause) {
    if (!(cause instanceof OperatingError)) throw cause;
    if (since !== undefined) throw usage(cause.message, cause);
    output.progress('no git repository here: whether `modified` is due is not looked at');
    return { today, before: null };
  }
}

/** As short as it can be typed from here. */
function shownPath(file: string): string {
  const relative = path.relative('', file);
  return relative.startsWith('..') ? file : relative;
}

function inOrder(list: readonly LintFinding[]): LintFinding[] {
  return [...list].sort(
    (a, b) => compare(a.file, b.file) || (a.line ?? 0) - (b.line ?? 0) || compare(a.rule, b.rule),
  );
}

const compare = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
