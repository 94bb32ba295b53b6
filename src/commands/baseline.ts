/** `baseline`: what is in force, what waits for review, and every act that changes it. */
import type { Database } from '../model/ports.ts';
import { type Given, usage } from './arguments.ts';
import {
  approve,
  importFile,
  learn,
  propose,
  reject,
  revalidate,
  rollback,
} from './baseline-change.ts';
import { diff, exportAll, showReview, status } from './baseline-show.ts';
import type { Command, CommandContext } from './command.ts';
import { withStore } from './reading.ts';

type Verb = (
  db: Database,
  given: Given,
  context: CommandContext,
  word: string | undefined,
) => Promise<0 | 1>;

const VERBS: Readonly<Record<string, Verb>> = {
  status,
  review: showReview,
  diff,
  learn,
  propose,
  approve,
  reject,
  revalidate,
  rollback,
  export: exportAll,
  import: importFile,
};

/** The command. */
export const baseline: Command = {
  name: 'baseline',
  synopsis: `baseline [${Object.keys(VERBS).join('|')}] [ROLE|HASH|FILE] [HASH] …`,
  summary: 'review, promote, roll back, export and import what is normal for each role',
  options: {
    agent: 'value',
    fleet: 'flag',
    all: 'flag',
    by: 'value',
    reason: 'value',
    full: 'flag',
    to: 'value',
    window: 'value',
    waive: 'value',
    dir: 'value',
    from: 'value',
    detectors: 'value',
  },
  words: 3,
  run: async (given, context) => {
    const [name = 'status', word] = given.words;
    const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
    if (verb === undefined)
      throw usage(
        `no such verb: ${JSON.stringify(name)}; there are ${Object.keys(VERBS).join(', ')}`,
      );
    return await withStore(given, context.environment, (db) => verb(db, given, context, word));
  },
};
