/** Scale-out: the same log read by one, two and four members, and members that come and go. */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { providePostgres } from '../test/integration/postgres.ts';
import { provideKafka } from '../test/integration/provider.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { begin, type Result, type Spread, spread } from './measure.ts';
import {
  CHANGES,
  type Changed,
  FEW_CHANGES,
  type Played,
  playChanges,
} from './scale-out-changes.ts';
import { type Drain, drain, readAlone } from './scale-out-drain.ts';
import { eventsOf, LANES, openLog, record, SOURCE_PARTITIONS, TENANTS } from './scale-out-load.ts';
import { assertSame, type Ground } from './scale-out-run.ts';

/** Members in turn: there and back, so that what drifts falls on all alike. */
const TURNS: readonly number[] = [1, 2, 4, 4, 2, 1];
/** Of what one member drained. */
const LOAD_SHARE = 0.3;
const AGENTS_MAX = 100_000;
const EVENTS_PER_AGENT = 10;

/** The benchmark. */
export const scaleOut: Bench = {
  name: 'scale-out',
  claim: 'one, two, four members: throughput, CPU, pauses while they come and go; equal findings',
  run: async (options) => {
    const kafka = await provideKafka();
    const postgres = await providePostgres();
    const scratch = await mkdtemp(join(tmpdir(), 'bench-scale-out-'));
    try {
      return await measure(options, kafka, postgres, scratch);
    } finally {
      await postgres.stop();
      await kafka.stop();
      await rm(scratch, { recursive: true, force: true });
    }
  },
};

async function measure(
  { smoke, events: wanted, rate: wantedRate, seconds, command, say }: BenchOptions,
  kafka: Awaited<ReturnType<typeof provideKafka>>,
  postgres: Awaited<ReturnType<typeof providePostgres>>,
  scratch: string,
): Promise<Result> {
  const end = begin('scale-out', command);
  const events = wanted ?? (smoke ? 3000 : 200_000);
  const everyMs = 1000 * (seconds ?? (smoke ? 8 : 30));
  const sessionTimeout = smoke ? '6s' : '10s';
  const ground: Ground = { brokers: kafka.brokers, postgres, scratch, sessionTimeout };
  const agents = agentsFor(events);
  const draining = drainAll({ agents, events, turns: smoke ? [2] : TURNS }, ground, say);
  // Nothing of a smoke run is timed: both parts of it go on at once.
  const drains = smoke ? [] : await draining;
  const alone = drains.filter(({ members }) => members === 1);
  const drained = alone.map((one) => (1000 * one.events) / one.wallMs);
  const rate = Math.round(wantedRate ?? (smoke ? 200 : spread(drained).median * LOAD_SHARE));
  const changes = smoke ? FEW_CHANGES : CHANGES;
  const playedAgents = agentsFor((rate * everyMs * (changes.length + 1)) / 1000);
  say(`${rate} events a second while members change, ${everyMs / 1000} s apart`);
  const playing = playChanges(
    { changes, everyMs, rate, agents: playedAgents, historyMs: smoke ? 2000 : 30_000 },
    ground,
    `bench-${process.pid}-played-`,
  );
  const [played] = await Promise.all([playing, draining]);
  for (const line of played.changed.map((one) => lineOf(one, rate))) say(line);
  return end({
    workload: {
      ...{
        events,
        agents,
        tenants: TENANTS,
        lanes: LANES,
        'partitions of sources': 4 * SOURCE_PARTITIONS,
      },
      ...{
        'drains by': drains.map(({ members }) => members).join(' '),
        'events/s while members change': rate,
      },
      ...{
        'events then': played.events,
        'agents then': playedAgents,
        'between changes, s': everyMs / 1000,
      },
      'session time-out': sessionTimeout,
    },
    figures: { ...drainFigures(drains), ...changeFigures(played) },
    rounds: { drains, played },
    notes: notesOf(kafka, postgres, drains),
  });
}

function agentsFor(events: number): number {
  return Math.max(2 * TENANTS, Math.min(AGENTS_MAX, Math.round(events / EVENTS_PER_AGENT)));
}

