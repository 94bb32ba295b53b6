/** `decisions replay`: judges recorded decisions again, and compares them bit for bit. */
import { systemClock } from '../adapters/clock.ts';
import { short } from '../model/ids.ts';
import { journalledDigests, recordedDecisions } from '../record/decided.ts';
import { idByPrefix } from '../record/read.ts';
import { type Given, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { judgedAgain, REPLAYED, type Replayed } from './judged-again.ts';
import { momentOf } from './moment.ts';
import { count, type Output, safe, timeOf } from './output.ts';
import { createProgress } from './progress.ts';
import { withStore } from './reading.ts';

const SHOWN = 20;

/** The command. */
export const decisions: Command = {
  name: 'decisions',
  synopsis: 'decisions replay [DECISION] [--case CASE] [--since TIME]',
  summary: 'judge recorded decisions again from what was kept with them, and compare bit for bit',
  options: { case: 'value', since: 'value' },
  words: 2,
  run: async (given, { output, environment }) => {
    const [verb, prefix] = given.words;
    if (verb !== 'replay') throw usage('decisions replay is the only verb there is');
    const tally = new Map<Replayed['verdict'], number>();
    const wrong: Replayed[] = [];
    await withStore(given, environment, async (db) => {
      const filter = {
        ...(prefix === undefined ? {} : { id: await idByPrefix(db, 'decision', prefix) }),
        ...(await caseOf(given, (beginning) => idByPrefix(db, 'case', beginning))),
        ...sinceOf(given),
      };
      const tell = createProgress(output, 'decisions', null);
      let n = 0;
      for await (const recorded of recordedDecisions(db, filter)) {
        const journalled = await journalledDigests(db, recorded.decision);
        const replayed = judgedAgain(recorded, journalled);
        tally.set(replayed.verdict, (tally.get(replayed.verdict) ?? 0) + 1);
        if (REPLAYED[replayed.verdict].isWrong) wrong.push(replayed);
        n += 1;
        tell(n);
        if (wrong.length >= 1000) break;
      }
    });
    output.json({ verdicts: Object.fromEntries(tally), wrong });
    tellTally(output, tally, wrong);
    return wrong.length === 0 ? 0 : 1;
  },
};

async function caseOf(
  given: Given,
  find: (prefix: string) => Promise<string>,
): Promise<{ readonly caseId?: string }> {
  const named = given.value('case');
  return named === undefined ? {} : { caseId: await find(named) };
}

function sinceOf(given: Given): { readonly sinceMs?: number } {
  const since = given.value('since');
  if (since === undefined) return {};
  return { sinceMs: momentOf(since, 'since', systemClock.nowMs()) };
}

function tellTally(
  output: Output,
  tally: ReadonlyMap<Replayed['verdict'], number>,
  wrong: readonly Replayed[],
): void {
  if (tally.size === 0) output.line('No such decision is recorded.');
  for (const [verdict, n] of tally)
    output.line(`${count(n, 'decision')}: ${REPLAYED[verdict].says}`);
  for (const { decisionId, timeMs, verdict, differs, caseId } of wrong.slice(0, SHOWN)) {
    const what = differs.length === 0 ? '' : `: ${safe(differs.join(', '))}`;
    output.line(
      `  ${short(decisionId)} of case ${short(caseId)}, ${timeOf(timeMs)}: ${verdict}${what}`,
    );
  }
  if (wrong.length > SHOWN) output.line(`  … and ${wrong.length - SHOWN} more (--json)`);
}
