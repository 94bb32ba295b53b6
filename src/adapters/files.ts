/** Files: YAML with line numbers, whole texts, atomic writes; the only home of `yaml`. */
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  stringify,
  visit,
} from 'yaml';
import { OperatingError, type Problem } from '../model/errors.ts';

/** One document of a YAML file. */
export interface YamlDocument {
  /** Plain data: objects, arrays, strings, numbers, booleans, null. */
  readonly value: unknown;
  /**
   * 1-based line of the key or item at a path; where the path does not exist, that of its nearest
   * ancestor; null for an empty document.
   */
  lineOf(path: readonly (string | number)[]): number | null;
}

/** A parsed YAML file. */
export interface YamlFile {
  readonly file: string;
  readonly documents: readonly YamlDocument[];
  /**
   * Documents with a problem that can be read all the same (a key stands twice: the last one holds).
   * Not to be used, only to be judged, so that all their other mistakes are named too.
   */
  readonly faulty: readonly YamlDocument[];
}

/** Bytes of a YAML file at most. */
const YAML_BYTES_MAX = 1024 * 1024;
/** Aliases may not multiply a small file into a large value. */
const ALIASES_MAX = 100;

/**
 * Parses YAML text (1.2, duplicate keys refused). Documents with a syntax problem are left out and
 * every problem is returned. Never throws for anything that the text says.
 */
export function parseYaml(file: string, text: string): { file: YamlFile; problems: Problem[] } {
  const problems: Problem[] = [];
  const problem = (line: number | null, message: string) =>
    problems.push({ file, line, key: '', message });
  if (Buffer.byteLength(text) > YAML_BYTES_MAX) {
    problem(null, `larger than ${YAML_BYTES_MAX} bytes; split the file`);
    return { file: { file, documents: [], faulty: [] }, problems };
  }
  const lines = new LineCounter();
  const documents: YamlDocument[] = [];
  const faulty: YamlDocument[] = [];
  const options = {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    version: '1.2',
  } as const;
  const parsed = parseAllDocuments(text, options);
  for (const document of Array.isArray(parsed) ? (parsed as Document.Parsed[]) : []) {
    const faults = [...document.errors, ...document.warnings];
    for (const fault of faults) problem(lines.linePos(fault.pos[0]).line, wordingOf(fault));
    if (faults.some(({ code }) => code !== 'DUPLICATE_KEY')) continue;
    const orphans = orphanAliases(document);
    for (const { name, at } of orphans)
      problem(
        lines.linePos(at).line,
        `*${name} names no anchor; if it begins with a wildcard, write it in quotes: '*${name}'`,
      );
    if (orphans.length > 0) continue;
    try {
      const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
      const read = { value, lineOf: (at: Path) => lineOf(document, lines, at) };
      (faults.length === 0 ? documents : faulty).push(read);
    } catch (cause) {
      problem(null, cause instanceof Error ? cause.message : 'cannot be resolved');
    }
  }
  return { file: { file, documents, faulty }, problems };
}

type Path = readonly (string | number)[];

/** What to write instead, for the mistakes that are made most. */
function wordingOf({ code, message }: { readonly code: string; readonly message: string }): string {
  if (code === 'DUPLICATE_KEY')
    return `${message}: this one stands twice; put its values into one list, or into two maps`;
  if (code === 'BAD_ALIAS')
    return `${message}; a value that begins with * is written in quotes: '*…'`;
  if (code === 'UNEXPECTED_TOKEN' || code === 'BAD_SCALAR_START')
    return `${message}; a value that begins with % or @ or a backquote is written in quotes`;
  return message;
}

/** Aliases without an anchor: most of them are unquoted wildcards. */
function orphanAliases(document: Document.Parsed): { name: string; at: number }[] {
  const found: { name: string; at: number }[] = [];
  visit(document, {
    Alias(_key, node) {
      if (node.resolve(document) === undefined)
        found.push({ name: node.source, at: node.range?.[0] ?? 0 });
    },
  });
  return found;
}

/** Reads and parses a YAML file. A file that cannot be read is a problem like any other. */
export async function readYamlDocuments(
  file: string,
): Promise<{ file: YamlFile; problems: Problem[] }> {
  const none: YamlFile = { file, documents: [], faulty: [] };
  try {
    const { size } = await stat(file);
    if (size > YAML_BYTES_MAX) {
      const message = `larger than ${YAML_BYTES_MAX} bytes; split the file`;
      return { file: none, problems: [{ file, line: null, key: '', message }] };
    }
    return parseYaml(file, await readFile(file, 'utf8'));
  } catch (cause) {
    const message = `cannot be read: ${saidOf(cause)}`;
    return { file: none, problems: [{ file, line: null, key: '', message }] };
  }
}

/**
 * Reads every `.yaml` and `.yml` of a folder, by name, without its subfolders; of these only the ones
 * whose names `wanted` takes. A missing folder is an empty one where `optional` is set, and a problem
 * otherwise.
 */
