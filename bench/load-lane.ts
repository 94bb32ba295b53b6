/** Loads a stored lane as a start does: `node bench/load-lane.ts DATABASE_URL GROUP`. */
import process from 'node:process';
import { openDatabase } from '../src/adapters/postgres.ts';
import { SESSION_RECORDS } from '../src/correlate/session.ts';
import { SESSION_PACKING } from '../src/correlate/stored.ts';
import { claimLane } from '../src/record/lane.ts';
import { PAGES, Slots } from '../src/state/slots.ts';
import { Timers } from '../src/state/timers.ts';
import { silentLog } from '../test/integration/postgres.ts';

const [url = '', group = 'plumbline'] = process.argv.slice(2);
const db = await openDatabase({ url, poolMax: 2, applicationName: 'bench', log: silentLog });
const cpu = process.cpuUsage();
const begun = process.hrtime.bigint();
const { state } = await claimLane(db, {
  group,
  lane: 0,
  owner: 'bench',
  topicPartitions: [],
  pages: PAGES,
});
const loaded = process.hrtime.bigint();
const slots = new Slots();
slots.split('S', SESSION_RECORDS, SESSION_PACKING);
slots.restore(state.pages, state.deltas);
for (const step of new Timers(slots).restoring(['S', 'T', 'B'])) void step;
const restored = process.hrtime.bigint();
const used = process.cpuUsage(cpu);
const seconds = (from: bigint, to: bigint) => Number(to - from) / 1e9;
const bytes = [...state.pages, ...state.deltas].reduce((sum, row) => sum + row.bytes.length, 0);
const result = {
  loadSeconds: seconds(begun, loaded),
  restoreSeconds: seconds(loaded, restored),
  cpuSeconds: (used.user + used.system) / 1e6,
  storedBytes: bytes,
  agents: slots.count('A'),
  sessions: slots.count('S'),
  rssBytes: process.memoryUsage.rss(),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
await db.close();
