/** Tests of the canonical wire form: round trip, exactness of refusals, stray fields. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { WireEvent } from '../../src/model/event.ts';
import { canonical, encodeEvent } from '../../src/source/canonical.ts';
import { noFacts } from '../../src/source/json.ts';
import { formatNs } from '../../src/source/time.ts';
import { wireCall } from './records.ts';
import { seedOf } from './seed.ts';

const decode = (value: unknown) => canonical.decode(value, noFacts());
const one = (value: unknown) => {
  const [outcome, ...rest] = decode(value);
  assert.ok(outcome !== undefined && rest.length === 0);
  return outcome;
};
const refusalOf = (value: unknown) => {
  const outcome = one(value);
  assert.equal(outcome.type, 'rejected', JSON.stringify(value)?.slice(0, 100));
  return outcome.type === 'rejected' ? outcome.rejection : assert.fail();
};

/** Arbitrary canonical events of all four kinds. */
function events(): fc.Arbitrary<WireEvent> {
  const id = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const args = fc.dictionary(fc.string(), fc.jsonValue() as fc.Arbitrary<unknown>);
  const call = fc.record({ tool: id, toolCallId: id, args }, { requiredKeys: ['tool'] });
  const bodies: fc.Arbitrary<Partial<WireEvent>>[] = [
    fc.record({
      kind: fc.constant('reasoning' as const),
      reasoning: fc.record(
        { intents: fc.array(call), claims: fc.array(call), text: fc.string(), model: id },
        { requiredKeys: ['intents', 'claims'] },
      ),
    }),
    fc.record({
      kind: fc.constant('gateway' as const),
      action: fc.record(
        {
          phase: fc.constantFrom('attempt', 'decision', 'result'),
          tool: id,
          decision: fc.constantFrom('allow', 'deny', 'modify', 'escalate', 'unknown'),
          outcome: fc.constantFrom('ok', 'error', 'unknown'),
          args,
          durationMs: fc.nat(),
          result: fc.jsonValue() as fc.Arbitrary<unknown>,
        },
        { requiredKeys: ['phase', 'tool', 'decision', 'outcome'] },
      ),
    }),
    fc.record({
      kind: fc.constant('governance' as const),
      governance: fc.record(
        {
          change: fc.constantFrom('session.opened', 'tools.granted', 'key.revoked'),
          actor: fc.string(),
          detail: fc.record({ mandate: fc.string(), tools: fc.array(fc.record({ tool: id })) }),
        },
        { requiredKeys: ['change'] },
      ),
    }),
    fc.record({
      kind: fc.constant('metrics' as const),
      metric: fc.record({
        name: id,
        type: fc.constantFrom('gauge', 'counter', 'histogram'),
        temporality: fc.constantFrom('delta', 'cumulative', 'none'),
        value: fc.double({ noDefaultInfinity: true, noNaN: true }),
      }),
    }),
  ];
  const envelope = fc.record({
    id: maybe(id),
    category: id,
    ms: fc.integer({ min: 0, max: 99_999_999_999_999 }),
    nsInMs: fc.integer({ min: 0, max: 999_999 }),
    agent: maybe(fc.record({ id })),
    session: maybe(fc.record({ id, parent: id }, { requiredKeys: ['id'] })),
    order: maybe(fc.record({ seq: fc.integer(), of: fc.constantFrom('session', 'trace') })),
  });
  return fc.tuple(envelope, fc.oneof(...bodies)).map(([{ ms, nsInMs, ...rest }, body]) => {
    const wire = { ...rest, ...body, time: { eventNs: formatNs({ ms, nsInMs }) } };
    return JSON.parse(JSON.stringify(wire)) as WireEvent;
  });
}

test('what is encoded decodes to the same event', (t) => {
  fc.assert(
    fc.property(events(), (wire) => {
      const outcome = one(JSON.parse(encodeEvent(wire)));
      assert.ok(outcome.type === 'draft', JSON.stringify(outcome));
      const { id, time, parts } = outcome.draft;
      const { id: wantId, time: wantTime, ...wantParts } = wire;
      assert.equal(id, wantId);
      assert.equal(formatNs(time), wantTime.eventNs);
      const { id: _id, time: _time, ...gotParts } = parts as Partial<WireEvent>;
      assert.deepEqual(gotParts, wantParts);
    }),
    { seed: seedOf(t), numRuns: 300 },
  );
});

