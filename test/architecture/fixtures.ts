/** Small bad trees: each hard rule must reject its own, so that the guard cannot rot. */

/** One bad tree: the rule that must reject it, at which path, and what is wrong with it. */
export interface BadTree {
  readonly rule: string;
  readonly wrong: string;
  /** Path at which the rule must report. */
  readonly at: string;
  readonly files: Readonly<Record<string, string>>;
}

const HEAD = '/** A file. */\n';
const one = (rule: string, wrong: string, at: string, body: string, more = {}): BadTree => ({
  rule,
  wrong,
  at,
  files: { [at]: HEAD + body, ...more },
});
const code = (path: string, body = 'export const a = 1;\n') => ({ [path]: HEAD + body });
const importing = (specifier: string, names = '{ a }') => `import ${names} from '${specifier}';\n`;
const PACKAGES = { 'package.json': '{"dependencies":{"pg":"1"},"devDependencies":{}}' };
const CASES = '- name: a\n  expect: [{ detector: x }]\n- name: b\n  expect: []\n';

const arrows: readonly BadTree[] = [
  one('rooms', 'sister imports sister', 'src/detect/a.ts', importing('../score/b.ts'), {
    ...code('src/score/b.ts'),
  }),
  one(
    'rooms',
    'type-only arrow up',
    'src/model/a.ts',
    "import type { B } from '../observer.ts';\n",
    code('src/observer.ts'),
  ),
  one(
    'rooms',
    'type import inside an expression',
    'src/model/a.ts',
    "export type A = import('../act/b.ts').B;\n",
    code('src/act/b.ts'),
  ),
  one(
    'rooms',
    'an import over several lines',
    'src/decide/a.ts',
    "import {\n  a,\n  b,\n} from '../record/b.ts';\n",
    code('src/record/b.ts'),
  ),
  one(
    'rooms',
    'adapter imports adapter',
    'src/adapters/kafka.ts',
    importing('./postgres.ts'),
    code('src/adapters/postgres.ts'),
  ),
  one(
    'rooms',
    'main imports past commands',
    'src/main.ts',
    importing('./observer.ts'),
    code('src/observer.ts'),
  ),
  one(
    'rooms',
    'simulation is for commands only',
    'src/observer.ts',
    importing('./simulation/b.ts'),
    code('src/simulation/b.ts'),
  ),
  one('rooms', 'a room nobody knows', 'src/shared/a.ts', 'export const a = 1;\n'),
  one(
    'rooms',
    'src imports test',
    'src/commands/a.ts',
    importing('../../test/b.ts'),
    code('test/b.ts'),
  ),
  one(
    'rooms',
    'src imports examples',
    'src/commands/a.ts',
    importing('../../examples/b.ts'),
    code('examples/b.ts'),
  ),
  one('rooms', 'imports what is not there', 'src/commands/a.ts', importing('./gone.ts')),
  {
    rule: 'cycles',
    wrong: 'two files import each other, one by type only',
    at: 'src/model/b.ts',
    files: {
      ...code('src/model/a.ts', importing('./b.ts')),
      ...code('src/model/b.ts', "import type { A } from './a.ts';\n"),
    },
  },
  one('homes', 'pg outside its home', 'src/record/a.ts', importing('pg'), PACKAGES),
  one('homes', 'a package without a home', 'src/adapters/a.ts', importing('left-pad'), PACKAGES),
  one('homes', 'a subpath of a package', 'src/decide/a.ts', importing('typebox/compile')),
  one('homes', 'a test imports what is not declared', 'test/a.ts', importing('sinon'), PACKAGES),
  {
    rule: 'homes',
    wrong: 'a dependency nobody may import',
    at: 'package.json',
    files: { 'package.json': '{"dependencies":{"left-pad":"1"}}' },
  },
  {
    rule: 'homes',
    wrong: 'two files import one package',
    at: 'src/adapters/postgres.ts',
    files: {
      ...code('src/adapters/postgres.ts', importing('pg', 'pg')),
      ...code('src/adapters/postgres-pool.ts', importing('pg', 'pg')),
      ...PACKAGES,
    },
  },
  one('built-ins', 'the core reads a file', 'src/detect/a.ts', importing('node:fs')),
  one(
    'built-ins',
    'the core draws a random id',
    'src/model/a.ts',
    importing('node:crypto', '{ hash, randomUUID }'),
  ),
  one('built-ins', 'a socket outside an adapter', 'src/act/a.ts', importing('node:https')),
  one(
    'built-ins',
    'a socket by another name',
    'src/act/a.ts',
    importing('node:net', '{ connect }'),
  ),
  one('built-ins', 'a file outside an adapter', 'src/observer.ts', importing('node:fs/promises')),
];

