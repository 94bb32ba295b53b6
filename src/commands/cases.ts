/** `cases`: what was found, newest first. */
import { LEVELS } from '../model/detection.ts';
import { short } from '../model/ids.ts';
import { eventNowMs, shadowReport } from '../record/power.ts';
import { type ListedCase, listCases } from '../record/read.ts';
import { type Given, usage } from './arguments.ts';
import { exportCase } from './case-export.ts';
import type { Command, CommandContext } from './command.ts';
import { safe, table, timeOf, typed } from './output.ts';
import { withStore } from './reading.ts';

const HEAD = ['CASE', 'LAST', 'LEVEL', 'STATE', 'DETECTIONS', 'STANDING LEASES', 'WHAT'];
const SHADOW_HEAD = [
  ...['DETECTOR', 'VERSION', 'WOULD ASK FOR', 'DETECTIONS', 'WOULD HAVE ACTED'],
  ...['AGENTS', 'FIRST', 'LAST'],
];
const DAY_MS = 86_400_000;
const SHADOW_DAYS = 30;

/** The command. */
export const cases: Command = {
  name: 'cases',
  aliases: ['case'],
  synopsis:
    'cases [list] [--agent ID] [--level LEVEL] [--open] [--folded] [--limit N] | cases --shadow [--days N] | cases export CASE --as-test [--detector STEM] [--out FILE] [--from FOLDER|kafka] [--content] [--failing]',
  summary: 'list cases, newest first; what shadows would have done; a judged case as a test',
  options: {
    ...{ agent: 'value', level: 'value', open: 'flag', limit: 'value' },
    folded: 'flag',
    ...{ shadow: 'flag', days: 'value' },
    ...{ 'as-test': 'flag', out: 'value', from: 'value', brokers: 'value', name: 'value' },
    ...{ detector: 'value', detectors: 'value', content: 'flag', failing: 'flag' },
  },
  words: 2,
  run: async (given, context) => {
    const { output, environment } = context;
    const [verb = 'list', prefix] = given.words;
    if (verb === 'export') return await exportCase(prefix, given, context);
    if (verb !== 'list')
      throw usage(`no such verb: ${JSON.stringify(verb)}; there are list and export`);
    if (given.has('shadow')) return await shadow(given, { output, environment });
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
        // Who asks for one agent wants all of it, also what a fleet case tells.
        ...(given.has('folded') || agent !== undefined ? { folded: true } : {}),
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
      stateOf({ case: one, open }),
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

/** How a case stands, in a word. */
export function stateOf({ case: one, open }: Pick<ListedCase, 'case' | 'open'>): string {
  if (one.state === 'folded') return 'folded';
  if (!open) return 'withdrawn';
  return one.state === 'resolved' ? 'resolved' : 'open';
}

async function shadow(
  given: Given,
  { output, environment }: Pick<CommandContext, 'output' | 'environment'>,
): Promise<0> {
  const days = given.count('days', 1) ?? SHADOW_DAYS;
  const found = await withStore(given, environment, async (db) => {
    const nowMs = await eventNowMs(db);
    return nowMs === null ? [] : await shadowReport(db, nowMs - days * DAY_MS);
  });
  output.json(found);
  if (found.length === 0) {
    output.line(`No detector in shadow said anything in the last ${days} days of event time.`);
    return 0;
  }
  const rows = found.map((one) => [
    ...[one.detector, one.version, one.rung, String(one.detections), String(one.wouldAct)],
    ...[String(one.agents), timeOf(one.firstMs), timeOf(one.lastMs)],
  ]);
  for (const row of table([SHADOW_HEAD, ...rows])) output.line(row);
  output.line(
    '\nNothing was alerted and nothing was done: these detectors only write the journal.',
  );
  return 0;
}
