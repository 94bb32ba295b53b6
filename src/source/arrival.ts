/** Arrival: when a record came, which its producer may say, but not later than it was read. */
import type { Rec } from '../model/ports.ts';

/**
 * The record as it counts at `nowMs`. In Kafka producers set its time as they set that of the event: were
 * both believed, one record from the future would carry the watermark there, and nothing brings it back.
 * Where to read on is found by the time it bears, so positions are of the record as it is.
 */
export function arrivedBy(record: Rec, nowMs: number): Rec {
  return record.timestampMs > nowMs ? { ...record, timestampMs: nowMs } : record;
}
