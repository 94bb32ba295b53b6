/** The hard rules: files, texts, detectors, migrations, and the list of all of them. */
import { hash } from 'node:crypto';
import { parseAllDocuments } from 'yaml';
import {
  arrowsOf,
  checkBuiltins,
  checkCycles,
  checkExports,
  checkHomes,
  checkRooms,
} from './imports.ts';
import { lineAt } from './scan.ts';
import { checkClock, checkDynamicCode, checkPurity, checkSql, checkTests } from './tokens.ts';
import { pathsLike, type Tree, type Violation } from './tree.ts';

/** One rule of style §13. */
export interface Rule {
  readonly name: string;
  /** All places where the tree breaks it. */
  readonly check: (tree: Tree) => Violation[];
}

const HEAD_MAX = 90;

/** Every source file opens with one sentence that says what it is for. */
function checkHeads(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const path of pathsLike(tree, /^src\/.*\.ts$/)) {
    const first = (tree.files.get(path) ?? '').replace(/^#!.*\n/, '').split('\n', 1)[0] ?? '';
    const sentence = /^\/\*\* (.*?)(?: ?\*\/)?$/.exec(first)?.[1]?.trim();
    if (sentence === undefined || !/^\S.*\S$/.test(sentence)) {
      found.push({
        path,
        line: 1,
        message: 'opens with /** one sentence: what the file is for */',
      });
    } else if (sentence.length > HEAD_MAX) {
      const message = `first sentence has ${sentence.length} characters, at most ${HEAD_MAX}`;
      found.push({ path, line: 1, message });
    }
  }
  return found;
}

const codesInSource = (text: string): readonly string[] => {
  const list = /\bERROR_CODES\s*=\s*\[([^\]]*)\]/.exec(text)?.[1] ?? '';
  return [...list.matchAll(/'([A-Z0-9_]+)'/g)].map((match) => match[1] ?? '');
};

/** Every error code has its line in docs/errors.md, and every line its code. */
function checkErrorCodes(tree: Tree): Violation[] {
  const [source, page] = ['src/model/errors.ts', 'docs/errors.md'];
  if (!tree.files.has(source)) return [];
  const codes = codesInSource(tree.files.get(source) ?? '');
  const lines = [...(tree.files.get(page) ?? '').matchAll(/^\|\s*`([A-Z0-9_]+)`\s*\|/gm)];
  const documented = lines.map((match) => match[1] ?? '');
  const found: Violation[] = [];
  if (codes.length === 0) found.push({ path: source, line: 0, message: 'no ERROR_CODES found' });
  for (const code of codes) {
    const times = documented.filter((entry) => entry === code).length;
    if (times !== 1) found.push({ path: page, line: 0, message: `${code} has ${times} lines` });
  }
  for (const code of documented) {
    if (!codes.includes(code)) found.push({ path: page, line: 0, message: `${code} is no code` });
  }
  return found;
}

/** Tests that mirror no single file, at the top level of `test/`. */
const UNMIRRORED = new Set(
  [
    'architecture',
    'bounds',
    'imports',
    'detectors',
    'mappings',
    'compose',
    'deploy',
    'readme',
    'reference',
    'taxonomy',
  ].map((name) => `test/${name}.test.ts`),
);
const OWN_ROOMS = /^test\/(?:integration|sim|golden|conformance|recordings|architecture)\//;