const IMPURE_LINES = [
  'export const a = await b();',
  'export async function a() {}',
  'export const a: Promise<void> | null = null;',
  'export const a = Date.now();',
  'export const a = new Date();',
  'export const a = new Date(0).toISOString();',
  'export const a = performance.now();',
  'export const a = Math.random();',
  'export const a = crypto.randomUUID();',
  'export const a = setTimeout;',
  'export const a = setInterval(b, 1);',
  'export const a = process.env;',
  "export const a = process['env'];",
  "console.log('a');",
  "export const a = fetch('a');",
  'export const a = globalThis;',
  "export const a = 'a'.localeCompare('b');",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source file
  'export const a = `${b} ${Date.now()}`;',
];

const words: readonly BadTree[] = [
  ...IMPURE_LINES.map((line) => one('purity', line, 'src/score/a.ts', `${line}\n`)),
  one('purity', 'state too', 'src/state/a.ts', 'export const a = Date.now();\n'),
  one('purity', 'the spine too', 'src/pipeline.ts', 'export const a = await b;\n'),
  one('purity', 'model makes a promise', 'src/model/a.ts', 'export const a = Promise.resolve();\n'),
  one('clock', 'an edge reads the clock', 'src/act/a.ts', 'export const a = Date.now();\n'),
  one('clock', 'the loop waits by itself', 'src/observer.ts', 'setTimeout(a, 1);\n'),
  one('clock', 'a part of the loop does', 'src/observer/a.ts', 'setTimeout(a, 1);\n'),
  one('dynamic code', 'eval', 'src/adapters/a.ts', "eval('1');\n"),
  one('dynamic code', 'new Function', 'test/a.ts', "new Function('1');\n"),
  one('dynamic code', 'require', 'examples/a.ts', "require('fs');\n"),
  one('dynamic code', 'createRequire', 'src/adapters/a.ts', 'createRequire(here);\n'),
  one('dynamic code', 'computed import', 'src/commands/a.ts', 'const a = await import(name);\n'),
  one('dynamic code', 'a template is computed', 'src/commands/a.ts', 'await import(`./a.ts`);\n'),
  one('exports', 'default export', 'src/model/a.ts', 'export default 1;\n'),
  one('exports', 'default by another name', 'src/model/a.ts', 'export { a as default };\n'),
  one('exports', 'index.ts', 'src/model/index.ts', 'export const a = 1;\n'),
  one('exports', 'star', 'src/model/a.ts', "export * from './b.ts';\n", code('src/model/b.ts')),
  one(
    'exports',
    'barrel of types',
    'src/model/a.ts',
    "export type { A } from './b.ts';\n",
    code('src/model/b.ts'),
  ),
  {
    ...one('heads', 'no head', 'src/model/a.ts', ''),
    files: { 'src/model/a.ts': 'const a = 1;\n' },
  },
  {
    ...one('heads', 'the sentence is not on the first line', 'src/model/a.ts', ''),
    files: { 'src/model/a.ts': '/**\n * A file.\n */\n' },
  },
  {
    ...one('heads', 'too long', 'src/model/a.ts', ''),
    files: { 'src/model/a.ts': `/** ${'a'.repeat(91)} */\n` },
  },
  one('names', 'a noun that says nothing', 'src/act/lease-manager.ts', ''),
  one('names', 'not kebab-case', 'src/act/leaseStore.ts', ''),
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source file
  one('sql', 'text in a template', 'src/record/a.ts', 'q(`select * from t where a = ${b}`);\n'),
  one(
    'sql',
    'a table name over lines',
    'src/record/a.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source file
    'q(`\n  UPDATE ${table}\n  SET a = 1`);\n',
  ),
  one('sql', 'glued', 'src/record/a.ts', "q('delete from t where a = ' + b);\n"),
  one('tests', 'skipped', 'test/a.test.ts', "import { test } from 'node:test';\ntest.skip('a');\n"),
  one(
    'tests',
    'skipped by an option',
    'test/a.test.ts',
    "import { test } from 'node:test';\ntest('a', { skip: true }, b);\n",
  ),
  one(
    'tests',
    'mocks a module',
    'test/a.test.ts',
    "import { mock, test } from 'node:test';\nmock.module('a');\ntest('a', b);\n",
  ),
  one(
    'tests',
    'ends the process of all others',
    'test/a.test.ts',
    "import { test } from 'node:test';\ntest('a', () => process.exit(0));\n",
  ),
  one('tests', 'empty', 'test/a.test.ts', "import { test } from 'node:test';\n"),
];

