/** `run`: the daemon, on Kafka or files, until it is told to stop. */
import { systemClock } from '../adapters/clock.ts';
import { createLog } from '../adapters/log.ts';
import { runOnSchedule } from '../adapters/schedule.ts';
import type { Config } from '../model/config.ts';
import type { NoticeCode } from '../model/detection.ts';
import type { LaneCommit } from '../model/effects.ts';
import type { Database, Log } from '../model/ports.ts';
import { sweepEventLog } from '../record/event-log-retention.ts';
import { sweep } from '../record/housekeeping.ts';
import { usage } from './arguments.ts';
import type { Command } from './command.ts';
import { runDaemon } from './daemon.ts';
import { retentionOf } from './ingest.ts';
import { readsEventLog } from './ingest-options.ts';
import { CONFIG_FILE, configOrNull, detectorsDir, libraryOf, libraryOptions } from './inputs.ts';
import { readLibrary } from './library.ts';
import { openSinks } from './open-sinks.ts';
import { checkSigningKey, pruneByRetention, signAtTheEnd, signInTime } from './signing.ts';
import { openStore } from './store.ts';
import { baselinesDue, careForBaselines } from './window-acts.ts';

/** When what has served its time is let go of, UTC. */
const NIGHTLY = '17 3 * * *';
/** When windows that are over are ended. Event time says whether; this only says how soon. */
const BASELINE_ROUNDS = '*/5 * * * *';

/** When the event log lets go of its oldest records. */
const EVENT_LOG_ROUNDS = '*/5 * * * *';

/** The command. */
export const run: Command = {
  name: 'run',
  synopsis:
    'run --config FILE [--until-caught-up] [--migrate] [--skip-undecodable] [--accept-cluster-change]',
  summary: 'observe: read, correlate, detect, decide, act and record until stopped',
  options: {
    'until-caught-up': 'flag',
    migrate: 'flag',
    detectors: 'value',
    'skip-undecodable': 'flag',
    'accept-cluster-change': 'flag',
  },
  run: async (given, { output, environment, signal }) => {
    const config = await configOrNull(given);
    if (config === null)
      throw usage(
        `no configuration: name one with --config FILE or put ${CONFIG_FILE} here; deploy/plumbline.yaml is a start, and \`npm start\` is a demo that needs none`,
      );
    const file = given.value('config') ?? CONFIG_FILE;
    await checkSigningKey(config, environment);
    const library = await libraryOf(given, config);
    const log = createLog(given.has('quiet') ? 'warn' : 'info', config.instance ?? 'plumbline');
    for (const { file: at, line, message } of library.warnings)
      log.warn({ file: at, line }, message);
    const untilCaughtUp = given.has('until-caught-up');
    // Before anything is opened: a secret that is missing is a mistake in the configuration.
    const clock = systemClock;
    const { sinks, close: closeSinks } = await openSinks({ config, environment, clock, log });
    const store = await openStore(config, environment, log, {
      stopEmbedded: true,
      migrate: given.has('migrate'),
    });
    const onCommit = teller(log);
    try {
      log.info(
        {
          store: store.provider,
          detectors: library.detectors.length,
          sources: config.sources.length,
          sinks: sinks.size,
        },
        'observing',
      );
      const detectors = {
        folder: detectorsDir(given, config),
        read: () => readLibrary(detectorsDir(given, config), libraryOptions(config)),
      };
      const parts = {
        ...{ config, file, library, store, environment, clock, log, sinks },
        ...(untilCaughtUp ? {} : { detectors }),
      };
      const signing = { db: store.db, config, environment, log };
      signInTime(signing, signal);
      runOnSchedule(
        'housekeeping',
        NIGHTLY,
        async () => {
          const pruned = await pruneByRetention(signing);
          log.info({ ...(await sweep(store.db, systemClock.nowMs())), pruned }, 'housekeeping');
          await sayWhatIsDue(store.db, log);
        },
        log,
        signal,
      );
      if (readsEventLog(config))
        runOnSchedule(
          'event-log',
          EVENT_LOG_ROUNDS,
          () => sweepLog(store.db, config, log),
          log,
          signal,
        );
      runOnSchedule('baselines', BASELINE_ROUNDS, () => tendBaselines(store.db, log), log, signal);
      const options = {
        ...{ untilCaughtUp, onCommit },
        skipUndecodable: given.has('skip-undecodable'),
        acceptClusterChange: given.has('accept-cluster-change'),
      };
      await runDaemon(parts, options, signal);
      await signAtTheEnd(signing);
    } finally {
      await closeSinks();
      await store.close();
    }
    output.json({ stopped: signal.aborted ? 'signal' : 'caught-up' });
    return 0;
  },
};

