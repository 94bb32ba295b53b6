/** `status`: how the lane stands, what it holds, and what the observer says of itself. */
import { systemClock } from '../adapters/clock.ts';
import { type Poller, silentAfterMs } from '../model/posture.ts';
import { sinkStatuses } from '../record/alert-read.ts';
import { type CheckpointHead, lastCheckpoint } from '../record/checkpoints.ts';
import { readLevels, type SourceLevels } from '../record/levels.ts';
import { listPollers } from '../record/posture.ts';
import { listCoverage, listDeadLetters, listNotices } from '../record/read.ts';
import { type Percentiles, type ResponseTimes, responseTimes } from '../record/response-times.ts';
import { type LaneStatus, readStatus } from '../record/status.ts';
import type { Given } from './arguments.ts';
import type { Command } from './command.ts';
import { type Abstaining, abstainingBy, levelLines } from './evidence-text.ts';
import { configOf, detectorsDir, libraryOptions } from './inputs.ts';
import { readLibrary } from './library.ts';
import { count, lengthOf, safe, table, timeOf, typed } from './output.ts';
import { withStore } from './reading.ts';
import { sinkLines } from './sink-text.ts';

/** The command. */
export const status: Command = {
  name: 'status',
  synopsis: 'status',
  summary:
    'positions, watermark, counters, sinks, evidence levels, blind intervals, notices and dead letters',
  options: { limit: 'value' },
  run: async (given, { output, environment }) => {
    const limit = given.count('limit', 1) ?? 10;
    const found = await withStore(given, environment, async (db) => ({
      status: await readStatus(db),
      response: await responseTimes(db, systemClock.nowMs() - RESPONSE_DAYS * 86_400_000),
      signed: await lastCheckpoint(db),
      coverage: await listCoverage(db, limit),
      notices: await listNotices(db, limit),
      pollers: (await listPollers(db)).filter(({ about }) => about === ''),
      sinks: await sinkStatuses(db),
      levels: await readLevels(db),
      deadLetters: (await listDeadLetters(db, limit)).map(({ raw: _raw, ...rest }) => rest),
    }));
    const abstaining = await abstainingFor(given, found.levels);
    output.json({ ...found, abstaining });
    const { status: all } = found;
    if (all.lanes.length === 0) output.line('No daemon has worked with this database yet.');
    for (const lane of all.lanes)
      for (const line of laneText(lane, systemClock.nowMs())) output.line(line);
    output.line(
      [
        count(all.cases, 'case'),
        `${count(all.detections, 'detection')} (${all.retracted} taken back)`,
        `${count(all.leasesStanding, 'lease')} standing (${all.leasesLeaking} leaking)`,
        `${count(all.outboxOpen, 'request')} on the way`,
        `${all.journalEntries.toLocaleString('en')} journal entries`,
        count(all.deadLetters, 'dead letter'),
      ].join(' · '),
    );
    if (found.response.leases > 0) output.line(responseText(found.response));
    output.line(signedText(found.signed, systemClock.nowMs()));
    for (const poller of found.pollers) output.line(pollerText(poller, systemClock.nowMs()));
    for (const line of sinkLines(found.sinks, systemClock.nowMs())) output.line(line);
    for (const line of levelLines(found.levels, abstaining)) output.line(line);
    for (const gap of found.coverage)
      output.line(
        `Blind: ${safe(gap.source)}${gap.tenant === undefined ? '' : ` for ${safe(gap.tenant)}`} ${timeOf(gap.fromMs)} – ${gap.toMs === null ? 'now' : timeOf(gap.toMs)} (${safe(gap.reason)})`,
      );
    for (const notice of found.notices)
      output.line(
        `Notice: ${notice.code} ×${notice.count}, last ${timeOf(notice.timeMs)}, ${safe(notice.subject, 60)}: ${safe(notice.detail)}`,
      );
    for (const letter of found.deadLetters) {
      const { topic, partition, offset } = letter.position;
      output.line(
        `Dead letter: ${safe(topic)}/${partition}@${offset}: ${letter.reason}: ${safe(letter.detail)}`,
      );
    }
    return 0;
  },
};

