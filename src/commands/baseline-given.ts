/** Baseline, as given: whose and which version the command line means, and who gave it. */
import { systemClock } from '../adapters/clock.ts';
import type { Database } from '../model/ports.ts';
import type { WindowScope } from '../model/window.ts';
import {
  listVersions,
  readVersion,
  type StoredVersion,
  versionByHash,
} from '../record/baselines.ts';
import { type Given, usage } from './arguments.ts';
import { signed } from './asking.ts';
import { hashShort, refused, type Signature } from './baseline-acts.ts';

/** Whose baseline is meant: a role by name, or --agent ID, or --fleet. Null: nobody was named. */
export function scopeOf(given: Given, role: string | undefined): WindowScope | null {
  const agent = given.value('agent');
  const named = [role, agent, given.has('fleet') ? '*' : undefined].filter(
    (one) => one !== undefined,
  );
  if (named.length > 1) throw usage('name one of: a role, --agent ID, --fleet');
  if (agent !== undefined) return { level: 'agent', subject: agent };
  if (given.has('fleet')) return { level: 'fleet', subject: '*' };
  return role === undefined ? null : { level: 'role', subject: role };
}

/** Who gave the command, now. */
export function signature(given: Given): Signature {
  return { ...signed(given), clockMs: systemClock.nowMs() };
}

/** The version a word means: the beginning of a hash, or the one of a role in this state. */
export async function versionOf(
  db: Database,
  given: Given,
  word: string | undefined,
  state: 'proposed' | 'promoted',
): Promise<StoredVersion> {
  const scope = scopeOf(given, word);
  if (scope === null) throw usage('name a version by the first characters of its hash, or a role');
  const found = await listVersions(db, { states: [state], scope, limit: 2 });
  const [only] = found;
  if (only !== undefined && found.length === 1) return await wholeVersion(db, only.hash);
  if (found.length > 1)
    throw refused(
      `several wait for ${scope.subject}: ${found.map(({ hash }) => hashShort(hash)).join(', ')}, …; name one`,
    );
  return await readVersion(db, word ?? scope.subject);
}

/** A version with its evidence, which lists leave out. */
export async function wholeVersion(db: Database, hash: string): Promise<StoredVersion> {
  return (await versionByHash(db, hash)) ?? (await readVersion(db, hash));
}
