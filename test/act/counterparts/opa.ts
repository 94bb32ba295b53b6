/** Counterpart of the OPA driver: two replicas, and gateways that ask their own. */
import assert from 'node:assert/strict';
import { opa } from '../../../src/act/drivers/opa.ts';
import { intentionOf } from '../intentions.ts';
import type { Counterpart, CounterpartParts, Lie, Who } from './counterpart.ts';
import { startFront } from './front.ts';
import { type AskedCall, createOpa } from './opa-server.ts';

const TOKEN = 'opa-write-token-0123456789';
const CALLS: Readonly<Record<Who, AskedCall>> = {
  subject: { agent: 'agent-7', session: 's-1', tool: 'send_money' },
  bystander: { agent: 'agent-8', session: 's-1', tool: 'send_money' },
};

/** Starts it. */
export async function startOpa({ http, clock }: CounterpartParts): Promise<Counterpart> {
  const servers = [createOpa(TOKEN, clock.nowMs), createOpa(TOKEN, clock.nowMs)];
  const fronts = await Promise.all(servers.map((one) => startFront(one.target)));
  const made = opa.make({
    ...{ http, clock, name: 'opa', source: 'plumbline' },
    options: { type: 'opa', urls: fronts.map(({ url }) => url), token: {}, timeout: '500ms' },
    secret: () => TOKEN,
  });
  assert.ok(made.ok);
  const allowed = (who: Who) => servers.some((one) => one.allows(CALLS[who]));
  /** What the gateways remember while they do not ask. */
  let remembered: Record<Who, boolean> | null = null;
  return {
    driver: made.driver,
    intention: (leaseId, change) => intentionOf(leaseId, { driver: 'opa', ...change }),
    unaddressable: [{ verb: 'revoke_session', expiresMs: null }, { leaseId: '../agents/agent-8' }],
    secrets: [TOKEN],
    lies: ['lose-reply', 'fail', 'refuse', 'ignore', 'serve-on', 'slow'],
    lie: async (mode: Lie | 'honest') => {
      for (const one of servers) one.ignore(mode === 'ignore');
      await Promise.all(fronts.map((front) => front.lie(mode)));
      remembered =
        mode === 'serve-on'
          ? { subject: allowed('subject'), bystander: allowed('bystander') }
          : null;
    },
    effects: () => Math.max(...servers.map((one) => one.changes())),
    stops: async (who = 'subject') => !(remembered?.[who] ?? allowed(who)),
    everything: () => JSON.stringify(servers.map((one) => one.value('plumbline'))),
    revert: async () => {
      for (const one of servers) one.remove('plumbline/fast/leases/L1');
    },
    remembersKeys: false,
    close: async () => {
      await Promise.all(fronts.map((front) => front.close()));
    },
  };
}
