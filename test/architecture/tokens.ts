/** Words that may not stand in the code: purity of the floors, and what is banned everywhere. */
import { arrowsOf, CODE, PURE_ROOMS, roomOf } from './imports.ts';
import { lineAt } from './scan.ts';
import { pathsLike, type Tree, type Violation } from './tree.ts';

type Ban = readonly [pattern: RegExp, why: string];

const TIME: readonly Ban[] = [
  [/\bDate\.now\b/g, 'time enters as data, or through the Clock port'],
  [/\bnew Date\s*\(\s*\)/g, 'time enters as data, or through the Clock port'],
  [/(?<![.\w$])performance\b\s*\./g, 'time enters as data, or through the Clock port'],
  [/(?<![.\w$])set(?:Timeout|Interval|Immediate)\b/g, 'waiting goes through the Clock port'],
];

const IMPURE: readonly Ban[] = [
  ...TIME,
  [/\bawait\b/g, 'pure floors are synchronous'],
  [/\basync\b/g, 'pure floors are synchronous'],
  [/(?<![.\w$])queueMicrotask\b/g, 'pure floors are synchronous'],
  [/\bnew Date\s*\(\s*[^\s)]/g, 'no Date: times are numbers of milliseconds'],
  [/\bMath\.random\b/g, 'no randomness; a seed is a parameter'],
  [/\b(?:randomBytes|randomUUID|randomInt|getRandomValues)\b/g, 'no randomness'],
  [/(?<![.\w$])process\s*[.[]/g, 'no process'],
  [/(?<![.\w$])console\b/g, 'no console: the core returns counters and notices'],
  [/(?<![.\w$])fetch\s*\(/g, 'no I/O'],
  [/\bglobalThis\b/g, 'no globals'],
  [/\blocaleCompare\b|\btoLocale\w+|\bIntl\b/g, 'order and text must not depend on a locale'],
];

const PROMISE: Ban = [/\bPromise\b/g, 'pure floors are synchronous'];
// A port is described in model, and what it promises is a type. Making or combining promises stays banned.
const PROMISE_VALUE: Ban = [/\bPromise\s*[.(]|\bnew Promise\b/g, 'model may name a promise only'];

const scanBans = (tree: Tree, path: string, bans: readonly Ban[], found: Violation[]): void => {
  const { text, bare } = tree.scan(path);
  for (const [pattern, why] of bans) {
    for (const match of bare.matchAll(pattern)) {
      const message = `\`${match[0].trim()}\`: ${why}`;
      found.push({ path, line: lineAt(text, match.index), message });
    }
  }
};

/** Floors 1 to 3: no waiting, no clock, no chance, no world. */
export function checkPurity(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const path of pathsLike(tree, /^src\/.*\.ts$/)) {
    const room = roomOf(path);
    if (!PURE_ROOMS.has(room)) continue;
    scanBans(tree, path, [...IMPURE, room === 'model' ? PROMISE_VALUE : PROMISE], found);
  }
  return found;
}

/** Edge rooms may wait, but only on ports: the clock is one of them. */
export function checkClock(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const path of pathsLike(
    tree,
    /^src\/(?:(?:act|lanes|record|api|observer)\/.*|observer)\.ts$/,
  )) {
    scanBans(tree, path, TIME, found);
  }
  return found;
}

const BANNED: readonly Ban[] = [
  [/\bnew Function\b/g, 'text never becomes code'],
  [/(?<![.\w$])eval\s*\(/g, 'text never becomes code'],
  [/(?<![.\w$])(?:require|createRequire)\s*\(/g, 'ES modules only'],
];
const COMPUTED: Ban = [/\bimport\s*\(\s*[^\s'"]/g, 'an arrow nobody can see cannot be checked'];

/** The one file that imports what it finds: it loads every module so that coverage sees it. */
const COMPUTED_ALLOWED = 'test/imports.test.ts';

/** Nowhere: text made code, `require`, computed `import()`. */
export function checkDynamicCode(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const path of pathsLike(tree, CODE)) {
    const bans = path === COMPUTED_ALLOWED ? BANNED : [...BANNED, COMPUTED];
    scanBans(tree, path, bans, found);
  }
  return found;
}

const SQL =
  /^\W*(?:select\s[\s\S]*\bfrom\b|select\s+\w+\(|insert\s+into\b|update\s+[\w."${}]+\s+(?:as\s+\w+\s+)?set\b|delete\s+from\b|with\s[\s\S]*\bas\s*(?:materialized\s*)?\(|(?:create|alter|drop)\s+(?:or\s+replace\s+)?(?:unique\s+)?(?:table|index|schema|database|role|user|type|function|sequence|view|trigger)\b|truncate\s|set\s+(?:local|session)\b|copy\s+\w|listen\s+\w|notify\s+\w|lock\s+table\b)/i;

/** SQL takes parameters, never text: no `${` in a statement and nothing glued to one. */
export function checkSql(tree: Tree): Violation[] {
  const found: Violation[] = [];
  // The simulated fleet writes statements into the arguments of its tool calls and has no database.
  for (const path of pathsLike(tree, /^(?:src\/(?!simulation\/)|examples\/).*\.ts$/)) {
    const { text, bare, literals } = tree.scan(path);
    for (const { start, end, interpolated } of literals) {
      const glued = /^\s*\+\s*[^\s'"`]/.test(bare.slice(end, end + 80));
      if ((interpolated || glued) && SQL.test(text.slice(start + 1, end - 1))) {
        const message = 'SQL is built from text: use $1, $2 and parameters';
        found.push({ path, line: lineAt(text, start), message });
      }
    }
  }
  return found;
}

/** Nothing of `src` is loaded by tests through a mock of our own modules, and no test is skipped. */
export function checkTests(tree: Tree): Violation[] {
  const found: Violation[] = [];
  const bans: readonly Ban[] = [
    [/\bmock\.(?:module|timers|method|getter|setter)\b/g, 'a wish for a mock is a missing port'],
    [/\b(?:it|test|describe|suite)\.(?:skip|todo|only)\b/g, 'a test runs or is deleted'],
    [/\b(?:t|context)\.(?:skip|todo)\s*\(/g, 'a test runs or is deleted'],
    [/\b(?:skip|todo|only):/g, 'a test runs or is deleted'],
  ];
  for (const path of pathsLike(tree, /^test\/.*\.test\.ts$/)) {
    scanBans(tree, path, bans, found);
    const isUnit = !path.startsWith('test/integration/');
    if (isUnit) scanBans(tree, path, [[/\bprocess\.exit\b/g, 'ends every other test']], found);
    const runsContract = arrowsOf(tree, path).some(({ to }) => to?.startsWith('test/conformance/'));
    if (!runsContract && !/\btest\s*\(|\bit\s*\(/.test(tree.scan(path).bare)) {
      found.push({ path, line: 0, message: 'holds no test' });
    }
  }
  return found;
}
