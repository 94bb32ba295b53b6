/** Offers: work that waits for executors which ask for it, and what they said came of it. */
import type { Clock, Database, Row } from '../model/ports.ts';
import type { OfferState, PullOffers } from '../model/posture.ts';
import { jsonOf, numberOf, textOf } from './row.ts';
import { cleanKey, cleanText, storableJson, whole, wholeOrNull } from './text.ts';

type Reads = Pick<Database, 'query'>;

const OFFER = `insert into pull_offer (key, driver, lease_id, expires_ms, offered_ms, step, item)
  values ($1, $2, $3, $4, $5, $6, $7) on conflict (key) do nothing`;
// Whoever fetches late must not find a request of what has been released.
const SUPERSEDE = `update pull_offer set state = 'superseded', ended_ms = $3
  where lease_id = $1 and key <> $2 and state = 'open'`;
const STATE = `select state, detail from pull_offer where key = $1`;

const stateOf = (row: Row | undefined): OfferState => {
  if (row === undefined) return { type: 'open' };
  const state = textOf(row, 'state');
  if (state === 'failed') return { type: 'failed', detail: textOf(row, 'detail') };
  return state === 'acked' || state === 'superseded' ? { type: state } : { type: 'open' };
};

/** The offers of one driver over PostgreSQL; any member of the fleet of observers may hand them out. */
export function createPullOffers(db: Database, driver: string, clock: Clock): PullOffers {
  const state = async (key: string): Promise<OfferState> =>
    stateOf((await db.query(STATE, [cleanKey(key)]))[0]);
  return {
    offer: async ({ key, leaseId, step, expiresMs }, item) => {
      const at = whole(clock.nowMs());
      const body = [wholeOrNull(expiresMs), at, step, storableJson(item)];
      await db.transaction(async (query) => {
        await query(OFFER, [cleanKey(key), driver, cleanKey(leaseId), ...body]);
        if (step === 'release') await query(SUPERSEDE, [cleanKey(leaseId), cleanKey(key), at]);
      });
    },
    outcome: async (key, withinMs) => {
      const untilMs = clock.nowMs() + withinMs;
      for (;;) {
        const found = await state(key);
        const leftMs = untilMs - clock.nowMs();
        if (found.type !== 'open' || leftMs <= 0) return found;
        await clock.sleep(Math.min(LOOK_MS, leftMs));
      }
    },
  };
}

const LOOK_MS = 250;

/** One piece of work as it is handed out. */
export interface HandedOffer {
  readonly key: string;
  /** What its executor is shown. */
  readonly item: Readonly<Record<string, unknown>>;
  /** How often it was handed out before. */
  readonly before: number;
}

/** What is handed out and not acknowledged is handed out again after so long, ms. */
export const HAND_AGAIN_MS = 10_000;

// What restrains and whose time is over is not handed out; a release always is.
const TAKE = `with next as (
    select key from pull_offer where driver = any ($1::text[]) and state = 'open'
      and (handed_ms is null or handed_ms <= $2::bigint - $4::bigint)
      and (expires_ms is null or expires_ms > $2 or step = 'release')
    order by ord limit $3 for update skip locked)
  update pull_offer o set handed_ms = $2, handed = o.handed + 1 from next where o.key = next.key
  returning o.ord, o.key, o.handed, o.item`;

/** Hands out what is open, oldest first. */
export async function takeOffers(
  db: Reads,
  drivers: readonly string[],
  limit: number,
  nowMs: number,
): Promise<readonly HandedOffer[]> {
  const rows = await db.query(TAKE, [drivers, whole(nowMs), limit, HAND_AGAIN_MS]);
  return [...rows]
    .sort((a, b) => numberOf(a, 'ord') - numberOf(b, 'ord'))
    .map((row) => ({
      key: textOf(row, 'key'),
      item: jsonOf<HandedOffer['item']>(row, 'item'),
      before: numberOf(row, 'handed') - 1,
    }));
}

const ACK = `update pull_offer set state = $3, detail = $4, ended_ms = $5
  where key = $1 and driver = any ($2::text[]) and state = 'open' and handed > 0`;

/** Keeps what an executor says of one piece. Unknown keys, and words said twice, change nothing. */
export async function settleOffer(
  db: Reads,
  drivers: readonly string[],
  key: string,
  failure: string | null,
  nowMs: number,
): Promise<void> {
  const state = failure === null ? 'acked' : 'failed';
  const detail = failure === null ? null : cleanText(failure, 256);
  await db.query(ACK, [cleanKey(key), drivers, state, detail, whole(nowMs)]);
}
