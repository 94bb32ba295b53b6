/** Held calls: the calls of a session that its ledger holds, for whoever asks afterwards. */
import type { Attempt, Intent } from '../model/fact.ts';
import type { Slots } from '../state/slots.ts';
import { keyOf, type SessionEntity } from './session.ts';

/** A call the ledger holds, and the record that stated it; null where none did. */
export interface HeldCall
  extends Pick<Attempt, 'topic' | 'nativeId' | 'at' | 'tool' | 'ms' | 'ours'> {
  /** Allowed and answered without an error. */
  readonly took: boolean;
  readonly said: Pick<Intent, 'topic' | 'nativeId' | 'ms'> | null;
}

/** Calls of the session, act by act, each with the announcement or else the report that stated it. */
export function callsOf(slots: Slots, tenant: string, session: string): HeldCall[] {
  const held: HeldCall[] = [];
  const entity = slots.get<SessionEntity>('S', keyOf(tenant, session));
  for (const { attempts, intents } of Object.values(entity?.acts ?? {})) {
    const said = intents.find(({ claimed }) => !claimed) ?? intents[0] ?? null;
    for (const attempt of attempts) {
      const took = attempt.decision !== 'deny' && attempt.outcome === 'ok';
      held.push({ ...attempt, took, said });
    }
  }
  return held;
}
