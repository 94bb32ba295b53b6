/** `journal prune`: lets go of the oldest entries, and leaves what remains provable. */
import { systemClock } from '../adapters/clock.ts';
import { prunable, prune } from '../record/pruning.ts';
import { usage } from './arguments.ts';
import { signed } from './asking.ts';
import type { Command } from './command.ts';
import { configOf } from './inputs.ts';
import { momentOf } from './moment.ts';
import { timeOf, typed } from './output.ts';
import { withStore } from './reading.ts';
import { keyAtHand } from './signing.ts';

/** `journal prune --before TIME`: says what would go; signed with --by and --reason it goes. */
export const pruneJournal: Command['run'] = async (given, { output, environment }) => {
  const before = given.value('before');
  if (before === undefined) throw usage('journal prune needs --before TIME');
  const nowMs = systemClock.nowMs();
  const beforeMs = momentOf(before, 'before', nowMs);
  const isDry = given.value('by') === undefined && given.value('reason') === undefined;
  const signature = isDry ? null : signed(given);
  const { config } = await configOf(given);
  const found = await withStore(given, environment, async (db) => {
    if (signature === null) return await prunable(db, beforeMs);
    const { signer } = await keyAtHand(db, config, environment);
    const taking = { signer, instance: config.instance ?? 'plumbline', nowMs };
    return await prune(db, taking, beforeMs, signature);
  });
  output.json({ dryRun: isDry, pruned: found });
  if (found === null) {
    output.line(`Nothing was signed before ${timeOf(beforeMs)} that is still there.`);
    return 0;
  }
  const what = `${found.entries.toLocaleString('en')} entries up to checkpoint ${found.upTo} (${timeOf(found.atMs)})`;
  if (isDry) {
    output.line(`Would let go of ${what}. Nothing was changed. An export first keeps them:`);
    output.line(`  ${typed('journal export --out FILE.gz')}`);
    output.line(`  ${typed(`journal prune --before ${before} --by YOU --reason WHY`)}`);
    return 0;
  }
  const by = found.record === null ? 'an earlier record' : `checkpoint ${found.record}`;
  output.line(`Let go of ${what}; ${by} is the signed record of it.`);
  return 0;
};
