/** `journal`: the append-only record; its last entries, and whether its chain is whole. */
import { short } from '../model/ids.ts';
import { journalTail, verifyJournal } from '../record/journal.ts';
import { usage } from './arguments.ts';
import type { Command } from './command.ts';
import { safe, timeOf } from './output.ts';
import { withStore } from './reading.ts';

const LANE = 0;

/** The command. */
export const journal: Command = {
  name: 'journal',
  synopsis: 'journal tail [--limit N] | journal verify',
  summary: 'show the last entries, or verify the hash chain',
  options: { limit: 'value' },
  words: 1,
  run: async (given, { output, environment }) => {
    const [verb = 'tail'] = given.words;
    if (verb === 'tail') {
      const limit = given.count('limit', 1) ?? 20;
      const rows = await withStore(given, environment, (db) => journalTail(db, LANE, limit));
      output.json(rows);
      for (const row of rows)
        output.line(
          `${row.n}  ${timeOf(row.atMs)}  ${row.kind.padEnd(12)}  ${safe(shortened(row.body), 140)}`,
        );
      return 0;
    }
    if (verb !== 'verify') throw usage(`no such verb: ${JSON.stringify(verb)}`);
    const verdict = await withStore(given, environment, (db) => verifyJournal(db, LANE));
    output.json(verdict);
    if (verdict.ok) {
      output.line(`The chain is whole: ${verdict.entries} entries.`);
      return 0;
    }
    output.line(
      `The chain is BROKEN at entry ${verdict.brokenAt ?? '?'}: ${safe(verdict.why ?? '')}`,
    );
    return 1;
  },
};

/** Ids as people see them everywhere else; --json has them whole. */
function shortened(body: string): string {
  return body.replace(/\b[0-9a-f]{64}\b/g, (id) => short(id));
}