const CODES = "export const ERROR_CODES = ['A_CODE', 'B_CODE'] as const;\n";
const errors = (page: string) => ({
  ...code('src/model/errors.ts', CODES),
  'docs/errors.md': page,
});
const SQL_FILE = 'src/record/migrations/0001-a.sql';
const LISTED = 'src/record/migrations/checksums.json';
const migration = (wrong: string, at: string, files: Readonly<Record<string, string>>) => ({
  rule: 'migrations',
  wrong,
  at,
  files,
});
const detector = (wrong: string, at: string, files: Readonly<Record<string, string>>) => ({
  rule: 'detectors',
  wrong,
  at,
  files,
});
const place = (wrong: string, text: string, at = 'docs/a.md') => ({
  rule: 'places',
  wrong,
  at,
  files: { [at]: text },
});

const texts: readonly BadTree[] = [
  {
    rule: 'error codes',
    wrong: 'a code without a line',
    at: 'docs/errors.md',
    files: errors('| `A_CODE` | a | b |\n'),
  },
  {
    rule: 'error codes',
    wrong: 'a line without a code',
    at: 'docs/errors.md',
    files: errors('| `A_CODE` | a |\n| `B_CODE` | b |\n| `C_CODE` | c |\n'),
  },
  {
    rule: 'error codes',
    wrong: 'two lines for one code',
    at: 'docs/errors.md',
    files: errors('| `A_CODE` | a |\n| `B_CODE` | b |\n| `A_CODE` | c |\n'),
  },
  one('mirror', 'tests nothing', 'test/decide/gone.test.ts', ''),
  one('mirror', 'no place on the short list', 'test/everything.test.ts', ''),
  migration('not listed', SQL_FILE, { [SQL_FILE]: 'select 1;' }),
  migration('changed', SQL_FILE, { [SQL_FILE]: 'select 1;', [LISTED]: '{"0001-a.sql":"00"}' }),
  migration('gone', SQL_FILE, { [LISTED]: '{"0001-a.sql":"00"}' }),
  migration('a gap in the numbers', 'src/record/migrations/0002-a.sql', {
    'src/record/migrations/0002-a.sql': 'select 1;',
  }),
  detector('no cases', 'detectors/intent/a.yaml', { 'detectors/intent/a.yaml': 'title: a\n' }),
  detector('only firing cases', 'detectors/intent/a.yaml', {
    'detectors/intent/a.yaml': 'title: a\n',
    'detectors/intent/a.test.yaml': '- name: a\n  expect: [{ detector: a }]\n',
  }),
  detector('only silent cases', 'detectors/intent/a.yaml', {
    'detectors/intent/a.yaml': 'title: a\n',
    'detectors/intent/a.test.yaml': '- name: a\n  expect: []\n',
  }),
  detector('blind is not firing', 'detectors/intent/a.yaml', {
    'detectors/intent/a.yaml': 'title: a\n',
    'detectors/intent/a.test.yaml': '- expect: [{ outcome: blind }]\n- expect: []\n',
  }),
  detector('cases that cannot be read', 'detectors/intent/a.yaml', {
    'detectors/intent/a.yaml': 'title: a\n',
    'detectors/intent/a.test.yaml': '- name: [\n',
  }),
  detector('cases without a detector', 'detectors/intent/a.test.yaml', {
    'detectors/intent/a.test.yaml': CASES,
  }),
  detector('a family nobody knows', 'detectors/other/a.yaml', {
    'detectors/other/a.yaml': 'title: a\n',
    'detectors/other/a.test.yaml': CASES,
  }),
  detector('a level too deep', 'detectors/intent/deep/a.yaml', {
    'detectors/intent/deep/a.yaml': 'title: a\n',
    'detectors/intent/deep/a.test.yaml': CASES,
  }),
  {
    rule: 'plug-ins',
    wrong: 'a kind that no map names',
    at: 'src/detect/kinds/a.ts',
    files: { ...code('src/detect/kinds/a.ts'), ...code('test/conformance/kinds.test.ts') },
  },
  {
    rule: 'plug-ins',
    wrong: 'a map without a conformance run',
    at: 'src/act/drivers/',
    files: {
      ...code('src/act/act.ts', importing('./drivers/a.ts')),
      ...code('src/act/drivers/a.ts'),
    },
  },
  place('the checkout of one engineer', `see ${['', 'work', 'main', 'src'].join('/')}`),
  place('a home folder', `see ${['', 'home', 'somebody'].join('/')}`),
  place('a folder that is not there elsewhere', `see ${['', 'tmp', 'x'].join('/')}`),
  place('a registry', `see https://${['registry', 'npmjs', 'org'].join('.')}/pg`),
  place('a jar store', `see https://${['repo1', 'maven', 'org'].join('.')}/maven2`),
  place('a registry setting', `${'regis'}try=https://a.example/\n`, '.npmrc'),
  place(
    'an address in the lock file',
    `  "${'resol'}ved": "https://a.example"\n`,
    'package-lock.json',
  ),
];

