/** Headers of Kafka records, as texts and within limits. */
import { isUtf8 } from 'node:buffer';
import type { Rec } from '../model/ports.ts';

/** Headers as the client library gives them. */
export type GivenHeaders = Readonly<
  Record<string, Buffer | string | readonly (Buffer | string)[] | undefined>
>;

/** Headers of one record that are kept. */
const HEADERS_MAX = 64;
/** UTF-16 units of a name, and bytes of a value, that are kept. */
const NAME_MAX = 256;
const VALUE_MAX = 4096;

/**
 * The record with its headers, names in lower case; as it is where there are none. Of a name that is given
 * twice the last counts. What is larger than the limits, or not UTF-8, is left out: no decoder needs it.
 */
export function withHeaders(record: Rec, headers: GivenHeaders | undefined): Rec {
  if (headers === undefined) return record;
  let made: Record<string, string> | null = null;
  let count = 0;
  for (const name in headers) {
    if (!Object.hasOwn(headers, name)) continue;
    if (name.length > NAME_MAX || count >= HEADERS_MAX) continue;
    const text = textOf(headers[name]);
    if (text === null) continue;
    made ??= Object.create(null) as Record<string, string>;
    made[name.toLowerCase()] = text;
    count += 1;
  }
  return made === null ? record : { ...record, headers: made };
}

function textOf(value: GivenHeaders[string]): string | null {
  const last = Array.isArray(value) ? value.at(-1) : value;
  if (last === undefined) return null;
  const bytes = typeof last === 'string' ? Buffer.from(last) : last;
  return bytes.length <= VALUE_MAX && isUtf8(bytes) ? bytes.toString('utf8') : null;
}
