/** Retiming: moves every time in a record by the same amount, whatever its format. */

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/**
 * The record with every RFC 3339 text at its top level, and a canonical `time.eventNs`, moved by
 * `shiftMs`. A record that is no JSON object is returned as it is.
 */
export function shifted(line: Buffer, shiftMs: number): Buffer {
  const record = objectOf(line);
  if (record === null) return line;
  for (const [key, value] of Object.entries(record))
    if (typeof value === 'string' && RFC3339.test(value)) {
      const ms = Date.parse(value);
      if (Number.isFinite(ms)) record[key] = new Date(ms + shiftMs).toISOString();
    }
  const time = record['time'];
  if (typeof time === 'object' && time !== null && 'eventNs' in time) {
    const { eventNs } = time;
    if (typeof eventNs === 'string' && /^\d{1,20}$/.test(eventNs))
      record['time'] = { ...time, eventNs: String(BigInt(eventNs) + BigInt(shiftMs) * 1_000_000n) };
  }
  return Buffer.from(JSON.stringify(record));
}

function objectOf(line: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null;
  } catch (cause) {
    // Not JSON: the daemon's dead letters will say so; here it has no time to move.
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
}
