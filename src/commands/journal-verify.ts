/** `journal verify`: judges a file by a public key alone, or the database as it is. */
import { readText } from '../adapters/files.ts';
import { readWholeLines } from '../adapters/line-file.ts';
import { short } from '../model/ids.ts';
import type { Database } from '../model/ports.ts';
import type { Audit } from '../record/audit.ts';
import { auditRecord } from '../record/audit-live.ts';
import { statedKeys } from '../record/checkpoints.ts';
import { auditFile, type FileAudit } from '../record/journal-file.ts';
import { type PublicKey, publicKeyOf, publicKeysOf } from '../record/signing-key.ts';
import { type Given, usage } from './arguments.ts';
import type { Command, CommandContext } from './command.ts';
import { count, type Output, safe, timeOf } from './output.ts';
import { createProgress } from './progress.ts';
import { withStore } from './reading.ts';

/** `journal verify FILE --key PUBLIC.pem`: needs no database and no configuration. */
export async function verifyFile(
  file: string,
  given: Given,
  { output }: CommandContext,
): Promise<0 | 1> {
  const pem = given.value('key');
  if (pem === undefined)
    throw usage(
      'name the public key that you were given: --key PUBLIC.pem (`journal key` prints it). A key taken from the file itself would prove nothing',
    );
  const keys = publicKeysOf(await readText(pem), pem);
  const contains = given.value('contains');
  const rules = {
    unsealed: given.has('unsealed'),
    ...(contains === undefined ? {} : { contains }),
  };
  const tell = createProgress(output, 'lines', null);
  const lines = watched(readWholeLines(file), tell);
  const found: FileAudit = await auditFile(lines, keys, rules);
  output.json(found);
  if (found.ok && !found.sealed)
    output.line('The end of the file is not signed: nothing shows whether it was cut off.');
  if (found.exportedAtMs !== null) output.line(`Exported ${timeOf(found.exportedAtMs)}.`);
  return tellAudit(output, found);
}

async function* watched<T>(items: AsyncIterable<T>, tell: (n: number) => void): AsyncGenerator<T> {
  let n = 0;
  for await (const item of items) {
    n += 1;
    tell(n);
    yield item;
  }
}

/** `journal verify`: the chains and signatures of the database. */
export const verifyStore: Command['run'] = async (given, { output, environment }) => {
  if (given.has('unsealed') || given.value('contains') !== undefined)
    throw usage('--unsealed and --contains are for a file: journal verify FILE');
  const pem = given.value('key');
  const own = pem === undefined ? null : publicKeysOf(await readText(pem), pem);
  const found = await withStore(given, environment, async (db) => {
    const keys = own ?? (await keysOfRecord(db));
    return await auditRecord(db, keys, createProgress(output, 'entries', null));
  });
  output.json({ ...found, ...brokenOf(found), keyFrom: own === null ? 'record' : 'given' });
  if (own === null && found.checkpoints > 0)
    output.line(
      'By the keys that the database itself names: who can write to it can change those too. --key PUBLIC.pem names one you were given.',
    );
  return tellAudit(output, found);
};

/** As programs read it before there were checkpoints. */
function brokenOf({ fault }: Audit): object {
  return fault === null ? {} : { brokenAt: fault.entry, why: fault.why };
}

/** The first key, and those that nobody introduced: rotations are followed from there. */
async function keysOfRecord(db: Database): Promise<PublicKey[]> {
  const stated = await statedKeys(db);
  return stated.flatMap(({ type, spki }) => {
    const key = type === 'begin' ? publicKeyOf(spki) : null;
    return key === null ? [] : [key];
  });
}

function tellAudit(output: Output, found: Audit): 0 | 1 {
  const { fault, entries, checkpoints, unsigned, signedUntilMs } = found;
  if (fault !== null) {
    output.line(`The record is BROKEN at ${safe(fault.at)}: ${safe(fault.why, 400)}`);
    output.line(`Whole before that: ${count(checkpoints, 'checkpoint')}, ${entriesOf(entries)}.`);
    return 1;
  }
  output.line(`The record is whole: ${entriesOf(entries)}, ${count(checkpoints, 'checkpoint')}.`);
  if (signedUntilMs === null) output.line('Nothing of it is signed: no checkpoint was taken yet.');
  else
    output.line(
      `Signed up to ${timeOf(signedUntilMs)}${unsigned === 0 ? '' : `; ${entriesOf(unsigned)} behind that are chained and not signed yet`}.`,
    );
  for (const { n, atMs, by, reason } of found.prunings)
    output.line(`Pruned by checkpoint ${n}, ${timeOf(atMs)}, by ${safe(by)}: ${safe(reason)}`);
  for (const { lane, n } of found.pruned)
    output.line(`What remains of lane ${lane} begins behind entry ${n}.`);
  for (const { keyId, from, trust } of found.keys)
    output.line(`Key ${short(keyId)} signs from checkpoint ${from} on (${TRUST[trust]}).`);
  if (found.first !== null && found.last !== null)
    output.line(`First checkpoint ${found.first}\nLast checkpoint  ${found.last}`);
  return 0;
}

const TRUST = {
  given: 'trusted because you gave it',
  introduced: 'introduced by the key before',
  bound: 'bound by the hashes that a later, trusted key signed',
} as const;

function entriesOf(n: number): string {
  return `${n.toLocaleString('en')} ${n === 1 ? 'entry' : 'entries'}`;
}
