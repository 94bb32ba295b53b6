/** Counterpart of OAuth: an authorization server, and a resource server that asks it, or does not. */
import assert from 'node:assert/strict';
import { type OauthOptions, oauth } from '../../../src/act/drivers/oauth.ts';
import { intentionOf } from '../intentions.ts';
import { createAuthorizationServer, type Grant } from './authorization-server.ts';
import type { Counterpart, CounterpartParts, Who } from './counterpart.ts';
import { startFront } from './front.ts';

const SECRET = 'client secret: 7f+/&=';
const grantOf = (agent: string): Grant => ({
  ...{
    agent,
    session: 's-1',
    refreshToken: `refresh-${agent}-9a`,
    accessToken: `access-${agent}-9b`,
  },
});
const GRANTS = [grantOf('agent-7'), grantOf('agent-8')];

/** Starts it. */
export async function startOauth({ http, clock }: CounterpartParts): Promise<Counterpart> {
  const server = createAuthorizationServer(
    { id: 'plumbline', secret: SECRET },
    GRANTS,
    clock.nowMs,
  );
  const front = await startFront(server.target);
  const options: OauthOptions = {
    ...{ type: 'oauth', revocation: `${front.url}/revoke` },
    introspection: `${front.url}/introspect`,
    client: { id: 'plumbline', auth: 'client_secret_basic', secret: {} },
    tokens: { list: {} },
    ...{ introspects: true, timeout: '500ms' },
  };
  const made = oauth.make({
    ...{ http, clock, name: 'oauth', source: 'plumbline', options },
    secret: (path) => (path === 'tokens.list' ? JSON.stringify(GRANTS) : SECRET),
  });
  assert.ok(made.ok, made.ok ? '' : made.problem);
  const active = (who: Who) =>
    server.isActive(grantOf(who === 'subject' ? 'agent-7' : 'agent-8').accessToken);
  /** What a resource server goes by that does not ask. */
  let remembered: Record<Who, boolean> | null = null;
  return {
    driver: made.driver,
    intention: (lease, change = {}) =>
      intentionOf(lease, {
        ...{ driver: 'oauth', verb: 'revoke_session', expiresMs: null },
        subject: { tenant: 't1', agent: 'agent-7', session: 's-1', tools: [] },
        ...change,
      }),
    unaddressable: [
      { subject: { tenant: 't1', agent: 'agent-7', session: 's-2', tools: [] } },
      { subject: { tenant: 't1', agent: 'nobody', session: 's-1', tools: [] } },
    ],
    secrets: [
      SECRET,
      ...GRANTS.flatMap(({ refreshToken, accessToken }) => [refreshToken, accessToken]),
    ],
    lies: ['lose-reply', 'fail', 'refuse', 'ignore', 'serve-on', 'slow'],
    lie: async (mode) => {
      server.ignores = mode === 'ignore';
      await front.lie(mode);
      remembered =
        mode === 'serve-on' ? { subject: active('subject'), bystander: active('bystander') } : null;
    },
    effects: server.effects,
    stops: async (who = 'subject') => !(remembered?.[who] ?? active(who)),
    everything: server.everything,
    remembersKeys: false,
    close: front.close,
  };
}