/** Lets go of the oldest records of the event log; says what a group that reads no more holds. */
async function sweepLog(db: Database, config: Config, log: Log): Promise<void> {
  const swept = await sweepEventLog(db, retentionOf(config), systemClock.nowMs());
  if (swept.records > 0 || swept.heldBytes > 0) log.info({ ...swept }, 'event log swept');
  if (swept.unread > 0)
    log.warn({ unread: swept.unread }, 'records were let go of that were not read: ingest.unread');
  if (swept.heldBytes > 0)
    log.warn(
      { bytes: swept.heldBytes },
      'the event log holds more than it should: they are unread',
    );
}

/** Ends windows that are over. */
async function tendBaselines(db: Database, log: Log): Promise<void> {
  const { expired, aborted } = await careForBaselines(db, systemClock.nowMs());
  for (const window of expired) log.warn({ window }, 'a learning window expired: nothing changes');
  for (const window of aborted)
    log.warn({ window }, 'a learning window was aborted: hard evidence fell into it');
}

/** Says once a night what people are to look at: plumbline baseline status lists it. */
async function sayWhatIsDue(db: Database, log: Log): Promise<void> {
  const { inReview, stale } = await baselinesDue(db, systemClock.nowMs());
  if (inReview > 0) log.warn({ inReview }, 'baselines wait for review');
  const [oldest] = [...stale].sort((a, b) => b.ageMs - a.ageMs);
  if (oldest === undefined) return;
  const fields = { due: stale.length, oldest: oldest.hash, trust: oldest.trust };
  log.warn(fields, 'baselines are due for revalidation: their evidence weakens');
}

/** What an operator must hear of without asking; the record has all of it. */
const HEARD: readonly NoticeCode[] = [
  'breaker.tripped',
  'source.blind',
  'source.back',
  'history.truncated',
  'topic.recreated',
  'index.unsound',
  'alert.dead-letter',
];
const PROGRESS_RECORDS = 50_000;
const DEAD_LETTERS_EVERY_MS = 10_000;

function teller(log: Log): (commit: LaneCommit) => void {
  let shown = 0;
  let saidMs = Number.NEGATIVE_INFINITY;
  return ({ counters, effects }) => {
    // Subjects of these are sources, partitions and the fleet: names of ours, never of a payload.
    for (const { code, subject } of effects.notices)
      if (HEARD.includes(code)) log.warn({ code, subject }, 'see plumbline status');
    const [letter] = effects.deadLetters;
    const nowMs = systemClock.nowMs();
    if (letter !== undefined && nowMs - saidMs >= DEAD_LETTERS_EVERY_MS) {
      saidMs = nowMs;
      const { topic, partition, offset } = letter.position;
      const at = `${topic}/${partition}@${offset}`;
      const fields = { deadLetters: counters['dead-letters'] ?? 0, at, reason: letter.reason };
      log.warn(fields, 'records could not be read: plumbline status lists them');
    }
    const records = counters['records'] ?? 0;
    if (records - shown < PROGRESS_RECORDS) return;
    shown = records;
    log.info({ records, detections: counters['detections'] ?? 0 }, 'progress');
  };
}
