/** Derived fields: each has the type it declares, keeps to its books, and says what it should. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCorrelate } from '../../../src/correlate/correlate.ts';
import { ask } from '../../../src/detect/derived/asked.ts';
import {
  DERIVED_FIELDS,
  derivedField,
  fieldReader,
  readDerived,
} from '../../../src/detect/derived/fields.ts';
import type { Event } from '../../../src/model/event.ts';
import type { EventContext } from '../../../src/model/event-context.ts';
import type { EventFact } from '../../../src/model/fact.ts';
import { createFleet } from '../../../src/simulation/fleet.ts';
import { Slots } from '../../../src/state/slots.ts';
import { eventOf } from '../../correlate/events.ts';
import { known } from '../../correlate/known.ts';
import { laneOptions } from '../../sim/lane-options.ts';
import { callFact, inventoryOf, tool } from './asked-call.ts';

const START_MS = 1_767_225_600_000;
const none = inventoryOf([]);
const agent = known().context().agent;

/** Value of a field of a fact. */
function value(name: string, fact: EventFact, inventory = none): unknown {
  const field = derivedField(name);
  assert.ok(field !== undefined, name);
  return readDerived(ask(fact, inventory), field);
}

/** A fact of any book. */
function factOf(body: Partial<Event> & Pick<Event, 'kind'>, over: Partial<EventFact> = {}) {
  return callFact({}, { event: eventOf({ kind: body.kind, ms: 1000, body }), ...over });
}

const callContext: NonNullable<EventContext['call']> = {
  tool: 'pay',
  tier: 'human-in-the-loop',
  grantExpired: null,
  validForMs: null,
  approvers: [],
  selfApproved: false,
  approvalExpired: false,
  approvalDenied: false,
  quorum: null,
  leaves: null,
  deniedAbove: null,
  grantedAbove: null,
};

