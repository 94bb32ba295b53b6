/** The mirror: figures about the code that are read and discussed, and fail nothing. */
import { arrowsOf } from './imports.ts';
import { lineAt } from './scan.ts';
import { pathsLike, type Tree } from './tree.ts';

interface Sized {
  readonly name: string;
  readonly lines: number;
}

const linesOf = (tree: Tree, path: string): number => lineAt(tree.files.get(path) ?? '', Infinity);

const longest = (list: readonly Sized[], count: number): string =>
  [...list]
    .sort((a, b) => b.lines - a.lines || (a.name < b.name ? -1 : 1))
    .slice(0, count)
    .map(({ name, lines }) => `${name} ${lines}`)
    .join(' · ');

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** Functions and methods by their braces; arrow functions count where they are given a name. */
function functionsOf(tree: Tree, path: string): Sized[] {
  const { bare, text } = tree.scan(path);
  const heads =
    /^ {0,2}(?:export )?(?:async )?(?:function\*? (\w+)|const (\w+) = (?:async )?(?:<[^\n]*>)?\([^\n]*)/gm;
  return [...bare.matchAll(heads)].flatMap((match) => {
    const indent = /^ */.exec(match[0])?.[0] ?? '';
    const rest = bare.slice(match.index);
    // Biome closes a body at the indentation of its head; one-liners end on their own line.
    const block = new RegExp(`\\n${indent}[}\\])][^\\n]*`).exec(rest);
    const expression = /^[^\n]*(?:=>|;)\n/.test(rest) ? /;\n/.exec(rest) : null;
    const to = match.index + ((expression ?? block)?.index ?? match[0].length - 1) + 1;
    const lines = lineAt(text, to) - lineAt(text, match.index) + 1;
    return [{ name: `${path.slice(4)}:${match[1] ?? match[2] ?? ''}`, lines }];
  });
}

function fanIn(tree: Tree, paths: readonly string[]): Sized[] {
  const counts = new Map<string, number>();
  for (const path of paths) {
    for (const { to } of arrowsOf(tree, path)) {
      if (to !== null) counts.set(to, (counts.get(to) ?? 0) + 1);
    }
  }
  return [...counts].map(([name, lines]) => ({ name, lines }));
}

/** Exported names that no other file of src, test, bench or examples mentions in an import. */
function deadExports(tree: Tree, sources: readonly string[]): readonly string[] {
  const wanted = new Set<string>();
  for (const path of pathsLike(tree, /\.ts$/)) {
    for (const { clause } of arrowsOf(tree, path)) {
      for (const name of clause.match(/\w+/g) ?? []) wanted.add(name);
    }
  }
  const pattern = /^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/gm;
  return sources.flatMap((path) =>
    [...tree.scan(path).bare.matchAll(pattern)]
      .map((match) => match[1] ?? '')
      .filter((name) => !wanted.has(name))
      .map((name) => `${path.slice(4)}:${name}`),
  );
}

/** One line per figure. */
export function figures(tree: Tree): readonly string[] {
  const sources = pathsLike(tree, /^src\/.*\.ts$/);
  const tests = pathsLike(tree, /^test\/.*\.ts$/);
  const files = sources.map((path) => ({ name: path.slice(4), lines: linesOf(tree, path) }));
  const sorted = files.map((file) => file.lines).sort((a, b) => a - b);
  const total = sorted.reduce((sum, lines) => sum + lines, 0);
  const tested = tests.reduce((sum, path) => sum + linesOf(tree, path), 0);
  const comments = sources.reduce((sum, path) => sum + tree.scan(path).commentLines, 0);
  const functions = sources.flatMap((path) => functionsOf(tree, path));
  const dead = deadExports(tree, sources);
  const share = (part: number, whole: number, factor: number) =>
    whole === 0 ? '–' : ((factor * part) / whole).toFixed(factor === 1 ? 2 : 1);
  return [
    `src: ${sources.length} files, ${total} lines, median ${quantile(sorted, 0.5)}, p90 ${quantile(sorted, 0.9)}`,
    `comments ${share(comments, total, 100)} % · test lines per source line ${share(tested, total, 1)}`,
    `longest files: ${longest(files, 10)}`,
    `longest functions: ${longest(functions, 10)}`,
    `most imported: ${longest(fanIn(tree, sources), 5)}`,
    `exports nobody imports (${dead.length}): ${dead.slice(0, 10).join(' · ') || 'none'}`,
  ];
}
