/** Views of events: derived fields first, own properties only, bounds on what is looked at. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DERIVED_FIELDS } from '../../../src/detect/derived/fields.ts';
import { SHOWN } from '../../../src/detect/sigma/shown.ts';
import { HALF_MAX, recordView, viewOf } from '../../../src/detect/sigma/view.ts';
import type { EventFact } from '../../../src/model/fact.ts';
import { factsOf } from '../../conformance/facts.ts';

const inventory = {
  tool: (tool: string) => ({
    tool,
    class: 'write',
    tier: 'autonomous',
    reversible: false,
    route: 'gateway' as const,
    polling: true,
  }),
};
const facts = factsOf(1).filter((fact): fact is EventFact => fact.type === 'event');
const call = facts.find(({ event }) => event.kind === 'gateway') as EventFact;

describe('view of an event', () => {
  it('has derived fields before its own', () => {
    const view = viewOf({ ...call, agent: 'owner', toolClass: null, granted: false }, inventory);
    assert.equal(view.get('agent.id'), 'owner');
    assert.equal(view.get('kind'), 'gateway');
    assert.equal(view.get('action.tool'), call.event.action?.tool);
    assert.equal(view.get('ref.tool.known'), true);
    assert.equal(view.get('ref.tool.class'), 'write');
    assert.equal(view.get('ref.tool.reversible'), false);
    assert.equal(view.get('ref.tool.granted'), false);
    assert.equal(view.get('no.such.field'), undefined);
    assert.equal(view.ms, call.event.time.eventMs);
  });

  it('leaves out what is not known, rather than calling it false', () => {
    const view = viewOf({ ...call, granted: null, role: null }, { tool: () => null });
    assert.equal(view.get('ref.tool.granted'), undefined);
    assert.equal(view.get('ref.tool.route'), undefined);
    assert.equal(view.get('ref.tool.reversible'), undefined);
    const turn = facts.find(({ event }) => event.kind === 'reasoning') as EventFact;
    assert.equal(viewOf(turn, inventory).get('ref.tool.known'), undefined);
    assert.equal(viewOf(turn, inventory).get('call.ours'), undefined);
  });

  it('never fails, whatever the fact is', () => {
    for (const fact of facts)
      for (const field of [
        ...DERIVED_FIELDS.map(({ name }) => name),
        ...SHOWN,
        '',
        '.',
        'a.',
        '__proto__',
      ])
        viewOf(fact, inventory).value(field).folded();
  });
});

describe('view of a record', () => {
  it('gives values prepared for comparing, made once', () => {
    const view = recordView({ f: ['A', 5, null, { x: 1 }, ['B']], n: null });
    const value = view.value('f');
    assert.equal(view.value('f'), value);
    assert.deepEqual(value.scalars, ['A', 5, 'B']);
    assert.deepEqual(value.folded(), ['a', '5', 'b']);
    assert.equal(value.folded(), value.folded());
    assert.deepEqual([value.present, value.nothing], [true, true]);
    assert.deepEqual([view.value('n').present, view.value('n').nothing], [true, true]);
    assert.deepEqual([view.value('x').present, view.value('x').nothing], [false, true]);
  });

  it('collects every text, and survives deep and wide records', () => {
    assert.deepEqual(recordView({ a: 'X', b: [1, { c: true, d: null }] }).texts(true), [
      'x',
      '1',
      'true',
    ]);
    let deep: unknown = 'end';
    for (let n = 0; n < 10_000; n += 1) deep = [deep];
    assert.deepEqual(recordView({ deep }).texts(false), []);
    assert.deepEqual(recordView({ deep }).value('deep').scalars, []);
    const wide = recordView({ wide: new Array(200_000).fill('x') });
    assert.equal(wide.texts(false).length, 100_000);
    assert.equal(wide.value('wide').scalars.length, 100_000);
    assert.equal(wide.leftOut, 200_000);
  });

  it('shows both ends of more values than are kept, and counts the others', () => {
    const wide = [...Array(100_000).fill('x'), 'END'];
    const view = recordView({ wide, last: 'TAIL' });
    assert.equal(view.value('last').texts[0], 'TAIL');
    assert.equal(view.leftOut, 0);
    assert.equal(view.value('wide').texts.at(-1), 'END');
    assert.equal(view.leftOut, 1);
    assert.deepEqual(view.texts(false).slice(-2), ['END', 'TAIL']);
    assert.equal(view.leftOut, 3);
  });

  it('looks at head and tail of what is too long, and counts it', () => {
    const long = `HEAD${'x'.repeat(4 * HALF_MAX)}TAIL`;
    const view = recordView({ long, short: 'x'.repeat(2 * HALF_MAX) });
    const [text = ''] = view.value('long').folded();
    assert.equal(text.length, 2 * HALF_MAX + 1);
    assert.ok(text.startsWith('head') && text.endsWith('tail'));
    assert.equal(view.oversized, 1);
    view.value('short').folded();
    assert.equal(view.oversized, 1);
  });
});