interface Drains {
  readonly agents: number;
  readonly events: number;
  readonly turns: readonly number[];
}

/** One log, drained in turn; throws where any leaves other findings than one member alone, who goes first and warms the servers. */
async function drainAll(
  { agents, events, turns }: Drains,
  ground: Ground,
  say: (line: string) => void,
): Promise<readonly Drain[]> {
  const prefix = `bench-${process.pid}-full-`;
  const log = await openLog(ground.brokers, prefix);
  // Event time passes as fast as a fleet would act that keeps a member busy for a third of the time.
  const fleets = eventsOf({ agents, rate: 3000 });
  await record(log, fleets, (_, count) => count < events);
  await log.close();
  say(
    `${events} events of ${agents} agents and ${TENANTS} tenants, by lane: ${log.byLane().join(' ')}`,
  );
  const expected = await readAlone('alone', prefix, ground);
  const drains: Drain[] = [];
  for (const [at, members] of turns.entries()) {
    const one = await drain(`drain-${at}`, members, { prefix, log }, ground);
    assertSame(`what ${members} members found`, expected, one.outcome);
    drains.push(one.drain);
    const { wallMs, cpuMs, busiest, events: left } = one.drain;
    say(
      `${members} members: ${left} events in ${(wallMs / 1000).toFixed(2)} s, ${(cpuMs / 1000).toFixed(2)} s CPU, busiest ` +
        `${(100 * busiest).toFixed(0)} % of events, ${Object.keys(expected['detections'] ?? {}).length} detections`,
    );
  }
  return drains;
}

function drainFigures(drains: readonly Drain[]): Record<string, Spread | number> {
  const counts = [...new Set(drains.map(({ members }) => members))];
  const of = (members: number, value: (one: Drain) => number) =>
    spread(drains.filter((one) => one.members === members).map(value));
  const ratio = (members: number, value: (one: Drain) => number) =>
    of(members, value).median / of(1, value).median;
  const perEvent = ({ cpuMs, events }: Drain) => (1000 * cpuMs) / events;
  const warm = (one: Drain) => (1000 * one.warm.cpuMs) / one.warm.events;
  const figures: Record<string, Spread | number> = {};
  for (const members of counts) {
    const by = `${members} member${members === 1 ? '' : 's'}`;
    figures[`drain by ${by}, wall seconds`] = of(members, ({ wallMs }) => wallMs / 1000);
    figures[`µs CPU per event, ${by} together`] = of(members, perEvent);
    figures[`µs CPU per event, ${by}, second half`] = of(members, warm);
    figures[`broker CPU-seconds, ${by}`] = of(
      members,
      (one) => (one.brokerCpuMs ?? Number.NaN) / 1000,
    );
    figures[`database CPU-seconds, ${by}`] = of(
      members,
      (one) => (one.databaseCpuMs ?? Number.NaN) / 1000,
    );
    figures[`commits that the database could not do at once, ${by}`] = of(
      members,
      (one) => one.transients,
    );
    figures[`share of events of the busiest, ${by}, %`] = of(
      members,
      ({ busiest }) => 100 * busiest,
    );
  }
  for (const members of counts.filter((count) => count > 1)) {
    figures[`throughput, ${members} members divided by 1`] =
      1 / ratio(members, (one) => one.wallMs / one.events);
    figures[`CPU per event, second half, ${members} members above 1, %`] =
      100 * (ratio(members, warm) - 1);
    figures[`CPU per event, ${members} members above 1, %`] = 100 * (ratio(members, perEvent) - 1);
  }
  return figures;
}

