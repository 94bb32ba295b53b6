/** Novelty: unknown things by how they were unknown, back-off, and what a sentence counts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json } from '../../src/baseline/dimension.ts';
import {
  compileNovelty,
  freshNovelty,
  learnNovelty,
  noveltySymbols,
  sight,
} from '../../src/baseline/novelty.ts';
import type { CallItem, UnitRecord } from '../../src/model/unit.ts';
import { callOf, unitOf } from '../conformance/units.ts';

const CLOSED = { tool: ['?ran', '?failed'] };
const DAY_MS = 86_400_000;

function* sightings(unit: UnitRecord) {
  for (const item of unit.items)
    if (item.type === 'call')
      yield {
        space: 'tool',
        name: item.tool,
        otherwise: item.outcome === 'ok' ? '?ran' : '?failed',
      };
}

const unit = (n: number, ...calls: readonly Partial<CallItem>[]) =>
  unitOf(
    [callOf({ ms: n * DAY_MS }), ...calls.map((call) => callOf({ ...call, ms: n * DAY_MS }))],
    n,
  );

/** Ten sessions: one common tool, and in every second a name that does not exist, never the same. */
const UNITS = Array.from({ length: 10 }, (_, n) =>
  n % 2 === 0 ? unit(n) : unit(n, { tool: `ghost${n}`, outcome: 'error' }),
);
const COUNTS = learnNovelty(UNITS, CLOSED, sightings) as unknown as Json;

describe('novelty', () => {
  it('counts a symbol once per session, and the unknown under its stand-in', () => {
    const again = unit(11, {}, {}, {});
    const counts = learnNovelty([...UNITS, again], CLOSED, sightings) as unknown as Json;
    assert.deepEqual(
      noveltySymbols(counts),
      new Map([
        ['tool ?failed', 5],
        ['tool find_note', 11],
      ]),
    );
  });

  it('finds one more unknown failure usual, and an unknown tool that ran strange', () => {
    const { judge } = compileNovelty([COUNTS], CLOSED);
    const bits = (name: string, otherwise: string) =>
      judge({ space: 'tool', name, otherwise }).bits;
    assert.ok(bits('ghost99', '?failed') < 2);
    assert.ok(bits('new_tool', '?ran') > 4);
    assert.ok(bits('find_note', '?ran') < 1);
    assert.equal(bits('', '?ran'), bits('new_tool', '?ran'));
  });

  it('backs off: what the agent never did but its role does is less strange', () => {
    const wide = learnNovelty(
      Array.from({ length: 10 }, (_, n) => unit(n, { tool: 'rare' })),
      CLOSED,
      sightings,
    ) as unknown as Json;
    const sighting = { space: 'tool', name: 'rare', otherwise: '?ran' };
    const alone = compileNovelty([COUNTS], CLOSED).judge(sighting);
    const model = compileNovelty([COUNTS, wide], CLOSED);
    assert.equal(alone.symbol, '?ran');
    assert.ok(model.judge(sighting).bits < alone.bits);
    assert.equal(model.support('tool', 'rare'), 'role 0 of 10, fleet 10 of 10');
  });

  it('keeps the strangest sighting of a unit', () => {
    const model = compileNovelty([COUNTS], CLOSED);
    const state = freshNovelty();
    for (const name of ['find_note', 'new_tool', 'find_note'])
      sight(model, state, { space: 'tool', name, otherwise: '?ran' }, (_, symbol) => symbol);
    assert.deepEqual([state.symbol, state.label], ['?ran', '?ran']);
  });

  it('answers 0 in a space it does not have', () => {
    const sighting = { space: 'none', name: 'x', otherwise: '?' };
    assert.deepEqual(compileNovelty([COUNTS], CLOSED).judge(sighting), { bits: 0, symbol: '?' });
  });
});
