/** `journal`: the append-only record: its last entries, its keys, its proof, its file. */
import { short } from '../model/ids.ts';
import { journalHeads, journalTail } from '../record/journal.ts';
import { usage } from './arguments.ts';
import type { Command } from './command.ts';
import { exportJournal } from './journal-export.ts';
import { rotateJournalKey, showKeys, signJournal } from './journal-keys.ts';
import { pruneJournal } from './journal-prune.ts';
import { verifyFile, verifyStore } from './journal-verify.ts';
import { safe, timeOf } from './output.ts';
import { withStore } from './reading.ts';

const VERBS = ['tail', 'verify', 'export', 'checkpoint', 'key', 'rotate-key', 'prune'] as const;

/** The command. */
export const journal: Command = {
  name: 'journal',
  synopsis:
    'journal tail [--lane N] | verify [FILE] [--key PUBLIC.pem] | export --out FILE | checkpoint | key | rotate-key --by WHO --reason WHY | prune --before TIME [--by WHO --reason WHY]',
  summary: 'show, verify, export, sign and prune the record',
  options: {
    ...{
      limit: 'value',
      lane: 'value',
      key: 'value',
      unsealed: 'flag',
      contains: 'value',
      out: 'value',
    },
    ...{ before: 'value', by: 'value', reason: 'value', next: 'value', lost: 'flag' },
  },
  words: 2,
  run: async (given, context) => {
    const [verb = 'tail', file] = given.words;
    if (file !== undefined && verb !== 'verify')
      throw usage(`journal ${verb} takes no file; --out and --key name files`);
    switch (verb) {
      case 'tail':
        return await showTail(given, context);
      case 'verify':
        return await (file === undefined
          ? verifyStore(given, context)
          : verifyFile(file, given, context));
      case 'export':
        return await exportJournal(given, context);
      case 'checkpoint':
        return await signJournal(given, context);
      case 'key':
        return await showKeys(given, context);
      case 'rotate-key':
        return await rotateJournalKey(given, context);
      case 'prune':
        return await pruneJournal(given, context);
      default:
        throw usage(`no such verb: ${JSON.stringify(verb)}; there are ${VERBS.join(', ')}`);
    }
  },
};

const showTail: Command['run'] = async (given, { output, environment }) => {
  const limit = given.count('limit', 1) ?? 20;
  const rows = await withStore(given, environment, async (db) => {
    const heads = await journalHeads(db);
    // In one lane entries stand in the order of their numbers, which tells more than their time.
    const lane = given.count('lane', 0) ?? (heads.length > 1 ? null : (heads[0]?.lane ?? 0));
    return await journalTail(db, lane, limit);
  });
  output.json(rows);
  const hasLanes = new Set(rows.map(({ lane }) => lane)).size > 1;
  for (const row of rows)
    output.line(
      `${hasLanes ? `${row.lane}/` : ''}${row.n}  ${timeOf(row.atMs)}  ${row.kind.padEnd(12)}  ${safe(shortened(row.body), 140)}`,
    );
  return 0;
};

/** Ids as people see them everywhere else; --json has them whole. */
function shortened(body: string): string {
  return body.replace(/\b[0-9a-f]{64}\b/g, (id) => short(id));
}
