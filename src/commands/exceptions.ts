/** `exceptions`: who excused what until when, and what each of them suppressed. */
import { systemClock } from '../adapters/clock.ts';
import { dayOf } from '../model/day.ts';
import type { Exception } from '../model/exception.ts';
import { short } from '../model/ids.ts';
import type { Database } from '../model/ports.ts';
import { type ExceptionHits, eventNowMs, exceptionHits, excusedBy } from '../record/power.ts';
import { usage } from './arguments.ts';
import type { Command } from './command.ts';
import { configOrNull, libraryOf } from './inputs.ts';
import { type Output, safe, table, timeOf } from './output.ts';
import { withStore } from './reading.ts';

const HEAD = ['EXCEPTION', 'OWNER', 'UNTIL', 'HITS', 'LAST HIT', 'DETECTORS', 'NOTE'];
const HIT_HEAD = ['DETECTION', 'TIME', 'DETECTOR', 'LEVEL', 'AGENT', 'SESSION'];
const DAY_MS = 86_400_000;
const IDLE_DAYS = 30;

/** The command. */
export const exceptions: Command = {
  name: 'exceptions',
  synopsis: 'exceptions [ID] [--detectors DIR] [--limit N]',
  summary: 'list exceptions with owner, expiry and hits; with an id, what it suppressed',
  options: { detectors: 'value', limit: 'value' },
  words: 1,
  run: async (given, { output, environment }) => {
    const { exceptions: written } = await libraryOf(given, await configOrNull(given));
    const [id] = given.words;
    const limit = given.count('limit', 1) ?? 20;
    return await withStore(given, environment, (db) =>
      id === undefined ? list(db, written, output) : one(db, written, output, { id, limit }),
    );
  },
};

async function list(db: Database, written: readonly Exception[], output: Output): Promise<0> {
  const nowMs = (await eventNowMs(db)) ?? systemClock.nowMs();
  const hits = await exceptionHits(db, nowMs - IDLE_DAYS * DAY_MS);
  const listed = written.map((each) => ({
    ...each,
    hits: hits.get(each.id)?.hits ?? 0,
    lastHitMs: hits.get(each.id)?.lastMs ?? null,
    note: noteOf(each, hits.get(each.id), nowMs),
  }));
  output.json(listed);
  if (listed.length === 0) {
    output.line('No exception is written in detectors/exceptions/.');
    return 0;
  }
  const rows = listed.map((each) => [
    ...[each.id, safe(each.owner, 40), dayOf(each.expiresMs - DAY_MS), String(each.hits)],
    each.lastHitMs === null ? '-' : timeOf(each.lastHitMs),
    safe(each.detectors.join(', '), 60),
    each.note,
  ]);
  for (const line of table([HEAD, ...rows])) output.line(line);
  return 0;
}

/** One exception, written or deleted since, and what it suppressed. */
async function one(
  db: Database,
  written: readonly Exception[],
  output: Output,
  { id, limit }: { readonly id: string; readonly limit: number },
): Promise<0> {
  const exception = written.find((each) => each.id === id) ?? null;
  const excused = await excusedBy(db, id, limit);
  if (exception === null && excused.length === 0)
    throw usage(`no exception ${JSON.stringify(id)} is written, and none of that name has a hit`);
  output.json({ exception, excused });
  if (exception !== null)
    output.line(`${id} (${safe(exception.owner)}): ${safe(exception.reason, 400)}`);
  const rows = excused.map((each) => [
    ...[short(each.id), timeOf(each.timeMs), each.detector, each.level],
    ...[safe(each.agent, 40), safe(each.session ?? '-', 40)],
  ]);
  for (const line of table([HIT_HEAD, ...rows])) output.line(line);
  return 0;
}

/** What somebody should do about an exception; empty where nothing. Days are those of event time. */
export function noteOf(
  { expiresMs }: Pick<Exception, 'expiresMs'>,
  hits: Pick<ExceptionHits, 'recent'> | undefined,
  nowMs: number,
): string {
  const leftMs = expiresMs - nowMs;
  if (leftMs <= 0) return 'lapsed: delete it, or renew it with new evidence';
  if (leftMs <= DAY_MS) return 'lapses within a day';
  if (leftMs <= 7 * DAY_MS) return `lapses in ${Math.ceil(leftMs / DAY_MS)} days`;
  return (hits?.recent ?? 0) === 0 ? `no hit in ${IDLE_DAYS} days: is it still needed?` : '';
}
