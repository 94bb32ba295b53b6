/** Sniffing: which decoder reads the files of a folder, tried on their first records. */
import { systemClock } from '../adapters/clock.ts';
import { exists } from '../adapters/files.ts';
import { readFirstLine, readLines } from '../adapters/jsonl-lines.ts';
import type { SourceConfig } from '../model/config/source.ts';
import { OperatingError } from '../model/errors.ts';
import { createDecode } from '../source/source.ts';
import { DEFAULT_SOURCES } from './config.ts';
import type { Library } from './library.ts';

/**
 * What to read in a folder: the sources of the configuration whose files it holds, with their own
 * settings; where it holds none of these, the four streams by their usual names. Each with the first
 * decoder that reads its first record, the configured one before others.
 */
export async function sourcesIn(
  dir: string,
  library: Library,
  config: { readonly sources: readonly SourceConfig[] } | null,
): Promise<readonly SourceConfig[]> {
  const configured: SourceConfig[] = [];
  for (const source of config?.sources ?? []) {
    const line = await readFirstLine(dir, source.topic);
    if (line !== null) configured.push(withDecoder(source, library, line, source.decoder));
  }
  return configured.length > 0 ? configured : await sniffSources(dir, library);
}

/** The four streams, each with the first decoder that reads its first record. */
export async function sniffSources(
  dir: string,
  library: Library,
): Promise<readonly SourceConfig[]> {
  const sources: SourceConfig[] = [];
  for (const source of DEFAULT_SOURCES) {
    const line = await readFirstLine(dir, source.topic);
    if (line === null) continue;
    sources.push(withDecoder(source, library, line, 'canonical'));
  }
  if (sources.length > 0) return sources;
  const wanted = DEFAULT_SOURCES.map(({ topic }) => `${topic}.jsonl`).join(', ');
  if (!(await exists(dir)))
    throw new OperatingError('SOURCE_UNREADABLE', `${dir}: there is no such folder`, {
      retryable: false,
    });
  const message = `${dir} holds none of ${wanted} (or the same with .gz); for other names give --config`;
  throw new OperatingError('SOURCE_UNREADABLE', message, { retryable: false });
}

/** The first line of one file; null where it is empty. */
export async function firstLineOf(file: string): Promise<Buffer | null> {
  for await (const line of readLines(file)) return line;
  return null;
}

/** The source with the first decoder that reads `line`: `first`, then canonical, then mappings. */
export function withDecoder(
  source: SourceConfig,
  library: Library,
  line: Buffer,
  first: string,
): SourceConfig {
  const names = [first, 'canonical', ...library.mappings.keys()];
  const decoder = names.find((name) => reads({ ...source, decoder: name }, library, line));
  return { ...source, decoder: decoder ?? first };
}

function reads(source: SourceConfig, library: Library, line: Buffer): boolean {
  const { decode, problems } = createDecode([source], library.mappings);
  if (problems.length > 0) return false;
  const record = {
    topic: source.topic,
    partition: 0,
    offset: 0,
    timestampMs: systemClock.nowMs(),
    key: null,
    value: line,
  };
  return decode(record).events.length > 0;
}
