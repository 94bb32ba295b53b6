/** Journal: how fast a file of the record is verified with a public key alone. */
import type { Bench } from './bench.ts';
import { start } from './child.ts';
import type { JournalInput, JournalOutcome } from './journal-child.ts';
import { begin, spread } from './measure.ts';

/** The benchmark. */
export const journal: Bench = {
  name: 'journal',
  claim: 'verifying an exported journal offline: entries a second of CPU',
  run: async ({ smoke, events, pairs, command, say }) => {
    const end = begin('journal', command);
    const given: JournalInput = {
      entries: events ?? (smoke ? 2000 : 200_000),
      every: smoke ? 200 : 500,
      rounds: (smoke ? 1 : pairs) + WARM,
    };
    const { rounds, writeUs, bytes, entries, checkpoints } = await start<JournalOutcome>(
      'journal-child.ts',
      given,
    ).answer;
    const kept = rounds.slice(WARM);
    const figures = {
      'entries verified per second of CPU': spread(kept.map((us) => (entries * 1e6) / us)),
      'µs CPU per entry': spread(kept.map((us) => us / entries)),
      'MB per second of CPU': spread(kept.map((us) => bytes / us)),
      'µs CPU per entry, writing the file': writeUs / entries,
      'bytes per entry in the file': bytes / entries,
      entries,
      checkpoints,
    };
    say(JSON.stringify(figures));
    return end({
      workload: given as unknown as Record<string, unknown>,
      figures,
      rounds,
      notes: [
        'the work of `journal verify FILE --key`: reading, strict parsing, the hash of every entry, the signature of every checkpoint, and the digest of the whole file',
        'entries are as long as those of a detection with two witnesses; CPU is user and system time of the process, garbage collection included; one warm-up round is left out',
      ],
    });
  },
};

const WARM = 1;