test('an array is several events; the bad one is named, the others stand', () => {
  const outcomes = decode([wireCall(), { kind: 'gateway' }, wireCall()]);
  assert.deepEqual(
    outcomes.map((outcome) => outcome.type),
    ['draft', 'rejected', 'draft'],
  );
  assert.deepEqual(decode([]), []);
});

test('a refusal says where and what was expected', () => {
  const call = wireCall();
  const cases: [unknown, string, RegExp][] = [
    [null, 'field-type', /^\/: must be an object/],
    [5, 'field-type', /^\/: must be an object/],
    [{}, 'field-missing', /missing time/],
    [{ ...call, time: {} }, 'field-missing', /^\/time\/eventNs: /],
    [{ ...call, time: 12 }, 'field-missing', /^\/time\/eventNs: /],
    [{ ...call, time: { eventNs: '-5' } }, 'time-invalid', /nanoseconds since 1970/],
    [{ ...call, time: { eventNs: '1e18' } }, 'time-invalid', /nanoseconds since 1970/],
    [{ ...call, time: { eventNs: '9'.repeat(21) } }, 'time-invalid', /1 to 20 digits/],
    [{ ...call, id: '' }, 'field-type', /^\/id: /],
    [{ ...call, id: 'x'.repeat(513) }, 'field-type', /^\/id: /],
    [{ ...call, kind: 'gossip' }, 'field-type', /^\/kind: must be one of reasoning, gateway/],
    [{ ...call, category: 7 }, 'field-type', /^\/category: must be string/],
    [{ ...call, agent: {} }, 'field-missing', /^\/agent: missing id/],
    [{ ...call, agent: { id: 'x'.repeat(600) } }, 'field-type', /^\/agent\/id: /],
    [
      { ...call, order: { seq: '4', of: 'session' } },
      'field-type',
      /^\/order\/seq: must be number/,
    ],
    [{ ...call, action: undefined }, 'field-missing', /^\/action: missing; gateway needs it/],
    [
      { ...call, metric: { name: 'n', type: 'gauge', temporality: 'none' } },
      'field-type',
      /^\/metric: not allowed/,
    ],
    [{ ...call, action: { ...call.action, tool: '' } }, 'field-type', /^\/action\/tool: /],
    [{ ...call, action: { ...call.action, args: [1] } }, 'field-type', /^\/action\/args: /],
    [
      { ...call, action: { ...call.action, decision: 'sure' } },
      'field-type',
      /must be one of allow, deny/,
    ],
    [
      { ...call, action: { ...call.action, durationMs: -1 } },
      'field-type',
      /^\/action\/durationMs: /,
    ],
  ];
  for (const [value, reason, detail] of cases) {
    const rejection = refusalOf(value);
    assert.equal(rejection.reason, reason, rejection.detail);
    assert.match(rejection.detail, detail);
    assert.ok(rejection.detail.length <= 256);
  }
});

test('no value of the payload gets into a refusal', () => {
  const secret = 'sk-live-0001';
  for (const value of [
    { ...wireCall(), kind: secret },
    { ...wireCall(), id: [secret] },
    { ...wireCall(), time: { eventNs: secret } },
    { ...wireCall(), action: { phase: secret, tool: secret, decision: secret, outcome: secret } },
    { ...wireCall(), agent: { id: { [secret]: secret } } },
  ]) {
    assert.ok(!refusalOf(value).detail.includes(secret));
  }
});

test('ten thousand wrong intents cost one short refusal', () => {
  const intents = Array.from({ length: 10_000 }, () => ({ nonsense: true }));
  const event = {
    ...wireCall(),
    kind: 'reasoning',
    action: undefined,
    reasoning: { intents, claims: [] },
  };
  assert.match(
    refusalOf(JSON.parse(JSON.stringify(event))).detail,
    /^\/reasoning\/intents\/0: missing tool/,
  );
});

test('fields that later stages derive cannot be brought in', () => {
  const outcome = one({
    ...wireCall(),
    action: { ...wireCall().action, effectDigest: 'forged' },
    session: { id: 's', root: 'forged' },
    agent: { id: 'a', tier: 4, ['__proto__x']: 1 },
  });
  assert.ok(outcome.type === 'draft');
  const { action, session, agent } = outcome.draft.parts;
  assert.deepEqual(Object.keys(session ?? {}), ['id']);
  assert.deepEqual(Object.keys(agent ?? {}), ['id']);
  assert.ok(action !== undefined && !Object.hasOwn(action, 'effectDigest'));
  assert.deepEqual(action.args, { invoice: 'I-77', copies: 2 }, 'arguments are free-form');
});