const mirrors = (path: string): readonly string[] => {
  const plain = path.replace(/^test\//, '').replace(/\.test\.ts$/, '');
  // A counterpart that lives in `test/` (a port in memory) has its own test beside it.
  if (!/^(?:examples|bench|scripts)\//.test(plain)) return [`src/${plain}.ts`, `test/${plain}.ts`];
  const name = plain.split('/').at(-1) ?? '';
  return [`${plain}.ts`, `${plain}.mjs`, `${plain}/${name}.ts`];
};

/** test/a/b.test.ts is the test of src/a/b.ts. */
function checkMirror(tree: Tree): Violation[] {
  return pathsLike(tree, /^test\/.*\.test\.ts$/)
    .filter((path) => !OWN_ROOMS.test(path) && !UNMIRRORED.has(path))
    .filter((path) => !mirrors(path).some((source) => tree.files.has(source)))
    .map((path) => ({ path, line: 0, message: `mirrors no file: no ${mirrors(path)[0] ?? ''}` }));
}

/** Folder, file and digest list of the migrations. */
export const MIGRATIONS = 'src/record/migrations';
/** Digests of the migrations, written by test/architecture/write-checksums.ts. */
export const CHECKSUMS = `${MIGRATIONS}/checksums.json`;

/** The text of checksums.json for the migrations of a tree. */
export function checksumsOf(tree: Tree): string {
  const names = pathsLike(tree, /^src\/record\/migrations\/[^/]+\.sql$/);
  const entries = names.map((path) => [
    path.slice(MIGRATIONS.length + 1),
    hash('sha256', tree.files.get(path) ?? '', 'hex'),
  ]);
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`;
}

const digests = (text: string): Readonly<Record<string, unknown>> => {
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
};

/** Migrations are numbered without a gap, and one that is listed never changes. */
function checkMigrations(tree: Tree): Violation[] {
  const actual = digests(checksumsOf(tree));
  const listed = digests(tree.files.get(CHECKSUMS) ?? '{}');
  const found: Violation[] = [];
  const refuse = (name: string, message: string) =>
    found.push({ path: `${MIGRATIONS}/${name}`, line: 0, message });
  Object.keys(actual).forEach((name, index) => {
    const prefix = `${String(index + 1).padStart(4, '0')}-`;
    if (!name.startsWith(prefix)) refuse(name, `should be numbered ${prefix}…`);
    if (!Object.hasOwn(listed, name)) refuse(name, 'not in checksums.json: npm run checksums');
    else if (listed[name] !== actual[name])
      refuse(name, 'changed after it was listed: add a new one');
  });
  for (const name of Object.keys(listed)) {
    if (!Object.hasOwn(actual, name))
      refuse(name, 'is listed and gone: migrations are append-only');
  }
  return found;
}

const FAMILIES = /^detectors\/(?:intent|scope|drift|volume|integrity|filters)\/[a-z0-9-]+\.yaml$/;

/** Lists about the whole library, which are no detectors. */
const LISTS: ReadonlySet<string> = new Set(['detectors/failures.yaml']);
const EXCEPTIONS = /^detectors\/exceptions\/[a-z0-9-]+\.yaml$/;

interface Cases {
  readonly firing: number;
  readonly silent: number;
}

const casesIn = (text: string): Cases | string => {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return 'holds no document';
  const broken = documents.find((document) => document.errors.length > 0)?.errors[0];
  if (broken !== undefined) return broken.message;
  const roots: unknown[] = documents.map((document) => document.toJS({ maxAliasCount: 100 }));
  let [firing, silent] = [0, 0];
  for (const root of roots) {
    const list = Array.isArray(root) ? root : (root as { cases?: unknown } | null)?.cases;
    if (!Array.isArray(list)) continue;
    for (const entry of list as { expect?: unknown }[]) {
      const expected = Array.isArray(entry?.expect) ? (entry.expect as unknown[]) : null;
      if (expected === null) continue;
      if (expected.length === 0) silent += 1;
      else if (expected.some(fires)) firing += 1;
    }
  }
  return { firing, silent };
};

const fires = (entry: unknown): boolean => {
  const outcome = (entry as { outcome?: unknown } | null)?.outcome;
  return outcome === undefined || outcome === 'fired';
};

/** A detector is two files side by side, with at least one firing and one silent case. */
function checkDetectors(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const path of pathsLike(tree, /^detectors\/.*\.ya?ml$/)) {
    const refuse = (message: string) => found.push({ path, line: 0, message });
    if (EXCEPTIONS.test(path) || LISTS.has(path)) continue;
    const subject = path.replace(/\.(?:test|measured)\.yaml$/, '.yaml');
    if (!FAMILIES.test(subject)) refuse('lies at detectors/<family>/<stem>.yaml, never deeper');
    if (subject !== path) {
      if (!tree.files.has(subject)) refuse(`has no ${subject} beside it`);
      continue;
    }
    // A filter asks nothing of its own: the cases of the rules it names are its cases.
    if (path.startsWith('detectors/filters/')) continue;
    const cases = tree.files.get(path.replace(/\.yaml$/, '.test.yaml'));
    if (cases === undefined) {
      refuse('has no .test.yaml beside it');
      continue;
    }
    const counted = casesIn(cases);
    if (typeof counted === 'string') refuse(`its cases cannot be read: ${counted}`);
    else if (counted.firing < 1 || counted.silent < 1) {
      refuse(`${counted.firing} firing and ${counted.silent} silent cases: at least one of each`);
    }
  }
  return found;
}

const PLUG_INS: readonly (readonly [folder: string, suite: string])[] = [
  ['src/detect/kinds/', 'test/conformance/kinds.test.ts'],
  ['src/source/formats/', 'test/conformance/formats.test.ts'],
  ['src/act/drivers/', 'test/conformance/drivers.test.ts'],
  ['src/act/sinks/', 'test/conformance/sinks.test.ts'],
];

/** Every plug-in is named by a literal import in its room, and its map has a conformance run. */
function checkPlugIns(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const [folder, suite] of PLUG_INS) {
    const room = `${folder.split('/').slice(0, 2).join('/')}/`;
    const plugIns = pathsLike(tree, /\.ts$/).filter((path) => path.startsWith(folder));
    const named = new Set(
      pathsLike(tree, /\.ts$/)
        .filter((path) => path.startsWith(room))
        .flatMap((path) => arrowsOf(tree, path).map((arrow) => arrow.to)),
    );
    for (const path of plugIns) {
      if (!named.has(path)) found.push({ path, line: 0, message: 'stands in no map of its room' });
    }
    if (plugIns.length > 0 && !tree.files.has(suite)) {
      found.push({ path: folder, line: 0, message: `its map has no conformance run: ${suite}` });
    }
  }
  return found;
}

// Written with escapes so that this file does not contain what it looks for.
const PLACES: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/(?<![\w.])\/work\/(?:main|shared)\b/g, 'a path of one machine'],
  [/(?<![\w.~/])\/tmp\/[\w.-]+/g, 'a path of one machine (use os.tmpdir())'],
  [/(?<![\w.~/])\/(?:home|Users)\/[\w.-]+/g, 'a path of one machine'],
  [/(?<![\w.~/])\/root\/[\w.-]+/g, 'a path of one machine'],
  [/\bC:\\Users\\/g, 'a path of one machine'],
  [
    /\b(?:registry\.npmjs|registry\.yarnpkg|repo1?\.maven|repo\.maven\.apache|files\.pythonhosted|proxy\.golang)\.\w+/g,
    'a registry host',
  ],
  [/\b[\w-]*(?:artifactory|nexus-|verdaccio)[\w-]*\.[a-z]/g, 'a registry host'],
  [/^\s*"resolved":/gm, 'a registry address in the lock file'],
  [/^(?:@[\w-]+:)?registry\s*=|_auth(?:Token)?\s*=/gm, 'a registry address or secret'],
];

/** No path of somebody's machine and no registry host in any text file. */
function checkPlaces(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const [path, text] of tree.files) {
    for (const [pattern, what] of PLACES) {
      for (const match of text.matchAll(pattern)) {
        const message = `${what}: ${match[0].trim().slice(0, 60)}`;
        found.push({ path, line: lineAt(text, match.index), message });
      }
    }
  }
  return found;
}

const VAGUE = /(?:^|-)(?:manager|helpers?|utils?|services?|processor|data|info|common|misc)(?:-|$)/;

/** File names: kebab-case, and a noun that says something (style §10). */
function checkNames(tree: Tree): Violation[] {
  return pathsLike(tree, /^(?:src|test|examples|bench|scripts)\/.*\.ts$/).flatMap((path) => {
    const name = (path.split('/').at(-1) ?? '').replace(/(?:\.test|\.d)?\.ts$/, '');
    if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name)) {
      return [{ path, line: 0, message: 'file names are kebab-case' }];
    }
    return VAGUE.test(name) ? [{ path, line: 0, message: `${name} says nothing (style §10)` }] : [];
  });
}

/** Every hard rule, by the name its fixture bears. */
export const RULES: readonly Rule[] = [
  { name: 'rooms', check: checkRooms },
  { name: 'cycles', check: checkCycles },
  { name: 'homes', check: checkHomes },
  { name: 'built-ins', check: checkBuiltins },
  { name: 'purity', check: checkPurity },
  { name: 'clock', check: checkClock },
  { name: 'dynamic code', check: checkDynamicCode },
  { name: 'exports', check: checkExports },
  { name: 'heads', check: checkHeads },
  { name: 'names', check: checkNames },
  { name: 'error codes', check: checkErrorCodes },
  { name: 'mirror', check: checkMirror },
  { name: 'tests', check: checkTests },
  { name: 'sql', check: checkSql },
  { name: 'migrations', check: checkMigrations },
  { name: 'detectors', check: checkDetectors },
  { name: 'plug-ins', check: checkPlugIns },
  { name: 'places', check: checkPlaces },
];