/** Detectors that abstain, where anything was measured and the library can be read. */
async function abstainingFor(
  given: Given,
  levels: readonly SourceLevels[],
): Promise<readonly Abstaining[]> {
  if (levels.length === 0) return [];
  const { config } = await configOf(given);
  const library = await readLibrary(detectorsDir(given, config), libraryOptions(config));
  return abstainingBy(levels, config.sources, library.detectors);
}

/** Whether an enforcement point still asks; one that does not enforces what it last heard. */
function pollerText({ consumer, lastMs, gapMs, revision }: Poller, nowMs: number): string {
  const late = nowMs - lastMs > silentAfterMs(gapMs);
  const state = late ? 'STOPPED ASKING: it enforces what it last heard' : 'asks';
  return `Enforcement point ${safe(consumer)}: ${state}, last ${timeOf(Math.min(lastMs, nowMs))}, has ${safe(revision.slice(0, 19))}`;
}

const RESPONSE_DAYS = 30;

/** How long it took until somebody was held back, and until that was seen to work. */
function responseText(times: ResponseTimes): string {
  const of = ({ p50, p99 }: Percentiles) =>
    p50 === null || p99 === null ? '–' : `${seconds(p50)} (p99 ${seconds(p99)})`;
  const { leases, verified, leakedCalls, latencyCalls } = times;
  return [
    `Response, last ${RESPONSE_DAYS} days: ${count(leases, 'lease')}, ${verified} verified`,
    `to detect ${of(times.toDetect)}`,
    `to act ${of(times.toAct)}`,
    `to verify ${of(times.toVerified)}`,
    `${count(leakedCalls, 'call')} leaked, ${latencyCalls} within the grace`,
  ].join(' · ');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 0)} s`;
}

/** Counters whose names do not speak for themselves. */
const COUNTED: ReadonlyMap<string, string> = new Map([
  ['baseline.missing', 'events of behaviour that was not scored: no baseline covers the agent'],
  ['late', 'events that came behind the watermark, and were folded all the same'],
  ['shadow-detections', 'told to nobody: cases --shadow lists them'],
]);
const STALE_MS = 60_000;

/** Older than this, somebody has to look: three rounds were missed. */
const UNSIGNED_MS = 15 * 60_000;

function signedText(last: CheckpointHead | null, nowMs: number): string {
  if (last === null) return `Journal: not signed yet (${typed('journal checkpoint')})`;
  const ageMs = nowMs - last.atMs;
  const said = `Journal: signed up to ${timeOf(last.atMs)}, checkpoint ${last.n}`;
  return ageMs < UNSIGNED_MS
    ? said
    : `${said}: ${lengthOf(ageMs)} ago; no daemon runs, or its key is missing (${typed('journal checkpoint')} says)`;
}

/** Says what a reader would have to work out: whether anybody is at work at all. */
function agoOf({ committedMs }: LaneStatus, nowMs: number): string {
  if (committedMs === null || nowMs - committedMs < STALE_MS) return '';
  return ` (${Math.floor((nowMs - committedMs) / STALE_MS).toLocaleString('en')} min ago: nothing has come since, or no daemon runs)`;
}

function laneText(lane: LaneStatus, nowMs: number): string[] {
  const at = lane.watermarkMs === null ? 'nothing yet' : timeOf(lane.watermarkMs);
  const seen = lane.committedMs === null ? 'never' : timeOf(lane.committedMs);
  const counters = Object.entries(lane.counters).sort();
  return [
    `Lane ${safe(lane.group)}/${lane.lane}, owner ${safe(lane.owner ?? '-')}: complete up to ${at}, last commit ${seen}${agoOf(lane, nowMs)}`,
    ...table(
      counters.map(([name, n]) => [`  ${name}`, n.toLocaleString('en'), COUNTED.get(name) ?? '']),
    ),
    ...table(
      lane.positions.map(({ topic, partition, low, next }) => [
        `  ${safe(topic)}/${partition}`,
        `read to offset ${next}${low < next ? `, waiting from ${low}` : ''}`,
      ]),
    ),
  ];
}
