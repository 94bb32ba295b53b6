/** Samples: a file of records as a user has it, cut into the records a source would deliver. */
import { readBytes } from '../adapters/files.ts';
import type { Decode } from '../source/source.ts';
import { usage } from './arguments.ts';

/** Bytes of a sample that are read. */
const SAMPLE_BYTES_MAX = 64 * 1024 * 1024;
/** Records of a sample that are decoded. */
export const SAMPLE_RECORDS_MAX = 10_000;

/** Records of a sample, and how many more the file holds. */
export interface Sample {
  readonly records: readonly Buffer[];
  readonly more: number;
  /** How the file was cut. */
  readonly form: 'one record' | 'JSON array' | 'JSON lines';
}

/**
 * Reads and cuts a sample: a file that is one JSON text, or none at all, is one record; an array whose
 * decoder does not read arrays gives its items, and several JSON texts are one record a line.
 */
export async function readSample(
  file: string,
  reads: (record: Buffer) => boolean,
): Promise<Sample> {
  const bytes = await readBytes(file, SAMPLE_BYTES_MAX);
  if (bytes === null)
    throw usage(`${file} is larger than ${SAMPLE_BYTES_MAX / 1024 / 1024} MiB; give a part of it`);
  if (bytes.length === 0) throw usage(`${file} is empty`);
  const whole = parsed(bytes.toString('utf8'));
  if (whole !== undefined) {
    if (!Array.isArray(whole) || reads(bytes)) return only(bytes);
    return cut(
      whole.map((one) => Buffer.from(JSON.stringify(one) ?? 'null')),
      'JSON array',
    );
  }
  const lines = linesOf(bytes);
  const [first] = lines;
  if (lines.length > 1 && first !== undefined && parsed(first.toString('utf8')) !== undefined)
    return cut(lines, 'JSON lines');
  return only(bytes);
}

const only = (bytes: Buffer): Sample => ({ records: [bytes], more: 0, form: 'one record' });

function cut(records: readonly Buffer[], form: Sample['form']): Sample {
  const kept = records.slice(0, SAMPLE_RECORDS_MAX);
  return { records: kept, more: records.length - kept.length, form };
}

function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(0x0a, from);
    const line = bytes.subarray(from, end < 0 ? bytes.length : end);
    from += line.length + 1;
    if (line.some((byte) => byte > 0x20)) lines.push(line);
  }
  return lines;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

/** Does the decoder make anything of these bytes as one record? */
export function readsWhole(decode: Decode, topic: string, nowMs: number) {
  return (value: Buffer): boolean => {
    const at = { topic, partition: 0, offset: 0, timestampMs: nowMs, key: null };
    const { events, deadLetters } = decode({ ...at, value });
    return events.length > 0 || deadLetters.length === 0;
  };
}
