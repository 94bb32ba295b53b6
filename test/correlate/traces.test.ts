/** Traces: four witnesses of one call are one act, in any order; records without a session find theirs. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCorrelate } from '../../src/correlate/correlate.ts';
import { Reorder } from '../../src/correlate/reorder.ts';
import { keyOf, type SessionEntity } from '../../src/correlate/session.ts';
import type { SourceConfig } from '../../src/model/config/source.ts';
import type { Event } from '../../src/model/event.ts';
import type { Fact } from '../../src/model/fact.ts';
import { createDecode } from '../../src/source/source.ts';
import { Slots } from '../../src/state/slots.ts';
import { laneOptions } from '../sim/lane-options.ts';
import {
  FOUR_WITNESSES,
  GATEWAY_IDENTITIES,
  GATEWAY_LINES,
} from '../source/formats/four-witnesses.ts';
import { decodeOtlp, OTLP_SOURCES } from '../source/formats/otlp-requests.ts';
import { shippedMappings } from '../source/mapping-fixtures.ts';
import { recordOf } from '../source/records.ts';
import { eventOf } from './events.ts';

const START_MS = 1_800_000_000_000;
const TRACE = 'a'.repeat(32);

/** A record of some topic, without the session and agent that others of these tests have. */
function record(topic: string, ms: number, given: Partial<Event>): Event {
  const {
    session: _s,
    agent: _a,
    ...rest
  } = eventOf({
    kind: given.action === undefined ? 'reasoning' : 'gateway',
    ms: START_MS + ms,
    id: `id/${topic}/${given.keys?.spanId}/${ms}`,
  });
  const event = { ...rest, ...given, keys: { traceId: TRACE, ...given.keys } };
  return { ...event, src: { ...event.src, topic, name: topic } };
}

const action = { phase: 'result', tool: 'pay', decision: 'unknown', outcome: 'ok' } as const;
const claims = [{ tool: 'pay' }];
const agent = { id: 'a', basis: 'self' };

/** One call: the agent's span, its MCP client's, the server's, and a line of the gateway. */
const WITNESSES = {
  agent: record('spans', 0, {
    ...{ agent, session: { id: 's' } },
    keys: { spanId: 'e1', parentSpanId: 'root', toolCallId: 'c-1' },
    reasoning: { intents: [], claims: [{ tool: 'pay', toolCallId: 'c-1' }] },
  }),
  client: record('spans', 1, {
    agent: { id: 'shop', basis: 'service' },
    keys: { spanId: 'e2', parentSpanId: 'e1', rpcId: '7' },
    reasoning: { intents: [], claims },
  }),
  server: record('servers', 2, {
    keys: { spanId: 'e3', parentSpanId: 'e2', rpcId: '7' },
    action,
  }),
  gateway: record('gateway-log', 3, { keys: { spanId: 'g1' }, action }),
};

function lab(deltas: readonly Buffer[] = []) {
  const facts: Fact[] = [];
  const slots = new Slots();
  const options = { ...laneOptions().correlate, maxSessions: 3 };
  const correlate = createCorrelate(
    slots,
    options,
    (fact) => facts.push(fact),
    () => undefined,
  );
  slots.restore(
    [],
    deltas.map((bytes, at) => ({ seq: at + 1, bytes })),
  );
  for (const _ of correlate.restoring());
  const fold = (...events: readonly Event[]) => {
    for (const event of events) correlate.fold(event, false);
  };
  const session = (id: string) => slots.get<SessionEntity>('S', keyOf('-', id));
  const acts = (id: string) =>
    Object.values(session(id)?.acts ?? {}).map(({ intents, attempts, strength }) => ({
      witnesses: [...intents, ...attempts].map(({ topic }) => topic).sort(),
      strength,
    }));
  return { fold, acts, session, facts, correlate, slots };
}

function* permutations<T>(of: readonly T[]): Generator<T[]> {
  if (of.length === 0) yield [];
  for (const [at, one] of of.entries())
    for (const rest of permutations(of.filter((_, other) => other !== at))) yield [one, ...rest];
}

