/** Many rules at once: log sources, the check against the full scan, and what follows from it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { conflicts, createMatcher } from '../../../src/detect/sigma/matcher.ts';
import { recordView } from '../../../src/detect/sigma/view.ts';
import type { LogSource } from '../../../src/model/sigma.ts';
import { stream } from '../../../src/simulation/random.ts';
import { randomRecord, randomRule } from './random-rules.ts';
import { ruleOf } from './rules.ts';

const source = (service: string | null, category: string | null = null): LogSource => ({
  product: 'ai_agent',
  service,
  category,
});
const rule = (logsource: string, f = 'x') =>
  ruleOf(`title: A rule\nlogsource: ${logsource}\ndetection: { sel: { f: ${f} }, condition: sel }`);
const X = recordView({ f: 'x' });

describe('log sources', () => {
  it('keep a rule away only where both name a thing and differ', () => {
    const gateway = source('gateway', 'tool_call');
    assert.ok(!conflicts(gateway, source('gateway', 'tool_call')));
    assert.ok(!conflicts(source(null), gateway) && !conflicts(gateway, source(null)));
    assert.ok(!conflicts(source('Gateway'), gateway));
    assert.ok(conflicts(source('reasoning'), gateway));
    assert.ok(conflicts(source('gateway', 'auth'), gateway));
    assert.ok(conflicts({ ...gateway, product: 'windows' }, gateway));
  });

  it('route events to rules', () => {
    const rules = [
      rule('{ product: ai_agent }'),
      rule('{ service: gateway }'),
      rule('{ service: gateway, category: tool_call }'),
      rule('{ product: windows }'),
    ];
    const { match, scan, wants } = createMatcher(rules);
    for (const [from, wanted] of [
      [source('gateway', 'tool_call'), [0, 1, 2]],
      [source('gateway', 'auth'), [0, 1]],
      [source('metrics', 'tool_call'), [0]],
      [{ product: null, service: null, category: null }, [0, 1, 2, 3]],
    ] as const) {
      assert.deepEqual(match(X, from), wanted);
      assert.deepEqual(scan(X, from), wanted);
      assert.equal(wants(from), true);
    }
    assert.equal(wants({ product: 'other', service: 'none', category: null }), false);
  });

  it('that nobody asked for share one index, however many there are', () => {
    let built = 0;
    const matcher = createMatcher([rule('{ service: gateway }')], (_rules, members) => {
      built += 1;
      return { always: members, candidates: (_view, found) => members.forEach(found) };
    });
    for (let n = 0; n < 1000; n += 1) matcher.match(X, source(`made-up-${n}`, `kind-${n}`));
    assert.equal(built, 1);
  });
});

describe('the check', () => {
  it('finds nothing wrong with the index on random rules', () => {
    const random = stream(3, 'matcher');
    const matcher = createMatcher(Array.from({ length: 200 }, (_, at) => randomRule(random, at)));
    for (let n = 0; n < 100; n += 1) {
      const view = recordView(randomRecord(random));
      for (const from of [source('gateway', 'x'), source('reasoning', 'y')]) {
        const { matches, missed } = matcher.check(view, from);
        assert.deepEqual(missed, []);
        assert.deepEqual(matcher.match(view, from), matches);
      }
    }
  });

  it('of an index that loses a rule says which, and that log source is scanned from then on', () => {
    const matcher = createMatcher([rule('{ service: gateway }')], () => ({
      always: [],
      candidates: () => undefined,
    }));
    const [gateway, other] = [source('gateway'), source(null)];
    assert.deepEqual(matcher.match(X, gateway), []);
    assert.deepEqual(matcher.check(X, gateway), { matches: [0], missed: [0] });
    assert.deepEqual(matcher.match(X, gateway), [0]);
    assert.deepEqual(matcher.check(X, gateway), { matches: [0], missed: [] });
    assert.deepEqual(matcher.match(X, other), []);
  });
});
