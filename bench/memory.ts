/** Memory: bytes of one agent, in the process and in the store's pages, in a fleet of 100,000. */
import type { Bench } from './bench.ts';
import { start } from './child.ts';
import { begin, spread } from './measure.ts';
import type { MemoryInput, MemoryOutcome } from './memory-child.ts';
import { ACTS } from './population.ts';

/** The benchmark. */
export const memory: Bench = {
  name: 'memory',
  claim: 'bytes of one agent with an open session, in memory and stored, at 100,000 agents',
  run: async ({ smoke, events, command, say }) => {
    const end = begin('memory', command);
    const agents = events ?? (smoke ? 500 : 100_000);
    const rounds: MemoryOutcome[] = [];
    for (let round = 0; round < (smoke ? 1 : 2); round += 1) {
      const given: MemoryInput = { agents };
      const flags = ['--expose-gc', '--max-old-space-size=8192'];
      const one = await start<MemoryOutcome>('memory-child.ts', given, flags).answer;
      if (one.registered !== agents || one.sessions !== agents)
        throw new Error(`${one.registered} agents, ${one.sessions} sessions; wanted ${agents}`);
      rounds.push(one);
      say(JSON.stringify(one));
    }
    const each = (value: (one: MemoryOutcome) => number) =>
      spread(rounds.map((one) => value(one) / agents));
    const both =
      (when: 'quiet' | 'takenOver' | 'takenOverQuiet') =>
      ({ [when]: held }: MemoryOutcome) =>
        held.heap + held.external;
    return end({
      workload: { agents, acts: ACTS },
      figures: {
        'bytes per agent in memory': each(({ heap, external }) => heap + external),
        'of these, on the heap': each(({ heap }) => heap),
        'of these, outside it': each(({ external }) => external),
        'bytes per agent 45 minutes after it was last heard of': each(both('quiet')),
        '… of these, on the heap': each(({ quiet }) => quiet.heap),
        'bytes per agent of a lane that took over': each(both('takenOver')),
        '… of these, on the heap ': each(({ takenOver }) => takenOver.heap),
        'bytes per agent 45 minutes after a lane took over': each(both('takenOverQuiet')),
        '…  of these, on the heap': each(({ takenOverQuiet }) => takenOverQuiet.heap),
        'bytes per agent in pages': each(({ pages }) => pages),
        '… as they are stored': each(({ packed }) => packed),
        agents,
        'acts of each open session': ACTS,
      },
      rounds,
      notes: [
        'heapUsed and external after four forced collections, less what they were before the first record; the reorder buffer is empty at that moment but for records no watermark has passed',
        'bytes in pages: what all pages hold when written in full; stored: packed, before PostgreSQL pads them',
        'a lane that took over was asked for nothing yet: entities lie in their pages, and are read from there when somebody asks',
        'what nobody asks for rests as rows in bytes after ten to twenty minutes, and is packed after as much time again; 45 minutes of ticks without an event, in steps of a second',
      ],
    });
  },
};
