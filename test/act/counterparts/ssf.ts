/** Counterpart of Shared Signals: a strict receiver that signals are pushed to. */
import assert from 'node:assert/strict';
import { ssf } from '../../../src/act/drivers/ssf.ts';
import { type SsfOptions, standingStreams } from '../../../src/act/drivers/ssf-options.ts';
import { intentionOf } from '../intentions.ts';
import { createMemorySignalStore } from '../memory-signal-store.ts';
import type { Counterpart, CounterpartParts, Lie, Who } from './counterpart.ts';
import { startFront } from './front.ts';
import { PRIVATE_PART, testKeys } from './signal-keys.ts';
import { createEnforcement, examine } from './signal-receiver.ts';

const ISSUER = 'https://plumbline.example';
const AUDIENCE = 'https://idp.example';
const AUTHORIZATION = 'Bearer receiver-token-6f1c';

/** Starts it. */
export async function startSsf({ http, clock }: CounterpartParts): Promise<Counterpart> {
  const keys = await testKeys();
  const store = createMemorySignalStore();
  const enforcement = createEnforcement();
  const published = await keys.publicKeys();
  let mode: Lie | 'honest' = 'honest';
  const front = await startFront(({ headers, body }) => {
    const refuse = (err: string, description: string) => ({
      ...{ status: 400, body: { err, description } },
    });
    if (headers['authorization'] !== AUTHORIZATION) return refuse('authentication_failed', 'who?');
    if (headers['content-type'] !== 'application/secevent+jwt')
      return refuse('invalid_request', 'content type');
    if (headers['accept'] !== 'application/json') return refuse('invalid_request', 'accept');
    const examined = examine(body, { issuer: ISSUER, audience: AUDIENCE, keys: published });
    if (!examined.ok) return refuse(examined.err, examined.why);
    if (mode !== 'ignore') enforcement.take(examined);
    return { status: 202, body: '' };
  });
  const options: SsfOptions = {
    ...{ type: 'ssf', issuer: ISSUER, subjectIssuer: 'https://idp.example', timeout: '500ms' },
    receivers: [
      {
        ...{ name: 'idp', audience: AUDIENCE, subject: 'complex', push: `${front.url}/events` },
        authorization: { env: 'RECEIVER' },
        standing: ['session-revoked', 'risk-level-change', 'token-claims-change'],
      },
    ],
    scopes: { granted: ['read', 'pay'], tools: { send_money: ['pay'] } },
  };
  const made = ssf.make({
    ...{ http, clock, name: 'ssf', source: 'plumbline', options, signals: { store, keys } },
    secret: () => AUTHORIZATION,
  });
  assert.ok(made.ok);
  await standingStreams(store, options);
  const blocked = (who: Who) => enforcement.stops(who === 'subject' ? 'agent-7' : 'agent-8', 's-1');
  /** What the application remembers while it has not heard. */
  let remembered: Record<Who, boolean> | null = null;
  return {
    driver: made.driver,
    intention: (lease, change = {}) =>
      intentionOf(lease, {
        ...{ driver: 'ssf', verb: 'posture' },
        subject: { tenant: 't1', agent: 'agent-7', session: 's-1', tools: [] },
        ...change,
      }),
    unaddressable: [
      {
        verb: 'freeze_tool',
        subject: { tenant: 't1', agent: 'agent-7', session: 's-1', tools: ['unheard_of'] },
      },
    ],
    secrets: [AUTHORIZATION, PRIVATE_PART],
    lies: ['lose-reply', 'fail', 'refuse', 'ignore', 'serve-on', 'slow'],
    lie: async (next) => {
      mode = next;
      await front.lie(next);
      remembered =
        next === 'serve-on'
          ? { subject: blocked('subject'), bystander: blocked('bystander') }
          : null;
    },
    effects: enforcement.effects,
    stops: async (who = 'subject') => remembered?.[who] ?? blocked(who),
    everything: enforcement.everything,
    remembersKeys: true,
    close: front.close,
  };
}