export async function readYamlFolder(
  folder: string,
  options: { readonly optional?: boolean; readonly wanted?: (name: string) => boolean } = {},
): Promise<{ files: YamlFile[]; problems: Problem[] }> {
  const { wanted = () => true } = options;
  let names: string[];
  try {
    names = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name) && wanted(name)).sort();
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' && options.optional === true) return { files: [], problems: [] };
    const message = `folder cannot be read: ${saidOf(cause)}`;
    return { files: [], problems: [{ file: folder, line: null, key: '', message }] };
  }
  const files: YamlFile[] = [];
  const problems: Problem[] = [];
  for (const name of names) {
    const read = await readYamlDocuments(path.join(folder, name));
    files.push(read.file);
    problems.push(...read.problems);
  }
  return { files, problems };
}

/** YAML text of plain data, keys in the order given, lines up to 100 columns. */
export function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 100, version: '1.2' });
}

/**
 * The same, but what lists below the keys of `flow` hold is written in braces, so that an event of a case
 * is a line or two.
 */
export function toYamlLines(value: unknown, flow: ReadonlySet<string>): string {
  const document = new Document(value, { version: '1.2' });
  visit(document, {
    Pair(_, { key, value: held }) {
      if (!isScalar(key) || !flow.has(String(key.value)) || !isSeq(held)) return undefined;
      for (const item of held.items) if (isCollection(item)) item.flow = true;
      return visit.SKIP;
    },
  });
  return document.toString({ lineWidth: 100, flowCollectionPadding: true });
}

/** Whole text of a file. NOT_FOUND where there is none, SOURCE_UNREADABLE where it cannot be read. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

/** Bytes of a file; null where it holds more than `most`. Errors as of readText. */
export async function readBytes(file: string, most: number): Promise<Buffer | null> {
  try {
    return (await stat(file)).size > most ? null : await readFile(file);
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

/** True where a file or folder is there. */
export async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return false;
    throw unreadable(file, cause);
  }
}

/** Names in a folder, sorted; empty where there is no such folder. */
export async function listFolder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return [];
    throw unreadable(folder, cause);
  }
}

/**
 * Replaces a file as a whole: whoever reads it sees the old text or the new, also after a crash.
 * Makes missing folders. Resolves when the text is on disk.
 */
export async function writeAtomic(file: string, text: string | Buffer): Promise<void> {
  const folder = path.dirname(file);
  const draft = path.join(folder, `.${path.basename(file)}.${process.pid}.tmp`);
  let isDrafted = false;
  try {
    await mkdir(folder, { recursive: true });
    const handle = await open(draft, 'w');
    isDrafted = true;
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
    // The new name itself must survive a crash too.
    const directory = await open(folder, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (cause) {
    if (isDrafted) await rm(draft, { force: true });
    throw unwritable(file, cause);
  }
}

/**
 * Makes a file that only its owner may read, unless there is one: false then, and nothing is changed.
 * Makes missing folders. Whoever reads it sees all of the text.
 */
export async function createSecret(file: string, text: string): Promise<boolean> {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await rm(draft, { force: true });
    const handle = await open(draft, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(draft, file);
    return true;
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return false;
    throw unwritable(file, cause);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Puts a file in the place of another, at once. */
export async function replaceFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (cause) {
    throw unwritable(to, cause);
  }
}

function unwritable(file: string, cause: unknown): OperatingError {
  return new OperatingError('SOURCE_UNREADABLE', `${file} cannot be written: ${codeOf(cause)}`, {
    retryable: false,
    cause,
  });
}

function unreadable(file: string, cause: unknown): OperatingError {
  const code = codeOf(cause);
  return new OperatingError(
    code === 'ENOENT' ? 'NOT_FOUND' : 'SOURCE_UNREADABLE',
    `${file} cannot be read: ${saidOf(cause)}`,
    { retryable: false, cause },
  );
}

/** The system's code in words; the code beside it, for those who search for it. */
function saidOf(cause: unknown): string {
  const code = codeOf(cause);
  const words = SAID.get(code);
  return words === undefined ? code : `${words} (${code})`;
}

const SAID: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such file or folder'],
  ['EACCES', 'no permission'],
  ['EISDIR', 'it is a folder'],
  ['ENOTDIR', 'a part of its path is no folder'],
]);

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
}

/** Follows a path through the nodes; remembers the line of the last one that exists. */
function lineOf(
  document: Document.Parsed,
  lines: LineCounter,
  at: readonly (string | number)[],
): number | null {
  let node: Node | null = document.contents;
  let line = startLine(node, lines);
  for (const segment of at) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => String(isScalar(item.key) ? item.key.value : item.key) === String(segment),
      );
      if (pair === undefined) return line;
      line = startLine(pair.key as Node, lines) ?? line;
      node = pair.value as Node | null;
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(segment)];
      if (item === undefined) return line;
      node = item as Node | null;
      line = startLine(node, lines) ?? line;
    } else return line;
  }
  return line;
}

function startLine(node: Node | null, lines: LineCounter): number | null {
  const start = node?.range?.[0];
  return start === undefined ? null : lines.linePos(start).line;
}
