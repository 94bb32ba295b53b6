/** What a daemon is made of besides its sources, read before a lane is claimed. */
import { type Actor, type ActorOptions, createActor } from '../act/act.ts';
import type { Config } from '../model/config.ts';
import { durationMs } from '../model/duration.ts';
import { OperatingError } from '../model/errors.ts';
import type { Clock, Database, Log } from '../model/ports.ts';
import type { LaneStore } from '../observer.ts';
import type { PipelineOptions } from '../pipeline/options.ts';
import { createActionLog } from '../record/actions.ts';
import { recordSettings } from '../record/agents.ts';
import { beginVersions } from '../record/casework.ts';
import {
  claimLane,
  commitLane,
  isClaimed,
  type LaneClaim,
  type LaneLayout,
} from '../record/lane.ts';
import { pendingOperatorRequests } from '../record/operator.ts';
import { patiently } from '../record/patience.ts';
import { PAGES } from '../state/slots.ts';
import { baselinesOf } from './baseline-load.ts';
import { type Environment, problemLines } from './config.ts';
import { controlPlan, driversOf } from './control.ts';
import { laneOptions } from './lane.ts';
import type { Library } from './library.ts';
import { settingsOf } from './settings.ts';
import type { Transmitter } from './signals.ts';
import { liveMeasurements, ordersOf } from './standing-orders.ts';
import type { Store } from './store.ts';

/** What is read is tried again so long, ms: it was there when we started. */
const PREPARE_PATIENCE_MS = 60_000;
/** The lane that what concerns no lane is written for: settings, windows. */
const FIRST_LANE = 0;

/** What it is prepared from. */
export interface Preparing {
  readonly config: Config;
  readonly file: string;
  readonly store: Store;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly log: Log;
  readonly transmitter: Transmitter | null;
}

/** What the gateway's stream of a tenant shows. */
export type GatewayView = (tenant: string) => {
  readonly watermarkMs: number;
  readonly alive: boolean;
};

/** Everything that lanes have in common. */
export interface Prepared {
  /** Options of a lane's core, with the library that is in force now. */
  options(): PipelineOptions;
  /** The executor of a lane. */
  actor(lane: number, gateway: GatewayView): Actor;
}

/**
 * Reads and checks. `held.library` is asked again whenever a lane is made: what a reload brought counts.
 * Rejects with CONFIG_INVALID and every problem.
 */
export async function prepareLanes(
  parts: Preparing,
  held: { readonly library: Library },
  onStep: ActorOptions['onStep'],
  signal: AbortSignal,
): Promise<Prepared> {
  const { config, file, store, clock, log, transmitter } = parts;
  const drivers = await driversOf(config, parts.environment, clock, store.db, transmitter);
  const control = controlPlan(config);
  const { digestKey } = store;
  // A connection cut here is no reason to make anything anew: each of these may be asked twice.
  const patience = { clock, log, forMs: PREPARE_PATIENCE_MS, signal };
  const prepare = <T>(work: () => Promise<T>) => patiently(work, patience);
  if (transmitter !== null) await prepare(() => transmitter.prepare());
  const baseline = await prepare(() => baselinesOf(store.db, config, clock, log));
  await prepare(() => beginVersions(store.db.query, held.library.detectors, clock.nowMs()));
  await prepare(() => recordSettings(store.db, FIRST_LANE, settingsOf(config), clock.nowMs()));
  const live = await prepare(() => liveMeasurements(store.db, held.library, clock.nowMs()));
  const optionsOf = () =>
    laneOptions(config, held.library, { file, digestKey, control, baseline, live });
  for (const remark of held.library.remarks) log.warn({}, remark);
  const { problems } = optionsOf();
  if (problems.length > 0)
    throw new OperatingError('CONFIG_INVALID', problemLines(problems).join('\n'), {
      retryable: false,
    });
  const actorOptions: ActorOptions = {
    random: () => Math.random(),
    dryRun: config.control?.dryRun === true,
    verifyWithinMs: durationMs(config.control?.verifyWithin ?? '60s'),
    // Asked again for each action: what was exchanged meanwhile counts.
    orders: async (question) => await ordersOf(store.db, config, held.library, live)(question),
    ...(onStep === undefined ? {} : { onStep }),
  };
  return {
    options: () => optionsOf().options,
    actor: (lane, gateway) =>
      createActor(createActionLog(store.db, { lane }), drivers, clock, log, {
        ...actorOptions,
        gateway,
      }),
  };
}

/** A lane in PostgreSQL, and whether what is held of it in memory is still what stands there. */
export interface RecordedLane extends LaneStore {
  isOurs(): Promise<boolean>;
}

/** The lane in PostgreSQL. `layout`: how its group is cut; absent: it is one lane. */
export function laneStore(
  db: Database,
  group: string,
  owner: string,
  lane = FIRST_LANE,
  layout?: LaneLayout,
): RecordedLane {
  let claim: LaneClaim | null = null;
  return {
    claim: async (partitions, take) => {
      const claimed = await claimLane(db, {
        ...{ group, lane, owner, topicPartitions: partitions, pages: PAGES },
        ...(take === undefined ? {} : { take }),
        ...(layout === undefined ? {} : { layout }),
      });
      claim = claimed.claim;
      return claimed;
    },
    commit: async (commit) => (claim === null ? 'fenced' : await commitLane(db, claim, commit)),
    requests: async () => await pendingOperatorRequests(db, lane),
    isOurs: async () => claim !== null && (await isClaimed(db, claim)),
  };
}
