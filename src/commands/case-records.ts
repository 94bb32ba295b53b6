/** Case records: the recorded events a case rests on, read again from where they were kept. */
import { exists } from '../adapters/files.ts';
import { createLog } from '../adapters/log.ts';
import type { Config } from '../model/config.ts';
import { OperatingError } from '../model/errors.ts';
import type { Event, Position } from '../model/event.ts';
import { eventId } from '../model/ids.ts';
import { type Given, usage } from './arguments.ts';
import { kafkaWindow } from './backtest-kafka.ts';
import type { Recorded } from './case-write.ts';
import type { Environment } from './config.ts';
import { kafkaGiven } from './kafka-access.ts';
import type { Library } from './library.ts';
import { type Feed, rehearse } from './rehearse.ts';

/** What a case is about, as far as records are looked for. */
export interface Sought {
  readonly sessions: ReadonlySet<string>;
  readonly agents: ReadonlySet<string>;
  /** Event id → where it lay, of all its evidence. */
  readonly evidence: ReadonlyMap<string, Position>;
  /** Event times of the first and last of it, ms. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** By when all of it had been read, on a clock, ms: behind event time where records came late. */
  readonly readMs: number;
}

/** What was found. */
export interface Found {
  /** Of its sessions, and what governance said of its agents, in the order of time. */
  readonly own: readonly Recorded[];
  /** What others did meanwhile: proof that the books were open. */
  readonly others: readonly Recorded[];
  /** Records beyond the bound, which were not kept. */
  readonly dropped: number;
  /** Where they were read. */
  readonly place: string;
}

/** A session may be a day old when something is found in it. */
const BEFORE_MS = 86_400_000;
const AFTER_MS = 3_600_000;
/** What others did so long before and after is kept, and so much of it. */
const AROUND_MS = 600_000;
const OTHERS_MAX = 2000;
const OWN_MAX = 20_000;
const SHOWN = 4;

/**
 * Reads them from `--from FOLDER`, from `--from kafka`, or from where the configuration says that
 * records are read. Rejects with NOT_FOUND where evidence of the case is not there any more.
 */
export async function caseRecords(
  given: Given,
  library: Library,
  config: Config | null,
  environment: Environment,
  sought: Sought,
): Promise<Found> {
  const { place, dir, feed, begins } = await placeOf(given, library, config, environment, sought);
  const own: Recorded[] = [];
  const others: Recorded[] = [];
  const missing = new Map(sought.evidence);
  let dropped = 0;
  const onEvent = (event: Event): void => {
    const recorded = { id: eventId(event), ms: event.time.eventMs, event };
    missing.delete(recorded.id);
    const list = isOwn(event, sought) ? own : isNear(recorded.ms, sought) ? others : null;
    if (list === null) return;
    if (list.length < (list === own ? OWN_MAX : OTHERS_MAX)) list.push(recorded);
    else dropped += 1;
  };
  await rehearse({
    ...{ dir, config, evidence: 'L3', onEvent },
    // Only decoded: what is found in it is asked of the case alone.
    library: { ...library, detectors: [] },
    log: createLog('error', 'case'),
    progress: () => undefined,
    ...(feed === null ? {} : { feed }),
  });
  refuseGone(missing, sought, place, begins);
  const byTime = (a: Recorded, b: Recorded) => a.ms - b.ms;
  return { own: own.sort(byTime), others: others.sort(byTime), dropped, place };
}

function isOwn({ kind, session, agent }: Event, { sessions, agents }: Sought): boolean {
  if (session !== undefined) return sessions.has(session.id);
  return kind === 'governance' && (agent === undefined || agents.has(agent.id));
}

function isNear(ms: number, { firstMs, lastMs }: Sought): boolean {
  return ms >= firstMs - AROUND_MS && ms <= lastMs + AROUND_MS;
}

interface Place {
  readonly place: string;
  readonly dir: string;
  readonly feed: Feed | null;
  /** Where the log of a partition begins now; null where it is not known. */
  readonly begins: (at: Position) => number | null;
}

async function placeOf(
  given: Given,
  library: Library,
  config: Config | null,
  environment: Environment,
  sought: Sought,
): Promise<Place> {
  const from = given.value('from');
  const folder = from === 'kafka' ? undefined : (from ?? config?.jsonl?.path);
  if (folder !== undefined) {
    if (!(await exists(folder))) throw usage(`--from ${folder} is not there`);
    return { place: folder, dir: folder, feed: null, begins: () => null };
  }
  const access = await kafkaGiven(given, config, environment);
  if (access === null)
    throw usage(
      'say where its records are kept: --from FOLDER, or --from kafka with --brokers host:port or kafka.brokers in the configuration',
    );
  const topics = [...new Set([...sought.evidence.values()].map(({ topic }) => topic))];
  const configured = config?.sources ?? [];
  const { feed, logs } = await kafkaWindow(
    { access, sinceMs: sought.firstMs - BEFORE_MS, untilMs: sought.readMs + AFTER_MS },
    // Who somebody is and what he may was said once, perhaps long ago.
    {
      within: [...new Set([...topics, ...configured.map(({ topic }) => topic)])],
      whole: configured
        .filter(({ kinds }) => kinds.includes('governance'))
        .map(({ topic }) => topic),
    },
    library,
    config,
  );
  const begins = (at: Position) =>
    logs.find(({ topic, partition }) => topic === at.topic && partition === at.partition)?.low ??
    null;
  return { place: `kafka ${access.brokers.join(', ')}`, dir: 'kafka', feed, begins };
}

function refuseGone(
  missing: ReadonlyMap<string, Position>,
  { evidence }: Sought,
  place: string,
  begins: Place['begins'],
): void {
  if (missing.size === 0) return;
  const said = [...missing.values()].slice(0, SHOWN).map((at) => {
    const low = begins(at);
    const gone = low !== null && low > at.offset ? ` (its log begins at ${low} now)` : '';
    return `${at.topic}/${at.partition}@${at.offset}${gone}`;
  });
  const more = missing.size > SHOWN ? ` and ${missing.size - SHOWN} more` : '';
  throw new OperatingError(
    'NOT_FOUND',
    `${missing.size} of ${evidence.size} records of its evidence are not in ${place} any more: ${said.join(', ')}${more}. ` +
      'A case can be exported while its records are kept: name a copy of them with --from, or keep them for longer',
    { retryable: false },
  );
}