/** Every bad tree. */
export const BAD_TREES: readonly BadTree[] = [...arrows, ...words, ...texts];

const CHECKSUM =
  '{"0001-a.sql":"354b7196c9ba5fb4b21cf615bb6ec4cd5c07503c34229feef033fc081a8c03f4"}';

/** A tree that no rule may complain about: what looks like a fault and is none. */
export const GOOD_TREE: Readonly<Record<string, string>> = {
  ...PACKAGES,
  ...code('src/main.ts', importing('./commands/run.ts')),
  ...code(
    'src/commands/run.ts',
    `${importing('../observer.ts')}${importing('../simulation/fleet.ts')}const b = await import('node:fs');\n`,
  ),
  ...code('src/observer.ts', importing('./model/ports.ts')),
  ...code('src/simulation/fleet.ts', importing('../model/ports.ts')),
  ...code('src/model/errors.ts', CODES),
  ...code(
    'src/model/ports.ts',
    "import { hash } from 'node:crypto';\nexport type A = () => Promise<void>;\n",
  ),
  ...code(
    'src/score/a.ts',
    [
      importing('../stats/b.ts').trim(),
      '// await Date.now() in a comment',
      "export const text = 'await Date.now() and process.env';",
      'export const pattern = /console\\.log|`|"|await/;',
      'export const half = a / 2; // `',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source file
      "export const nested = `a ${`b ${half}`} new Date() ${{ a: '}' }.a}`;",
      'export const performanceOf = (x: { performance: number }) => x.performance;',
      '',
    ].join('\n'),
  ),
  ...code('src/stats/b.ts'),
  ...code('src/adapters/kafka.ts', importing('./kafka-codecs.ts')),
  ...code('src/adapters/kafka-codecs.ts'),
  ...code('src/adapters/postgres.ts', importing('pg', 'pg')),
  ...code('src/act/act.ts', importing('./drivers/webhook.ts')),
  ...code(
    'src/act/drivers/webhook.ts',
    `${importing('node:crypto', '{ createHmac }')}${importing('node:net', '{ isIP }')}`,
  ),
  ...code('test/conformance/drivers.test.ts', "import { test } from 'node:test';\ntest('a', a);\n"),
  ...code('test/score/a.test.ts', "import { test } from 'node:test';\ntest('a', a);\n"),
  ...code(
    'src/record/store.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source file
    "q('select a from b where c = $1', [d]);\nq('select a ' +\n  'from b');\nconst m = `updated ${a}`;\n",
  ),
  'docs/errors.md': '| `A_CODE` | a | b |\n| `B_CODE` | a | b |\n',
  [SQL_FILE]: 'select 1;',
  [LISTED]: CHECKSUM,
  'detectors/intent/a.yaml': 'title: a\n',
  'detectors/intent/a.test.yaml': CASES,
  '.gitignore': ['', 'tmp', ''].join('/'),
};
