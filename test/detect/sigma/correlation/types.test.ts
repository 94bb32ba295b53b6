/** Types: what every correlation type must keep: its claim, its bounds, and a restart at any moment. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCorrelations } from '../../../../src/detect/sigma/correlation/correlations.ts';
import {
  CORRELATION_TYPES,
  type CorrelationRule,
  type CorrelationType,
} from '../../../../src/detect/sigma/correlation/definition.ts';
import { TYPES } from '../../../../src/detect/sigma/correlation/types.ts';
import { PAGES, Slots } from '../../../../src/state/slots.ts';
import { hitOf, rulesOf } from './lane.ts';
import { BASES } from './random-cases.ts';

const LIMITS = { groups: 50, group_events: 100, distinct: 20 };

/** A definition of each type that a flood of a and b keeps busy, with an absence where there can be one. */
function ruleOf(type: CorrelationType): CorrelationRule {
  const isTemporal = type === 'temporal' || type === 'temporal_ordered';
  const field = { field: 'v' };
  const percentile = type === 'value_percentile' ? { percentile: 90 } : {};
  const condition = isTemporal
    ? 'a and b and not c'
    : { gte: 15, ...(type !== 'event_count' && field), ...percentile };
  const head = { type, rules: isTemporal ? ['a', 'b', 'c'] : ['a', 'b'], 'group-by': ['g'] };
  const correlation = { ...head, timespan: '1h', condition };
  return rulesOf(
    [{ name: 'flood', correlation, plumbline: { limits: LIMITS } }],
    BASES,
  )[0] as CorrelationRule;
}

function engineOf(rule: CorrelationRule, slots = new Slots()) {
  const said: string[] = [];
  const engine = createCorrelations([rule], {
    slots,
    blind: () => false,
    evicted: (_, detail) => said.push(detail),
    undecided: () => undefined,
    fire: () => undefined,
  });
  return { slots, said, engine };
}

function bytesOf(slots: Slots): number {
  let bytes = 0;
  for (let page = 0; page < PAGES; page += 1) bytes += slots.pageBytes(page).length;
  return bytes;
}

/** An event of a or b with a value that rarely comes again. */
function flood(at: number, group: string) {
  const name = at % 2 === 0 ? 'a' : 'b';
  const fields = { g: group, v: (at * 7919) % 1009 };
  return hitOf({ id: `e${at}`, at: at / 10, rules: [name], fields }, name, false);
}

describe('types', () => {
  it('are all there, each under its own name', () => {
    assert.deepEqual(Object.keys(TYPES).sort(), [...CORRELATION_TYPES].sort());
  });

  for (const type of CORRELATION_TYPES)
    describe(type, () => {
      it('says what it asks and what it remembers', () => {
        assert.equal(TYPES[type].name, type);
        assert.match(TYPES[type].claim, /^[A-Z].{20,}\.$/);
        assert.match(TYPES[type].bound, /.{10,}/);
      });

      it('keeps a flooded group bounded', () => {
        const { engine, slots } = engineOf(ruleOf(type));
        for (let at = 0; at < 2000; at += 1) engine.hit(flood(at, 'x'));
        const bytes = bytesOf(slots);
        for (let at = 2000; at < 6000; at += 1) engine.hit(flood(at, 'x'));
        // Numbers grow by a digit; nothing else may grow.
        assert.ok(bytesOf(slots) < bytes * 1.1 + 2000, `${bytes} → ${bytesOf(slots)} bytes`);
      });

      it('keeps the number of groups bounded, and says each one that goes', () => {
        const { engine, slots, said } = engineOf(ruleOf(type));
        for (let at = 0; at < 500; at += 1) engine.hit(flood(at, `g${at % 100}`));
        assert.ok([...slots.all()].length <= LIMITS.groups, `${[...slots.all()].length} groups`);
        assert.ok(said.length >= 50, `${said.length} said`);
      });

      it('forgets everything when time has passed', () => {
        const { engine, slots } = engineOf(ruleOf(type));
        for (let at = 0; at < 200; at += 1) engine.hit(flood(at, `g${at % 10}`));
        engine.passTime(40 * 3_600_000);
        assert.deepEqual([...slots.all()], []);
        assert.equal(engine.nextMs(), undefined);
      });

      it('goes on after a restart as if there had been none', () => {
        const [kept, broken] = [engineOf(ruleOf(type)), engineOf(ruleOf(type))];
        for (let at = 0; at < 300; at += 1)
          for (const one of [kept, broken]) one.engine.hit(flood(at, `g${at % 40}`));
        const slots = new Slots();
        slots.restore(
          Array.from({ length: PAGES }, (_, page) => ({
            page,
            uptoSeq: 0,
            bytes: broken.slots.pageBytes(page),
          })),
          [],
        );
        const after = engineOf(ruleOf(type), slots);
        for (const _ of after.engine.restoring());
        for (let at = 300; at < 1200; at += 1)
          for (const one of [kept, after]) one.engine.hit(flood(at, `g${at % 90}`));
        assert.deepEqual(groupsOf(slots), groupsOf(kept.slots));
        assert.equal(after.engine.nextMs(), kept.engine.nextMs());
      });
    });
});

/** Numbers that only say in which order groups came to their places, and hits were written. */
const ORDERED = new Set(['stamp', 'born', 'number', 'numbered']);

/** All groups, without those. */
function groupsOf(slots: Slots): string[] {
  const rows = [...slots.all()];
  return rows
    .map((row) => JSON.stringify(row, (name, value) => (ORDERED.has(name) ? undefined : value)))
    .sort();
}