function changeFigures({
  changed,
  calm,
  rate,
  detections,
}: Played): Record<string, Spread | number | string> {
  const figures: Record<string, Spread | number | string> = {};
  const pause = (ms: readonly number[]) =>
    ms.length === 0 ? 'none' : spread(ms.map((one) => one / 1000));
  for (const { members, pauses, cpuMs, events } of calm) {
    const by = `${members} at fixed load`;
    // The load has 2 members twice: before four of them and after.
    const name = `longest time without a commit of a lane, ${by}, undisturbed, s`;
    figures[name in figures ? `${name} (after)` : name] = pause([
      ...pauses.unmoved,
      ...pauses.moved,
    ]);
    const cpu = `µs CPU per event, ${by}`;
    figures[cpu in figures ? `${cpu} (after)` : cpu] = (1000 * cpuMs) / events;
  }
  for (const { what, pauses, behindMost, settledMs } of changed) {
    figures[`${what}: pause of ${pauses.moved.length} lanes that moved, s`] = pause(pauses.moved);
    figures[`${what}: pause of ${pauses.unmoved.length} that stayed, s`] = pause(pauses.unmoved);
    figures[`${what}: slowest lane behind at most, s of load`] = behindMost / rate;
    figures[`${what}: lag back to what it was after, s`] =
      settledMs === null ? 'not before the next change' : settledMs / 1000;
  }
  figures['detections while members changed (equal to those of one alone)'] = detections;
  return figures;
}

function lineOf({ what, pauses, behindMost, settledMs }: Changed, rate: number): string {
  const of = (ms: readonly number[]) =>
    ms.length === 0
      ? 'no lane'
      : `${ms.length} lanes ${(spread(ms).median / 1000).toFixed(1)} s, at most ${(spread(ms).max / 1000).toFixed(1)} s`;
  const settled =
    settledMs === null ? 'not settled' : `settled after ${(settledMs / 1000).toFixed(1)} s`;
  return `${what}: moved ${of(pauses.moved)}; stayed ${of(pauses.unmoved)}; ${(behindMost / rate).toFixed(1)} s behind, ${settled}`;
}

function notesOf(
  kafka: Awaited<ReturnType<typeof provideKafka>>,
  postgres: Awaited<ReturnType<typeof providePostgres>>,
  drains: readonly Drain[],
): string[] {
  const cores = availableParallelism();
  const crowded = [...new Set(drains.map(({ members }) => members))].filter((n) => n >= cores);
  return [
    `broker: Apache Kafka ${kafka.version} (${kafka.source}), one node; PostgreSQL ${postgres.version} (${postgres.source}); both on the machine of the members, and while members change the generator too`,
    ...(crowded.length === 0
      ? []
      : [
          `**${cores} cores, shared with broker and database: throughput by ${crowded.join(' and ')} members is limited by cores and says nothing of the floors of 1.6 and 3 times, which hold for free cores; here only CPU per event (floor: 25 % more than one member) and pauses can be read**`,
        ]),
    'every drain, and the run in which members change, left exactly what one member alone leaves of the same events: detections, decisions, cases, coverage, announcements, chains, agents, sessions and units are compared to the last field, and every journal verifies; the benchmark fails otherwise',
    'drains: members come to their lanes first, sources held back in the words in which a full lane asks for that; time and CPU count from when they are let go, of which each hears within a second, until every lane has recorded the last of its events, and are of the events then left (members hear of being held back a second after their start); what then waits for its lateness is decided by one more member, not counted',
    'every member is a new process: what it costs until its code is compiled, some two seconds of CPU each, is in the figures of whole drains, and weighs the more the fewer events there are; by the second half of a drain they are warm',
    'lanes are made of whole tenants by a hash of their names: with so few tenants they are not alike, and the share of the busiest member bounds what more members can gain',
    `agents are as many as there are events divided by ${EVENTS_PER_AGENT}, ${AGENTS_MAX} at most (--events 1000000): every one is registered before the first acts`,
    'a pause is the longest time without a commit that moved a lane on, as the database dates commits, from the change to the next one; it counts in full where it began before the change. A lane moved where it was claimed in that time. Lanes of one process take turns and let up to a second of slices wait for one commit, so a lane that nothing happens to has such times too: they stand beside',
    'the pause after a kill begins with the session time-out, 45 s by default; here it is as said above. The next member to be told or killed is always the one that came last',
    'lag: what was due to be sent less what the slowest lane has recorded; back where it stays below one and a half times the most it was in the calm before the first change',
    'the variant with three stages does not exist: what concerns a fleet concerns one tenant, and is folded in the lane of that tenant (docs/decisions/0022); detectors act in observe mode',
  ];
}
