/** `journal export`: the record as a file that verifies with the public key alone. */
import { systemClock } from '../adapters/clock.ts';
import { writeLines } from '../adapters/line-file.ts';
import { OperatingError } from '../model/errors.ts';
import { withRecord } from '../record/audit-live.ts';
import { takeCheckpoint } from '../record/checkpoints.ts';
import type { JournalRow } from '../record/journal.ts';
import { journalLines } from '../record/journal-file.ts';
import type { Signer } from '../record/signing-key.ts';
import { usage } from './arguments.ts';
import type { Command, CommandContext } from './command.ts';
import { configOf } from './inputs.ts';
import { safe, typed } from './output.ts';
import { createProgress } from './progress.ts';
import { withStore } from './reading.ts';
import { keyAtHand } from './signing.ts';

/** `journal export --out FILE`: signs what is there, and writes what is signed. */
export const exportJournal: Command['run'] = async (given, context: CommandContext) => {
  const { output, environment } = context;
  const out = given.value('out');
  if (out === undefined) throw usage('journal export needs --out FILE (.gz packs it)');
  const { config } = await configOf(given);
  const instance = config.instance ?? 'plumbline';
  const done = await withStore(given, environment, async (db) => {
    let signer: Signer | null = null;
    if (!given.has('unsealed')) {
      ({ signer } = await keyAtHand(db, config, environment).catch(adviseUnsealed));
      await takeCheckpoint(db, { signer, instance, nowMs: systemClock.nowMs() }).catch(
        adviseUnsealed,
      );
    }
    return await withRecord(db, signer !== null, async ({ checkpoints, entries, count }) => {
      const tell = createProgress(output, 'entries', count);
      const record = { checkpoints, entries: told(entries, tell) };
      const seal = signer === null ? null : { signer, atMs: systemClock.nowMs() };
      await writeLines(out, journalLines(record, seal));
      return { entries: count, sealed: seal !== null };
    });
  });
  output.json({ file: out, ...done });
  output.line(
    `${done.entries.toLocaleString('en')} entries → ${safe(out)}${done.sealed ? '; its end is signed' : '; its end is NOT signed'}`,
  );
  const rule = done.sealed ? '' : ' --unsealed';
  output.line(
    `Anybody can check it: ${typed(`journal verify ${safe(out)} --key PUBLIC.pem${rule}`)}`,
  );
  return 0;
};

async function* told(
  entries: AsyncIterable<JournalRow>,
  tell: (n: number) => void,
): AsyncGenerator<JournalRow> {
  let n = 0;
  for await (const entry of entries) {
    n += 1;
    tell(n);
    yield entry;
  }
}

function adviseUnsealed(cause: unknown): never {
  if (!(cause instanceof OperatingError) || cause.code !== 'JOURNAL_KEY') throw cause;
  throw new OperatingError(
    'JOURNAL_KEY',
    `${cause.message}. Without it --unsealed exports what is there; nothing then shows whether the file was cut off`,
    { retryable: false },
  );
}
