/** `status`: how the lane stands, what it holds, and what the observer says of itself. */

import { listCoverage, listDeadLetters, listNotices } from '../record/read.ts';
import { readStatus } from '../record/status.ts';
import type { Command } from './command.ts';
import { safe, table, timeOf } from './output.ts';
import { withStore } from './reading.ts';

/** The command. */
export const status: Command = {
  name: 'status',
  synopsis: 'status',
  summary: 'positions, watermark, counters, blind intervals, notices and dead letters',
  options: { limit: 'value' },
  run: async (given, { output, environment }) => {
    const limit = given.count('limit', 1) ?? 10;
    const found = await withStore(given, environment, async (db) => ({
      status: await readStatus(db),
      coverage: await listCoverage(db, limit),
      notices: await listNotices(db, limit),
      deadLetters: (await listDeadLetters(db, limit)).map(({ raw: _raw, ...rest }) => rest),
    }));
    output.json(found);
    for (const lane of found.status.lanes) {
      const at = lane.watermarkMs === null ? 'nothing yet' : timeOf(lane.watermarkMs);
      output.line(
        `Lane ${safe(lane.group)}/${lane.lane}, owner ${safe(lane.owner ?? '-')}, complete up to ${at}`,
      );
      const counters = Object.entries(lane.counters).sort();
      for (const row of table(counters.map(([name, n]) => [`  ${name}`, n.toLocaleString('en')])))
        output.line(row);
    }
    const { status: all } = found;
    output.line(
      `${all.cases} cases, ${all.detections} detections (${all.retracted} taken back), ${all.leasesStanding} leases standing, ${all.leasesLeaking} leaking, ${all.outboxOpen} intentions open, ${all.journalEntries} journal entries`,
    );
    for (const gap of found.coverage)
      output.line(
        `Blind: ${safe(gap.source)} ${timeOf(gap.fromMs)} – ${gap.toMs === null ? 'now' : timeOf(gap.toMs)} (${safe(gap.reason)})`,
      );
    for (const notice of found.notices)
      output.line(
        `Notice: ${notice.code} ×${notice.count} ${safe(notice.subject, 60)}: ${safe(notice.detail)}`,
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
