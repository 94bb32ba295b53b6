/** A log that keeps its lines for a test to look at. */
import type { Log } from '../../src/model/ports.ts';

/** One line. */
export interface LogLine {
  readonly level: keyof Log;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A log and what was written to it. */
export function createTestLog(): { readonly log: Log; readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: keyof Log) => (fields: LogLine['fields'], message: string) => {
    lines.push({ level, fields, message });
  };
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { log, lines };
}
