/** Releases once more a lease whose release did not get through. */
import type { Intention } from '../model/decision.ts';
import { idOf } from '../model/ids.ts';
import type { Database } from '../model/ports.ts';
import { VERB_NEEDS } from '../model/power.ts';
import { writeIntentions } from './intentions.ts';
import { appendJournal } from './journal.ts';
import { jsonOf, numberOf, textOf } from './row.ts';
import { cleanKey, whole } from './text.ts';

const LOCK_LEASE = `select state, lane from lease where id = $1 for update`;
// The last of them: its words are replaced, its subject and driver are those of the lease.
const RELEASES = `select intention, count(*) over ()::int as n from outbox
  where lease_id = $1 and step = 'release' order by ord desc limit 1`;

/**
 * Writes a release under a key of its own for a `failed` lease: the target refused it for a day, or
 * could not be reached for one, and may do it now. False where there is nothing to send, also where
 * somebody else asked a moment before. The lane has let go of such a lease and cannot be asked.
 */
export async function releaseAgain(
  db: Database,
  leaseId: string,
  { by, reason }: { readonly by: string; readonly reason: string },
  nowMs: number,
): Promise<boolean> {
  const id = cleanKey(leaseId);
  return await db.transaction(async (query) => {
    const [lease] = await query(LOCK_LEASE, [id]);
    const [last] = await query(RELEASES, [id]);
    if (lease === undefined || last === undefined || textOf(lease, 'state') !== 'failed')
      return false;
    const before = jsonOf<Intention>(last, 'intention');
    if (!VERB_NEEDS[before.verb].reversible) return false;
    const release: Intention = {
      ...before,
      key: idOf(leaseId, 'release', 'again', numberOf(last, 'n')),
      reason: `undone by ${by}: ${reason}`.slice(0, 500),
      issuedMs: whole(nowMs),
      cause: 'undone',
    };
    const lane = numberOf(lease, 'lane');
    await appendJournal(query, lane, await writeIntentions(query, lane, [release]));
    return true;
  });
}
