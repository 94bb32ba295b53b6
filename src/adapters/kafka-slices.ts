/** Slices: records of one partition in pieces of bounded count and size. */
import type { Rec } from '../model/ports.ts';

/** Most records handed over at once. */
const SLICE_RECORDS_MAX = 500;
/** Most payload bytes handed over at once, unless one record alone has more. */
const SLICE_BYTES_MAX = 1_048_576;

/** Cuts records of one partition into slices of bounded count and size, in order. */
export function* cutSlices(records: readonly Rec[]): Generator<readonly Rec[]> {
  let from = 0;
  let bytes = 0;
  for (let at = 0; at < records.length; at++) {
    const record = records[at];
    const size = (record?.value?.length ?? 0) + (record?.key?.length ?? 0);
    if (at > from && (at - from >= SLICE_RECORDS_MAX || bytes + size > SLICE_BYTES_MAX)) {
      yield records.slice(from, at);
      from = at;
      bytes = 0;
    }
    bytes += size;
  }
  if (from < records.length) yield records.slice(from);
}
