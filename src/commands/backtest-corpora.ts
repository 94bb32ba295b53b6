/** Corpora of a backtest: the folders, archives and offset ranges that a command names. */
import path from 'node:path';
import { exists, listFolder } from '../adapters/files.ts';
import { createJsonlBroker } from '../adapters/jsonl.ts';
import { topicFile } from '../adapters/jsonl-lines.ts';
import { createJsonlSequence } from '../adapters/jsonl-sequence.ts';
import type { SourceConfig } from '../model/config/source.ts';
import type { Config } from '../model/config.ts';
import { KINDS } from '../model/event.ts';
import { usage } from './arguments.ts';
import { DEFAULT_SOURCES } from './config.ts';
import type { Library } from './library.ts';
import type { Feed } from './rehearse.ts';
import { firstLineOf, sourcesIn, withDecoder } from './sniff.ts';

/** One corpus, ready to be read as often as needed. */
export interface Corpus {
  /** What it is called in reports, and by the `corpus:` of expectations. */
  readonly name: string;
  /** Its folder or file; for a range of offsets its name. */
  readonly place: string;
  /** Null: the files of the folder `place`. */
  readonly feed: Feed | null;
  /** Labels that lie beside it; null where none do. */
  readonly labels: string | null;
}

/** Folders are looked into this deep. */
const DEPTH_MAX = 4;
const ARCHIVE = /^(.*)\.jsonl(?:\.gz)?$/;
const LABELS = 'labels.jsonl';

/**
 * Every corpus below the places named: a file is an archive of its own, a folder with stream files is
 * one, and a folder without is looked into. A place that holds none is a mistake (CONFIG_INVALID).
 */
export async function corporaIn(
  places: readonly string[],
  library: Library,
  config: Config | null,
): Promise<readonly Corpus[]> {
  const found: Corpus[] = [];
  for (const place of places) {
    if (!(await exists(place))) throw usage(`no such corpus: ${place} is not there`);
    const match = ARCHIVE.exec(path.basename(place));
    const own =
      match === null
        ? await foldersIn(place, topicsOf(config), DEPTH_MAX)
        : [await archive(place, match[1] ?? '', library, config)];
    if (own.length === 0)
      throw usage(
        `${place} holds no corpus: neither ${topicsOf(config).join('.jsonl, ')}.jsonl (or the same with .gz) nor folders with them`,
      );
    found.push(...own);
  }
  const names = found.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw usage(`the corpus ${twice} is named twice`);
  return found;
}

function topicsOf(config: Config | null): string[] {
  const configured = config?.sources.map(({ topic }) => topic) ?? [];
  return [...new Set([...configured, ...DEFAULT_SOURCES.map(({ topic }) => topic)])];
}

async function foldersIn(
  folder: string,
  topics: readonly string[],
  depth: number,
): Promise<Corpus[]> {
  for (const topic of topics)
    if ((await topicFile(folder, topic)) !== null)
      return [{ name: folder, place: folder, feed: null, labels: await labelsNear(folder) }];
  if (depth === 0) return [];
  const found: Corpus[] = [];
  for (const name of await listFolder(folder))
    if (!ARCHIVE.test(name))
      found.push(...(await foldersIn(path.join(folder, name), topics, depth - 1)));
  return found;
}

/** Labels in the folder itself, or in one of the two above it. */
async function labelsNear(folder: string): Promise<string | null> {
  for (const up of ['', '..', '../..']) {
    const file = path.join(folder, up, LABELS);
    if (await exists(file)) return file;
  }
  return null;
}

/** One file: the stream it is named for, or all four kinds mixed. */
async function archive(
  file: string,
  stem: string,
  library: Library,
  config: Config | null,
): Promise<Corpus> {
  const line = await firstLineOf(file);
  if (line === null) throw usage(`${file} is empty`);
  const known = [...(config?.sources ?? []), ...DEFAULT_SOURCES].find(
    ({ topic }) => topic === stem,
  );
  const mixed: SourceConfig = {
    ...{ name: stem, topic: stem, decoder: 'canonical', trust: 'gateway' },
    kinds: [...KINDS],
  };
  const source = withDecoder(known ?? mixed, library, line, known?.decoder ?? 'canonical');
  return {
    ...{ name: file, place: file, labels: await labelsNear(path.dirname(file)) },
    feed: {
      sources: [source],
      open: ({ clock, log }) =>
        createJsonlBroker({ path: file, topics: [source.topic], follow: false, log, clock }),
    },
  };
}

/**
 * The same folders as one corpus that runs through all of them with its state kept, in the order
 * given; the first folder that holds a topic says how it is decoded.
 */
export async function continuous(
  corpora: readonly Corpus[],
  library: Library,
  config: Config | null,
): Promise<Corpus> {
  const folders = corpora.map(({ feed, place, name }) => {
    if (feed === null) return place;
    throw usage(`--continuous runs through folders of streams; ${name} is none`);
  });
  const sources = new Map<string, SourceConfig>();
  for (const folder of folders)
    for (const source of await sourcesIn(folder, library, config))
      if (!sources.has(source.topic)) sources.set(source.topic, source);
  const name = folders.join(' then ');
  return {
    ...{ name, place: name, labels: null },
    feed: {
      sources: [...sources.values()],
      open: ({ clock }) => createJsonlSequence({ folders, topics: [...sources.keys()], clock }),
    },
  };
}
