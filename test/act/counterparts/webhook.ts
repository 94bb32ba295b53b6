/** Counterpart of the webhook: the example control plane, and a gateway that asks it. */
import assert from 'node:assert/strict';
import { startControlPlane } from '../../../examples/control-plane/server.ts';
import { webhook } from '../../../src/act/drivers/webhook.ts';
import { intentionOf } from '../intentions.ts';
import type { Counterpart, CounterpartParts, Lie, Who } from './counterpart.ts';
import { startFront } from './front.ts';

const SECRET = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
const ASKING = {
  subject: '/posture?agent=agent-7&session=s-1&tool=send_money',
  bystander: '/posture?agent=agent-8&session=s-1&tool=send_money',
};

/** Starts it. */
export async function startWebhook({ http, clock }: CounterpartParts): Promise<Counterpart> {
  const plane = await startControlPlane({ port: 0, secret: SECRET, nowMs: clock.nowMs });
  const front = await startFront(plane.url);
  const made = webhook.make({
    ...{ http, clock, name: 'webhook', source: 'plumbline' },
    options: { type: 'webhook', url: `${front.url}/control`, secret: {}, timeout: '500ms' },
    secret: () => SECRET,
  });
  assert.ok(made.ok);
  const allowed = async (who: Who) => {
    const asked = await fetch(`${plane.url}${ASKING[who]}`);
    const { allowed } = (await asked.json()) as { allowed: boolean };
    return allowed;
  };
  /** What the gateway remembers while it does not ask. */
  let remembered: Record<Who, boolean> | null = null;
  return {
    driver: made.driver,
    intention: intentionOf,
    unaddressable: [],
    secrets: [SECRET, SECRET.slice('whsec_'.length)],
    lies: ['lose-reply', 'fail', 'refuse', 'ignore', 'serve-on', 'slow', 'approval'],
    lie: async (mode: Lie | 'honest') => {
      const body = JSON.stringify({ mode: mode === 'ignore' ? 'accept-and-ignore' : 'honest' });
      const reply = await fetch(`${plane.url}/lie`, { method: 'POST', body });
      assert.equal(reply.status, 200);
      await front.lie(mode);
      remembered =
        mode === 'serve-on'
          ? { subject: await allowed('subject'), bystander: await allowed('bystander') }
          : null;
    },
    effects: () => Object.values(plane.state().keys).reduce((sum, { applied }) => sum + applied, 0),
    stops: async (who = 'subject') => !(remembered?.[who] ?? (await allowed(who))),
    everything: () => JSON.stringify(plane.state()),
    remembersKeys: true,
    close: async () => {
      await front.close();
      await plane.close();
    },
  };
}
