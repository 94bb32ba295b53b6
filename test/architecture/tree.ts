/** The tree under test: paths and texts, from the disk or made up in memory. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { type Scan, scan } from './scan.ts';

/** Files by path relative to the root, with forward slashes. */
export interface Tree {
  readonly files: ReadonlyMap<string, string>;
  /** Scan of a TypeScript file of the tree; made once per file. */
  scan(path: string): Scan;
}

/** A broken rule: where, and what to do about it. */
export interface Violation {
  readonly path: string;
  /** 1-based; 0 where the whole file is meant. */
  readonly line: number;
  readonly message: string;
}

/** A tree over texts in memory. */
export function treeOf(
  files: Readonly<Record<string, string>> | ReadonlyMap<string, string>,
): Tree {
  const map = files instanceof Map ? files : new Map(Object.entries(files));
  const scans = new Map<string, Scan>();
  return {
    files: map,
    scan(path) {
      const known = scans.get(path);
      if (known !== undefined) return known;
      const made = scan(map.get(path) ?? '');
      scans.set(path, made);
      return made;
    },
  };
}

// Named folders and kinds of file instead of `git ls-files`: works in a tarball, and a scores file of
// 100 MB that somebody left at the top level is no business of this test.
const FOLDERS =
  'src test detectors baselines mappings docs bench console deploy examples scripts changelog.d .ci';
const TEXT = /(?:\.(?:ts|mjs|js|tsx|sql|ya?ml|json|md|sh|css|html|txt)|\/[^/.]+|\/\.[a-z]+)$/;
const SIZE_MAX = 1 << 20;

const walk = (root: string, folder: string, files: Map<string, string>): void => {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' && entry.name !== 'dist') walk(root, path, files);
    } else {
      add(root, path, files);
    }
  }
};

const add = (root: string, path: string, files: Map<string, string>): void => {
  const name = relative(root, path).split(sep).join(posix.sep);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() && TEXT.test(`/${name}`) && stat.size <= SIZE_MAX) {
    files.set(name, readFileSync(path, 'utf8'));
  }
};

/** The tree on disk below `root`: known folders, and text files at the top level. */
export function readTree(root: string): Tree {
  const files = new Map<string, string>();
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    if (entry.isFile()) add(root, join(root, entry.name), files);
  }
  for (const folder of FOLDERS.split(' ')) {
    const path = join(root, folder);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) walk(root, path, files);
  }
  return treeOf(files);
}

/** Paths that match, sorted. */
export function pathsLike(tree: Tree, pattern: RegExp): readonly string[] {
  return [...tree.files.keys()].filter((path) => pattern.test(path)).sort();
}
