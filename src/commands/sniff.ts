/** Sniffing: which decoder reads the files of a folder, tried on their first records. */
import { systemClock } from '../adapters/clock.ts';
import { readFirstLine } from '../adapters/jsonl-lines.ts';
import type { SourceConfig } from '../model/config.ts';
import { OperatingError } from '../model/errors.ts';
import { createDecode } from '../source/source.ts';
import { DEFAULT_SOURCES } from './config.ts';
import type { Library } from './library.ts';

/** The four streams, each with the first decoder that reads its first record. */
export async function sniffSources(
  dir: string,
  library: Library,
): Promise<readonly SourceConfig[]> {
  const names = ['canonical', ...library.mappings.keys()];
  const sources: SourceConfig[] = [];
  for (const source of DEFAULT_SOURCES) {
    const line = await readFirstLine(dir, source.topic);
    if (line === null) continue;
    const decoder = names.find((name) => reads({ ...source, decoder: name }, library, line));
    sources.push({ ...source, decoder: decoder ?? 'canonical' });
  }
  if (sources.length > 0) return sources;
  const wanted = DEFAULT_SOURCES.map(({ topic }) => `${topic}.jsonl`).join(', ');
  const message = `${dir} holds none of ${wanted} (or the same with .gz); for other names give --config`;
  throw new OperatingError('SOURCE_UNREADABLE', message, { retryable: false });
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