describe('traces', () => {
  it('make one act of four witnesses, whichever of them is read first', () => {
    const { agent: first, ...rest } = WITNESSES;
    for (const order of permutations(Object.values(rest))) {
      const { fold, acts, session } = lab();
      fold(first, ...order);
      assert.deepEqual(acts('s'), [
        { witnesses: ['gateway-log', 'servers', 'spans', 'spans'], strength: 'exact' },
      ]);
      assert.equal(session('s')?.agent, 'a');
    }
  });

  it('do so without any session too: the trace is one', () => {
    const { session: _, ...plain } = WITNESSES.agent;
    for (const order of permutations([
      plain,
      WITNESSES.client,
      WITNESSES.server,
      WITNESSES.gateway,
    ])) {
      const { fold, acts, session, facts, correlate } = lab();
      fold(...order);
      correlate.passTime(START_MS + 10_000);
      const found = acts(`trace:${TRACE}`);
      assert.deepEqual(
        found.map(({ witnesses }) => witnesses),
        [['gateway-log', 'servers', 'spans', 'spans']],
      );
      // Whoever names itself owns it, though others were read before.
      assert.equal(session(`trace:${TRACE}`)?.agent, 'a');
      assert.deepEqual(
        facts.filter(({ type }) => type === 'identity'),
        [],
      );
    }
  });

  it('do so across restarts between any two of them', () => {
    for (const order of permutations(Object.values(WITNESSES))) {
      const deltas: Buffer[] = [];
      for (const event of order) {
        const { fold, slots } = lab(deltas);
        fold(event);
        deltas.push(slots.takeDelta() ?? Buffer.from('[]'));
      }
      const whole = lab();
      whole.fold(...order);
      const restored = lab(deltas);
      for (const session of ['s', `trace:${TRACE}`])
        assert.deepEqual(restored.session(session), whole.session(session));
    }
  });

  it('do not take a second call of the tool for another witness of the first', () => {
    const { fold, acts } = lab();
    const again = record('servers', 4, { keys: { spanId: 'e5', parentSpanId: 'e2' }, action });
    const logged = record('gateway-log', 5, { keys: { spanId: 'g2' }, action });
    fold(...Object.values(WITNESSES), again, logged);
    assert.deepEqual(
      acts('s').map(({ witnesses }) => witnesses),
      [
        ['gateway-log', 'servers', 'spans', 'spans'],
        ['gateway-log', 'servers'],
      ],
    );
  });

  it('join nothing whose arguments contradict, whose tool is another, or which is too far away', () => {
    for (const other of [
      record('servers', 2, { keys: { spanId: 'x' }, action: { ...action, args: { to: 'eve' } } }),
      record('servers', 2, { keys: { spanId: 'x' }, action: { ...action, tool: 'pay.all' } }),
      record('servers', 40_000, { keys: { spanId: 'x' }, action }),
    ]) {
      const { fold, acts } = lab();
      const stated = { ...WITNESSES.agent };
      fold({
        ...stated,
        reasoning: {
          intents: [],
          claims: [{ tool: 'pay', toolCallId: 'c-1', args: { to: 'bob' } }],
        },
      });
      fold(other);
      assert.equal(acts('s').length, 2);
    }
  });

  it('leave a call of one agent in the session of another with whoever named itself', () => {
    const { fold, facts, correlate } = lab();
    const foreign = record('gateway-log', 3, {
      agent: { id: 'mallory', basis: 'jwt' },
      keys: { spanId: 'g1' },
      action,
    });
    fold(WITNESSES.agent, foreign);
    correlate.passTime(START_MS + 10_000);
    const identity = facts.filter((fact) => fact.type === 'identity');
    assert.deepEqual(
      identity.map(({ aspect, named }) => [aspect, named]),
      [['foreign-agent', 'mallory']],
    );
  });

  it('make one act of four records in four formats, from their bytes, in any order of arrival', () => {
    for (const order of permutations(FOUR_WITNESSES)) {
      const { fold, acts, session } = lab();
      const reorder = new Reorder();
      for (const [offset, { topic, value }] of order.entries())
        for (const event of decodeOtlp(recordOf(value, { topic, offset })).events)
          assert.equal(reorder.offer(event), 'held');
      fold(...reorder.take(Number.POSITIVE_INFINITY, 100));
      assert.deepEqual(acts('conv-1'), [
        { witnesses: ['gw_logs', 'gw_spans', 'otlp_spans', 'otlp_spans'], strength: 'exact' },
      ]);
      assert.equal(session('conv-1')?.agent, 'billing');
      assert.deepEqual(Object.keys(session('conv-1')?.identities ?? {}), ['@billing']);
    }
  });

  describe('with a gateway or a policy engine as the fourth, by its preset', () => {
    const spans = FOUR_WITNESSES.filter(({ topic }) => topic !== 'gw_logs');

    async function decodeAll(identities: Readonly<Record<string, readonly string[]>>) {
      const { mappings } = await shippedMappings();
      const sources = GATEWAY_LINES.map(
        ({ topic, decoder }): SourceConfig => ({
          ...{ name: topic, topic, decoder, trust: 'gateway', kinds: ['gateway'] },
        }),
      );
      const { decode, problems } = createDecode([...OTLP_SOURCES, ...sources], mappings, {
        identities,
      });
      assert.deepEqual(problems, []);
      return (records: readonly { readonly topic: string; readonly value: Buffer }[]) => {
        const reorder = new Reorder();
        for (const [offset, { topic, value }] of records.entries()) {
          const { events, deadLetters } = decode(recordOf(value, { topic, offset }));
          assert.deepEqual([events.length > 0, deadLetters], [true, []]);
          for (const event of events) assert.equal(reorder.offer(event), 'held');
        }
        return reorder.take(Number.POSITIVE_INFINITY, 100);
      };
    }

    for (const gateway of GATEWAY_LINES)
      it(`${gateway.decoder}: one act of four witnesses in each of 24 orders of arrival`, async () => {
        const decode = await decodeAll(GATEWAY_IDENTITIES);
        for (const order of permutations([...spans, gateway])) {
          const { fold, acts, session } = lab();
          fold(...decode(order));
          assert.deepEqual(acts('conv-1'), [
            {
              witnesses: ['gw_spans', 'otlp_spans', 'otlp_spans', gateway.topic].sort(),
              strength: 'exact',
            },
          ]);
          assert.deepEqual(Object.keys(session('conv-1')?.identities ?? {}), ['@billing']);
        }
      });

    it('all of them at once: one act of seven', async () => {
      const decode = await decodeAll(GATEWAY_IDENTITIES);
      const all = [...spans, ...GATEWAY_LINES];
      for (let turn = 0; turn < all.length; turn += 1) {
        const { fold, acts } = lab();
        fold(...decode([...all.slice(turn), ...all.slice(0, turn).reverse()]));
        assert.deepEqual(
          acts('conv-1').map(({ witnesses }) => witnesses.length),
          [7],
        );
      }
    });

    it('a gateway whose name for the agent nobody declared is a stranger in its session', async () => {
      const decode = await decodeAll({});
      const [envoy] = GATEWAY_LINES;
      assert.ok(envoy !== undefined);
      const { fold, facts, correlate } = lab();
      fold(...decode([...spans, envoy]));
      correlate.passTime(START_MS + 10_000);
      assert.deepEqual(
        facts.flatMap((fact) => (fact.type === 'identity' ? [[fact.aspect, fact.named]] : [])),
        [['foreign-agent', 'spiffe://fleet.example/ns/agents/sa/billing']],
      );
    });
  });

  it('let no process without a name of an agent pass for one that is registered', () => {
    const { fold, facts, correlate } = lab();
    const registered = { change: 'agent.registered' } as const;
    const governance = { ...eventOf({ kind: 'governance', ms: START_MS - 1 }), session: undefined };
    const { session: _, ...rest } = { ...governance, category: 'agent', governance: registered };
    fold(rest, WITNESSES.client);
    correlate.passTime(START_MS + 10_000);
    assert.deepEqual(
      facts.flatMap((fact) => (fact.type === 'identity' ? [[fact.aspect, fact.named]] : [])),
      [['unregistered', 'shop']],
    );
  });

  it('take a witness that names no agent for one of the session, and give that to whoever names itself', () => {
    const { session: _, ...rest } = eventOf({ kind: 'gateway', ms: START_MS, id: 'id/1' });
    const nameless = { ...rest, session: { id: 's' }, action };
    const { agent: __, ...unnamed } = nameless;
    const { fold, session, facts, correlate } = lab();
    fold(unnamed);
    assert.match(session('s')?.agent ?? '', /^unresolved:/);
    fold(WITNESSES.agent);
    assert.equal(session('s')?.agent, 'a');
    correlate.passTime(START_MS + 10_000);
    assert.deepEqual(
      facts.filter(({ type }) => type === 'identity'),
      [],
    );
  });

  it('are bounded, and forgotten with the time sessions are', () => {
    const { fold, slots, correlate } = lab();
    for (let n = 0; n < 20; n += 1)
      fold(
        record('spans', n, {
          agent,
          keys: { traceId: `t-${n}` },
          reasoning: { intents: [], claims },
        }),
      );
    assert.ok(slots.count('trace') <= 3);
    assert.ok((correlate.counters['traces-evicted'] ?? 0) > 0);
    correlate.passTime(START_MS + 100_000_000);
    assert.equal(slots.count('trace'), 0);
  });
});
