/** `cases`: what was found, newest first. */
import { LEVELS } from '../model/detection.ts';
import { short } from '../model/ids.ts';
import { listCases } from '../record/read.ts';
import { usage } from './arguments.ts';
import type { Command } from './command.ts';
import { safe, table, timeOf, typed } from './output.ts';
import { withStore } from './reading.ts';

const HEAD = ['CASE', 'LAST', 'LEVEL', 'STATE', 'DETECTIONS', 'STANDING LEASES', 'WHAT'];

/** The command. */
export const cases: Command = {
  name: 'cases',
  synopsis: 'cases [--agent ID] [--level LEVEL] [--open] [--limit N]',
  summary: 'list cases, newest first',
  options: { agent: 'value', level: 'value', open: 'flag', limit: 'value' },
  run: async (given, { output, environment }) => {
    const named = given.value('level');
    const minLevel = LEVELS.find((level) => level === named);
    if (named !== undefined && minLevel === undefined)
      throw usage(`--level is one of ${LEVELS.join(', ')}`);
    const agent = given.value('agent');
    const limit = given.count('limit', 1) ?? 20;
    const found = await withStore(given, environment, (db) =>
      listCases(db, {
        limit,
        ...(agent === undefined ? {} : { agent }),
        ...(minLevel === undefined ? {} : { minLevel }),
        ...(given.has('open') ? { open: true } : {}),
      }),
    );
    output.json(found);
    if (found.length === 0) {
      output.line('No such case so far.');
      return 0;
    }
    const rows = found.map(({ case: one, open, standing }) => [
      short(one.id),
      timeOf(one.lastMs),
      one.level,
      open ? 'open' : 'retracted',
      String(one.count),
      standing > 0 ? String(standing) : '-',
      safe(one.title, 100),
    ]);
    for (const row of table([HEAD, ...rows])) output.line(row);
    if (found.length === limit) output.line(`(the newest ${limit}; --limit N shows more)`);
    output.line(`\nLook closer: ${typed(`explain ${rows[0]?.[0] ?? 'CASE'}`)}`);
    return 0;
  },
};