describe('derived fields', () => {
  it('are what they declare, for every event of a fleet that does everything wrong', () => {
    const options = laneOptions();
    const seen = new Set<string>();
    const types: Readonly<Record<string, (found: unknown) => boolean>> = {
      string: (found) => typeof found === 'string',
      number: (found) => typeof found === 'number' && Number.isFinite(found),
      boolean: (found) => typeof found === 'boolean',
      strings: (found) => Array.isArray(found) && found.every((one) => typeof one === 'string'),
    };
    const check = (fact: EventFact) => {
      const asked = ask(fact, options.correlate.inventory);
      for (const field of DERIVED_FIELDS) {
        const found = readDerived(asked, field);
        assert.notEqual(found, null, `${field.name}: absent is undefined`);
        if (found === undefined) continue;
        seen.add(field.name);
        assert.ok(types[field.type]?.(found), `${field.name} is ${JSON.stringify(found)}`);
        assert.ok(field.kinds.includes(fact.event.kind), `${field.name} in ${fact.event.kind}`);
        assert.deepEqual(fieldReader(field.name)(fact, options.correlate.inventory), found);
      }
    };
    const correlate = createCorrelate(
      new Slots(),
      options.correlate,
      (fact) => {
        if (fact.type === 'event') check(fact);
      },
      () => undefined,
    );
    const fleet = createFleet({
      seed: 'fields',
      agents: 20,
      startMs: START_MS,
      sessionsPerHour: 4000,
      badShare: 0.5,
    });
    fleet.take(3000).forEach(({ topic, atMs, event: sent }, offset) => {
      const bytes = Buffer.from(JSON.stringify(sent));
      const rec = { topic, partition: 0, offset, timestampMs: atMs, key: null, value: bytes };
      correlate.passTime(atMs - 1);
      for (const event of options.decode(rec).events) correlate.fold(event, false);
    });
    assert.ok(seen.size > 30, `${seen.size} fields occur: ${[...seen].join(' ')}`);
  });

  it('have names of their own, each once', () => {
    const names = DERIVED_FIELDS.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.match(name, /^[a-z]+(\.[a-zA-Z]+)+$/);
    for (const { says } of DERIVED_FIELDS) assert.match(says, /^[A-Z].*[.?]$/);
  });

  it('tell approvals: enough others, none, and none needed', () => {
    const pay = (over: Partial<typeof callContext>) =>
      value('call.approved', callFact({ tool: 'pay' }, {}, { call: { ...callContext, ...over } }));
    assert.equal(pay({}), false);
    assert.equal(pay({ approvers: ['mara'] }), true);
    assert.equal(pay({ approvers: ['mara'], quorum: 2 }), false);
    assert.equal(pay({ approvers: ['ines', 'mara'], quorum: 2 }), true);
    assert.equal(pay({ tier: 'autonomous' }), undefined);
    assert.equal(pay({ tier: 'autonomous', quorum: 1 }), false);
  });

  it('tell a near miss of a granted tool, and its reach', () => {
    const grants = { delete_record: { class: 'write', tier: null } };
    const near = (name: string) => callFact({ tool: name }, {}, { agent: { ...agent, grants } });
    assert.equal(value('ref.tool.nearMiss', near('delete_recrod')), 'delete_record');
    assert.equal(value('ref.tool.nearMissClass', near('delete_recrod')), 'write');
    assert.equal(value('ref.tool.known', near('delete_recrod')), false);
    assert.equal(value('ref.tool.known', near('delete_record')), true);
    assert.equal(value('ref.tool.nearMiss', near('delete_record')), undefined);
    assert.equal(value('ref.tool.known', near('constructor')), false);
  });

  it('tell what the library declares of a tool', () => {
    const library = inventoryOf([
      tool('send_report', { sensitivity: 'sealed', definition: 'd-1' }),
    ]);
    assert.equal(value('ref.tool.sensitivity', callFact(), library), 'sealed');
    assert.equal(value('ref.tool.reversible', callFact(), library), false);
    const changed = (definitionDigest: string) =>
      value('ref.tool.definitionChanged', callFact({ definitionDigest }), library);
    assert.deepEqual([changed('d-1'), changed('d-2')], [false, true]);
    assert.equal(value('ref.tool.definitionChanged', callFact(), library), undefined);
    const offered = [
      { tool: 'send_report', digest: 'd-9' },
      { tool: 'new_one', digest: 'x' },
    ];
    const listed = factOf({ kind: 'reasoning', reasoning: { intents: [], claims: [], offered } });
    assert.deepEqual(value('ref.offered.changed', listed, library), ['send_report']);
    assert.deepEqual(value('ref.offered.unknown', listed, library), ['new_one']);
  });

  it('tell an approved model, also by its dated version', () => {
    const answered = (model: string) =>
      value(
        'ref.model.approved',
        factOf(
          { kind: 'reasoning', reasoning: { intents: [], claims: [], model } },
          { model: 'm' },
        ),
      );
    assert.deepEqual(['m', 'M', 'm-2026-05-01', 'm-mini', 'n'].map(answered), [
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it('tell whether the model that a gateway names is the registered one', () => {
    const named = (model?: string) =>
      value('ref.model.named', callFact(model === undefined ? {} : { model }, { model: 'm' }));
    assert.deepEqual(['m', 'M-20260501', 'm-turbo', 'mx'].map(named), [true, true, false, false]);
    assert.deepEqual([named(), named('')], [undefined, undefined]);
    assert.equal(value('ref.model.named', callFact({ model: 'm' })), undefined);
  });

  it('tell hours, days and ages', () => {
    const when = (ms: number, name: string) =>
      value(name, callFact({}, { event: eventOf({ kind: 'gateway', ms }) }));
    const monday = Date.UTC(2026, 10, 30, 23, 59);
    assert.deepEqual([when(monday, 'derived.hour'), when(monday, 'derived.weekday')], [23, 1]);
    assert.equal(when(Date.UTC(2026, 10, 29), 'derived.weekday'), 7);
    const context = { ageMs: 5, documents: [{ ageMs: 9 }, {}] };
    const turn = factOf({ kind: 'reasoning', reasoning: { intents: [], claims: [], context } });
    assert.equal(value('derived.contextAgeMs', turn), 9);
  });

  it('tell how old a memory is, where its writer says when it was written', () => {
    const memory = (rest: object) =>
      factOf({
        kind: 'reasoning',
        reasoning: { intents: [], claims: [], memory: { op: 'read', ...rest } },
      });
    const { eventMs } = memory({}).event.time;
    assert.equal(value('derived.memoryAgeMs', memory({ writtenMs: eventMs - 7 })), 7);
    assert.equal(value('derived.memoryAgeMs', memory({})), undefined);
  });

  it('tell memories of two stores apart, and none without an id', () => {
    const named = (rest: object) =>
      value(
        'derived.memory',
        factOf({
          kind: 'reasoning',
          reasoning: { intents: [], claims: [], memory: { op: 'read', ...rest } },
        }),
      );
    const keys = [{ id: 'm' }, { id: 'm', store: '' }, { id: 'm', store: 'a' }, { id: 'a/m' }];
    assert.equal(new Set(keys.map(named)).size, keys.length);
    assert.equal(named({ id: 'm', store: 'a' }), named({ id: 'm', store: 'a', writtenMs: 5 }));
    assert.equal(named({ store: 'a' }), undefined);
  });

  it('tell an approval by oneself', () => {
    const approves = (by: string[]) => {
      const governance = { change: 'approval.granted', approval: { by } } as const;
      return factOf({ kind: 'governance', governance });
    };
    assert.equal(value('approval.self', approves(['mara'])), false);
    assert.equal(value('approval.self', approves(['mara', 'agent-1'])), true);
    assert.equal(value('approval.count', approves(['mara', 'agent-1', 'mara'])), 1);
  });

  it('tell a session that is too deep or too wide only where bounds were declared', () => {
    const session: NonNullable<EventContext['session']> = {
      root: 'r',
      depth: 3,
      children: 5,
      principal: null,
      taskType: null,
      mode: null,
      mandated: false,
      parentKnown: null,
      plan: null,
    };
    const deep = (maxDepth: number | null) =>
      value('session.tooDeep', callFact({}, {}, { session, agent: { ...agent, maxDepth } }));
    assert.deepEqual([deep(2), deep(3), deep(null)], [true, false, undefined]);
    const bounds = { ...agent, maxFanOut: 4 };
    assert.equal(value('session.tooWide', callFact({}, {}, { session, agent: bounds })), true);
  });

  it('tell a step of the declared plan, and nothing without a plan', () => {
    const session = (steps: string[] | null): NonNullable<EventContext['session']> => ({
      root: 'r',
      depth: 0,
      children: 0,
      principal: null,
      taskType: null,
      mode: null,
      mandated: true,
      parentKnown: null,
      plan: steps === null ? null : { binding: true, steps },
    });
    const planned = (steps: string[] | null) =>
      value('call.planned', callFact({}, {}, { session: session(steps), call: callContext }));
    assert.deepEqual([planned(['pay']), planned(['x']), planned(null)], [true, false, undefined]);
  });

  it('are read by name, and other names are paths of own members', () => {
    const fact = callFact({ args: { constructor: { name: 'x' } } });
    assert.equal(fieldReader('action.tool')(fact, none), 'send_report');
    assert.equal(fieldReader('agent.id')(fact, none), 'agent-1');
    assert.equal(fieldReader('action.constructor.name')(fact, none), undefined);
    assert.equal(fieldReader('action.args.constructor.name')(fact, none), 'x');
  });
});
