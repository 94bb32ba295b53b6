/** A transmitter over real HTTP for tests: routes, store, driver, courier, and a clock to move. */
import assert from 'node:assert/strict';
import { type Courier, createCourier } from '../../src/act/courier.ts';
import type { Driver } from '../../src/act/driver.ts';
import { ssf } from '../../src/act/drivers/ssf.ts';
import {
  courierOptions,
  receiverRules,
  type SsfOptions,
  standingStreams,
} from '../../src/act/drivers/ssf-options.ts';
import { systemClock } from '../../src/adapters/clock.ts';
import { createHttp } from '../../src/adapters/control-http.ts';
import { startHttpServer } from '../../src/adapters/http-server.ts';
import { signalRoutes } from '../../src/api/ssf.ts';
import { newToken, tokenDigest } from '../../src/commands/token.ts';
import type { Intention } from '../../src/model/decision.ts';
import type { Scope } from '../../src/model/route.ts';
import { CAEP_EVENTS, type SignalKeys, type SignalStore } from '../../src/model/signals.ts';
import { testKeys } from '../act/counterparts/signal-keys.ts';
import { type Examined, examine } from '../act/counterparts/signal-receiver.ts';
import { intentionOf } from '../act/intentions.ts';
import { createMemorySignalStore } from '../act/memory-signal-store.ts';
import { createTestLog } from '../act/test-log.ts';
import { createVirtualClock, type VirtualClock } from '../sim/clock.ts';

/** `iss` of every token; its path is part of every endpoint. */
export const ISSUER = 'https://plumbline.example/tenant-a';
/** `aud` of the tokens of the receiver `idp`. */
export const AUDIENCE = 'https://idp.example';
/** Event types by their last word. */
export const EVENTS = {
  revoked: CAEP_EVENTS.sessionRevoked,
  risk: CAEP_EVENTS.riskLevelChange,
  claims: CAEP_EVENTS.tokenClaimsChange,
};

/** An answer as a receiver sees it. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed where it is JSON. */
  readonly body: unknown;
}

/** Everything a test of the transmitter needs. */
export interface Bench {
  readonly store: SignalStore;
  readonly keys: SignalKeys;
  readonly clock: VirtualClock;
  readonly driver: Driver;
  readonly courier: Courier;
  /** As the receiver `idp`, which has both scopes, or with another token; '' sends none. */
  call(method: string, path: string, body?: unknown, token?: string): Promise<Answer>;
  /** Token of a consumer that may only read, and is no receiver. */
  readonly readerToken: string;
  /** Token of the receiver `other`, with both scopes. */
  readonly otherToken: string;
  /** What a strict receiver makes of a token, by the keys it fetches. */
  examine(jwt: string): Promise<Examined>;
  /** A poll: tokens by `jti`. */
  poll(stream: string, body?: unknown): Promise<Readonly<Record<string, string>>>;
  /** The intention to raise the level of a session of agent-7. */
  intention(lease: string, change?: Partial<Intention>): Intention;
  close(): Promise<void>;
}

/** Starts it; `change` is laid over the options. */
export async function startBench(change: Partial<SsfOptions> = {}): Promise<Bench> {
  const clock = createVirtualClock();
  const keys = await testKeys();
  const store = createMemorySignalStore();
  const http = createHttp();
  const options: SsfOptions = {
    ...{ type: 'ssf', issuer: ISSUER, subjectIssuer: 'https://idp.example', timeout: '1s' },
    receivers: [
      { name: 'idp', audience: AUDIENCE, subject: 'complex' },
      { name: 'other', audience: 'https://other.example' },
    ],
    scopes: {
      granted: ['read', 'pay', 'mail'],
      tools: { send_money: ['pay'], send_mail: ['mail'] },
    },
    ...change,
  };
  const secret = () => 'Bearer configured';
  const signals = { store, keys };
  const made = ssf.make({
    http,
    clock,
    name: 'ssf',
    source: 'plumbline',
    options,
    signals,
    secret,
  });
  assert.ok(made.ok, made.ok ? '' : made.problem);
  await standingStreams(store, options);
  const courier = createCourier({ store, keys, http, clock }, courierOptions(options, secret));
  const consumer = (name: string, scopes: readonly Scope[]) => {
    const token = newToken();
    return { token, consumer: { name, sha256: tokenDigest(token), scopes } };
  };
  const idp = consumer('idp', ['ssf.manage', 'ssf.read']);
  const other = consumer('other', ['ssf.manage', 'ssf.read']);
  const reader = consumer('reader', ['ssf.read']);
  let serial = 0;
  const nonce = () => {
    serial += 1;
    return `nonce-${serial}`;
  };
  const server = await startHttpServer(
    // The transmitter goes by the test's clock, the limits of the server by the system's.
    signalRoutes(
      { store, keys, clock, nonce },
      {
        ...{ issuer: ISSUER, receivers: receiverRules(options) },
        eventsSupported: Object.values(CAEP_EVENTS),
      },
    ),
    {
      ...{ host: '127.0.0.1', port: 0, closeWithinMs: 200 },
      consumers: [idp.consumer, other.consumer, reader.consumer],
    },
    systemClock,
    createTestLog().log,
  );
  const call: Bench['call'] = async (method, path, body, token = idp.token) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const reply = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: text }),
    });
    const answer = await reply.text();
    const isJson = (reply.headers.get('content-type') ?? '').includes('json');
    return {
      status: reply.status,
      headers: Object.fromEntries(reply.headers),
      body: isJson ? JSON.parse(answer) : answer,
    };
  };
  return {
    ...{ store, keys, clock, driver: made.driver, courier, call },
    readerToken: reader.token,
    otherToken: other.token,
    examine: async (jwt) => {
      const jwks = await call('GET', '/tenant-a/jwks.json', undefined, '');
      const { keys: published } = jwks.body as { keys: Readonly<Record<string, unknown>>[] };
      return examine(jwt, { issuer: ISSUER, audience: AUDIENCE, keys: published });
    },
    poll: async (stream, body = { returnImmediately: true }) => {
      const reply = await call('POST', `/tenant-a/ssf/poll/${stream}`, body);
      assert.equal(reply.status, 200, JSON.stringify(reply));
      return (reply.body as { sets: Readonly<Record<string, string>> }).sets;
    },
    intention: (lease, more = {}) =>
      intentionOf(lease, {
        ...{ driver: 'ssf', verb: 'posture' },
        subject: { tenant: 't1', agent: 'agent-7', session: 's-1', tools: [] },
        ...more,
      }),
    close: () => server.close(),
  };
}

/** Makes a stream as the receiver `idp`; its id. */
export async function newStream(bench: Bench, body: object = {}): Promise<string> {
  const asked = { events_requested: Object.values(EVENTS), ...body };
  const reply = await bench.call('POST', '/tenant-a/ssf/streams', asked);
  assert.equal(reply.status, 201, JSON.stringify(reply));
  return (reply.body as { stream_id: string }).stream_id;
}
