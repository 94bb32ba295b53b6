/** Counterpart of the posture driver: a record in memory, the real listener, a gateway that polls. */
import assert from 'node:assert/strict';
import type { Driver } from '../../../src/act/driver.ts';
import { posture } from '../../../src/act/drivers/posture.ts';
import { systemClock } from '../../../src/adapters/clock.ts';
import { startHttpServer } from '../../../src/adapters/http-server.ts';
import { createBoard } from '../../../src/api/board.ts';
import { createPolls, type PostureParts, postureRoutes } from '../../../src/api/posture.ts';
import { newToken, tokenDigest } from '../../../src/commands/token.ts';
import type { Intention, LeaseState } from '../../../src/model/decision.ts';
import { OperatingError } from '../../../src/model/errors.ts';
import type { Polled, Poller, PostureVerb } from '../../../src/model/posture.ts';
import { silentLog } from '../../integration/postgres.ts';
import { intentionOf } from '../intentions.ts';
import type { Counterpart, CounterpartParts, Lie, Who } from './counterpart.ts';
import { createPollingGateway, type GatewayCall } from './polling-gateway.ts';

const CALLS: Readonly<Record<Who, GatewayCall>> = {
  subject: { agent: 'agent-7', session: 's-1', tool: 'send_money' },
  bystander: { agent: 'agent-8', session: 's-1', tool: 'send_money' },
};

interface Recorded {
  readonly intention: Intention;
  state: LeaseState;
  expiresMs: number | null;
}

/** Starts it. */
export async function startPosture({ http, clock }: CounterpartParts): Promise<Counterpart> {
  const leases = new Map<string, Recorded>();
  const pollers = new Map<string, Poller & { held: ReadonlySet<string> }>();
  let isAway = false;
  let effects = 0;
  const answering = <T>(value: T): T => {
    if (isAway) throw new OperatingError('DATABASE_UNREACHABLE', 'away', { retryable: true });
    return value;
  };
  const polled: Polled = {
    posture: {
      lease: async (id) => answering(leases.get(id) ?? null),
      pollers: async (_subject, id) =>
        answering([...pollers.values()].map((one) => ({ ...one, holds: one.held.has(id) }))),
    },
    offersOf: () => assert.fail('posture offers nothing'),
  };
  const parts: PostureParts = {
    board: createBoard(
      async () => ({
        leases: [...leases.values()]
          .filter(({ state }) => state === 'accepted')
          .map(({ intention, expiresMs }) => ({
            ...intention,
            verb: intention.verb as PostureVerb,
            expiresMs: expiresMs ?? 0,
          })),
        pauses: [],
      }),
      clock,
      0,
    ),
    clock,
    tenantOf: () => 't1',
    maxAgeSeconds: 30,
    signer: null,
    polled: async ({ consumer, tenant, about, revision, leaseIds, gapMs }) => {
      const held = new Set([...(pollers.get(consumer)?.held ?? []), ...leaseIds]);
      const lastMs = clock.nowMs();
      const isSilent = false;
      pollers.set(consumer, { consumer, tenant, about, revision, gapMs, lastMs, isSilent, held });
    },
  };
  const token = newToken();
  const server = await startHttpServer(
    postureRoutes(parts, createPolls(parts)),
    {
      ...{ host: '127.0.0.1', port: 0 },
      consumers: [{ name: 'gw', sha256: tokenDigest(token), scopes: ['posture.read'] }],
    },
    systemClock,
    silentLog,
  );
  const gateway = createPollingGateway(`${server.url}/v1/posture`, token, clock.nowMs);
  const made = posture.make({
    ...{ http, clock, name: 'posture', source: 'plumbline', polled },
    options: { type: 'posture' },
    secret: () => '',
  });
  assert.ok(made.ok);
  const { driver } = made;
  const recording: Driver = {
    ...driver,
    // As the executor does it: what is to be done is on record before, and what came of it after.
    async apply(intention, prior) {
      const known = leases.get(intention.leaseId);
      if (intention.step === 'request' && known === undefined)
        leases.set(intention.leaseId, {
          ...{ intention, state: 'requested', expiresMs: intention.expiresMs },
        });
      if (intention.step === 'release' && known?.state === 'accepted') known.state = 'releasing';
      const outcome = await driver.apply(intention, prior);
      const now = leases.get(intention.leaseId);
      if (outcome.type !== 'accepted' || now === undefined) return outcome;
      if (intention.step !== 'renew') effects += 1;
      if (intention.step === 'release') now.state = 'released';
      else now.state = 'accepted';
      if (intention.step === 'renew') now.expiresMs = intention.expiresMs;
      return outcome;
    },
    async readBack(intention, prior) {
      // It is asked after the grace: by then everybody has polled.
      if (!isAway) await gateway.poll();
      return (await driver.readBack?.(intention, prior)) ?? 'unknown';
    },
  };
  return {
    driver: recording,
    intention: (leaseId, change) => intentionOf(leaseId, { driver: 'posture', ...change }),
    unaddressable: [],
    secrets: [token],
    lies: ['fail', 'serve-on'],
    lie: async (mode: Lie | 'honest') => {
      isAway = mode === 'fail';
      gateway.serveOn(mode === 'serve-on');
    },
    effects: () => effects,
    stops: async (who = 'subject') => {
      await gateway.poll();
      return !gateway.allows(CALLS[who]);
    },
    everything: () => JSON.stringify([...leases]),
    remembersKeys: true,
    close: async () => {
      isAway = true;
      await server.close();
    },
  };
}
