/** Counterpart of the pull driver: the real listener, and an executor that fetches its work. */
import assert from 'node:assert/strict';
import { pull } from '../../../src/act/drivers/pull.ts';
import { systemClock } from '../../../src/adapters/clock.ts';
import { startHttpServer } from '../../../src/adapters/http-server.ts';
import { pullRoutes, type Work } from '../../../src/api/pull.ts';
import { newToken, tokenDigest } from '../../../src/commands/token.ts';
import type { OfferState, PullOffers } from '../../../src/model/posture.ts';
import { silentLog } from '../../integration/postgres.ts';
import { intentionOf } from '../intentions.ts';
import type { Counterpart, CounterpartParts, Lie, Who } from './counterpart.ts';

interface Item {
  readonly type: string;
  readonly leaseId: string;
  readonly verb: string;
  readonly subject: { readonly agent: string; readonly session?: string };
  readonly expiresAt: string | null;
}

/** Starts it. */
export async function startPull({ http, clock }: CounterpartParts): Promise<Counterpart> {
  const offers = new Map<string, { leaseId: string; item: object; state: OfferState }>();
  const work: Work = {
    take: async (_drivers, limit) =>
      [...offers]
        .filter(([, { state }]) => state.type === 'open')
        .slice(0, limit)
        .map(([key, { item }]) => ({ key, item: { ...item } })),
    settle: async (_drivers, key, failure) => {
      const offer = offers.get(key);
      if (offer?.state.type !== 'open') return;
      offer.state = failure === null ? { type: 'acked' } : { type: 'failed', detail: failure };
    },
  };
  const token = newToken();
  const parts = { work, clock, driversOf: (one: string) => (one === 'box' ? ['pull'] : []) };
  const server = await startHttpServer(
    pullRoutes(parts),
    {
      ...{ host: '127.0.0.1', port: 0 },
      consumers: [{ name: 'box', sha256: tokenDigest(token), scopes: ['control.poll'] }],
    },
    systemClock,
    silentLog,
  );
  const box = createBox(`${server.url}/v1/control/poll`, token, clock.nowMs);
  const waiting: PullOffers = {
    offer: async ({ key, leaseId, step }, item) => {
      if (!offers.has(key)) offers.set(key, { leaseId, item, state: { type: 'open' } });
      if (step !== 'release') return;
      for (const [other, offer] of offers)
        if (offer.leaseId === leaseId && other !== key && offer.state.type === 'open')
          offer.state = { type: 'superseded' };
    },
    outcome: async (key) => {
      await box.poll();
      return offers.get(key)?.state ?? { type: 'open' };
    },
  };
  const made = pull.make({
    ...{ http, clock, name: 'pull', source: 'plumbline' },
    polled: {
      posture: { lease: async () => null, pollers: async () => [] },
      offersOf: () => waiting,
    },
    options: { type: 'pull', consumer: 'box' },
    secret: () => '',
  });
  assert.ok(made.ok);
  return {
    driver: made.driver,
    intention: (leaseId, change) => intentionOf(leaseId, { driver: 'pull', ...change }),
    unaddressable: [],
    secrets: [token],
    lies: ['lose-reply', 'refuse', 'ignore', 'serve-on', 'slow', 'approval'],
    lie: async (mode) => await box.lie(mode),
    effects: () => box.effects(),
    stops: async (who = 'subject') => box.stops(who),
    everything: () => JSON.stringify([[...offers], box.everything()]),
    remembersKeys: false,
    close: () => server.close(),
  };
}

/** The executor: fetches, does, and acknowledges with its next question. */
function createBox(url: string, token: string, nowMs: () => number) {
  const standing = new Map<string, { agent: string; untilMs: number }>();
  const done = new Set<string>();
  let mode: Lie | 'honest' = 'honest';
  let effects = 0;
  let remembered: Record<Who, boolean> | null = null;
  const late: (() => void)[] = [];
  const ask = async (said: object): Promise<Readonly<Record<string, Item>>> => {
    const body = JSON.stringify({ max: 10, wait: 0, ...said });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const reply = await fetch(url, { method: 'POST', headers, body });
    assert.equal(reply.status, 200);
    return ((await reply.json()) as { items: Record<string, Item> }).items;
  };
  const act = (key: string, item: Item): void => {
    if (done.has(key)) return;
    done.add(key);
    const { leaseId, subject, type, expiresAt } = item;
    if (type === 'plumbline.control.released.v1') standing.delete(leaseId);
    else {
      const untilMs = expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(expiresAt);
      standing.set(leaseId, { agent: subject.agent, untilMs });
    }
    effects += 1;
  };
  const stops = (who: Who): boolean => {
    const agent = who === 'subject' ? 'agent-7' : 'agent-8';
    return [...standing.values()].some((one) => one.agent === agent && one.untilMs > nowMs());
  };
  const code = { refuse: 'forbidden', approval: 'approval_required' } as Record<string, string>;
  return {
    async poll() {
      const ack: string[] = [];
      const failed: Record<string, { code: string; message: string }> = {};
      for (const [key, item] of Object.entries(await ask({}))) {
        const refusal = code[mode];
        const released = item.type === 'plumbline.control.released.v1';
        if (refusal !== undefined) failed[key] = { code: refusal, message: 'not mine to do' };
        else if (released && !standing.has(item.leaseId) && !done.has(key))
          failed[key] = { code: 'gone', message: 'nothing of it here' };
        else if (mode === 'slow') late.push(() => act(key, item));
        else {
          if (mode !== 'ignore') act(key, item);
          if (mode !== 'lose-reply') ack.push(key);
        }
      }
      await ask({ ack, failed });
    },
    async lie(next: Lie | 'honest') {
      mode = next;
      for (const one of late.splice(0)) one();
      remembered =
        next === 'serve-on' ? { subject: stops('subject'), bystander: stops('bystander') } : null;
    },
    effects: () => effects,
    stops: (who: Who) => remembered?.[who] ?? stops(who),
    everything: () => [...standing],
  };
}
