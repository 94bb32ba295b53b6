/** Every kind of analytic: repeatable, restorable, bounded, total, and silent about content. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { KINDS_OF_ANALYTIC } from '../../src/detect/detect.ts';
import type { AnalyticKind, Finding, See } from '../../src/detect/kind.ts';
import { EVIDENCE_LEVELS } from '../../src/model/event.ts';
import type { EventFact, Fact } from '../../src/model/fact.ts';
import { Slots } from '../../src/state/slots.ts';
import { THOROUGH } from '../sim/amount.ts';
import { shippedLibrary } from '../sim/library.ts';
import { factsOf, PAYLOAD } from './facts.ts';

const { detectors, inventory } = await shippedLibrary();
const FACTS = [1, 2, 3].map(factsOf);

function compile(kind: AnalyticKind, params: unknown, slots: Slots, evicted: string[] = []): See {
  return kind.compile(params, {
    stem: 'under-test',
    scope: 'under-test',
    slots,
    inventory,
    evicted: (_subject, detail) => evicted.push(detail),
  });
}

/** Findings over facts; with `restart` the kind starts anew from stored state after each so many. */
function findings(
  kind: AnalyticKind,
  params: unknown,
  facts: readonly Fact[],
  restart = Number.POSITIVE_INFINITY,
): Finding[] {
  let slots = new Slots();
  let see = compile(kind, params, slots);
  const deltas: { seq: number; bytes: Buffer }[] = [];
  const found: Finding[] = [];
  facts.forEach((fact, at) => {
    if (!kind.facts.includes(fact.type)) return;
    const finding = see(fact);
    if (finding !== null) found.push(finding);
    if (at % restart !== restart - 1) return;
    const bytes = slots.takeDelta();
    if (bytes !== null) deltas.push({ seq: deltas.length + 1, bytes });
    slots = new Slots();
    slots.restore([], deltas);
    see = compile(kind, params, slots);
  });
  return found;
}

/** What was found without a restart, by facts and by params: every claim compares with it. */
const PLAIN = new WeakMap<readonly Fact[], Map<unknown, Finding[]>>();

function plainly(kind: AnalyticKind, params: unknown, facts: readonly Fact[]): Finding[] {
  const known = PLAIN.get(facts) ?? new Map<unknown, Finding[]>();
  PLAIN.set(facts, known);
  let found = known.get(params);
  if (found === undefined) {
    found = findings(kind, params, facts);
    known.set(params, found);
  }
  return found;
}

/** Parameters of the shipped detectors of a kind. */
function shipped(kind: AnalyticKind): unknown[] {
  return detectors.filter((each) => each.kind === kind.name).map((each) => each.params);
}

/** An event fact with a group of its own, to fill whatever is counted by agent or session. */
function crowd(fact: EventFact, n: number): EventFact {
  const { session } = fact.event;
  const named = session === undefined ? {} : { session: { ...session, id: `s${n}` } };
  // Its session is its own too, or the quota of one agent would be what is reached.
  const own = fact.session === null ? null : { ...fact.session, id: `s${n}`, agent: `a${n}` };
  const event = { ...fact.event, agent: { id: `a${n}` }, ...named };
  return { ...fact, agent: `a${n}`, session: own, event };
}

const isEvent = (fact: Fact): fact is EventFact => fact.type === 'event';

for (const [name, kind] of Object.entries(KINDS_OF_ANALYTIC)) {
  describe(`kind ${name}`, () => {
    it('states what it is, and ships with a detector that finds something', () => {
      assert.equal(kind.name, name);
      assert.match(kind.claim, /^[A-Z].*\.$/);
      assert.ok(kind.bound.length > 0);
      assert.ok(EVIDENCE_LEVELS.includes(kind.evidence));
      assert.ok(kind.facts.length > 0);
      assert.ok(shipped(kind).length > 0, 'no detector of this kind');
      const found = shipped(kind).flatMap((params) =>
        FACTS.flatMap((facts) => plainly(kind, params, facts)),
      );
      assert.ok(found.length > 0, 'nothing was found in fleets that do everything wrong');
    });

    it('finds the same in the same facts', () => {
      for (const params of shipped(kind))
        for (const facts of FACTS)
          assert.deepEqual(findings(kind, params, facts), plainly(kind, params, facts));
    });

    it('finds the same across restarts', () => {
      const [facts = []] = FACTS;
      for (const params of shipped(kind))
        for (const restart of THOROUGH ? [1, 7, 100] : [7, 100])
          assert.deepEqual(findings(kind, params, facts, restart), plainly(kind, params, facts));
    });

    it('says names and figures, within bounds, and never content', () => {
      for (const params of shipped(kind))
        for (const finding of FACTS.flatMap((facts) => plainly(kind, params, facts))) {
          assert.ok(!JSON.stringify(finding).includes(PAYLOAD), finding.explanation);
          for (const text of [finding.explanation, finding.counterfactual])
            assert.ok(text.length > 10 && text.length < 1000, text);
          for (const { says } of finding.said)
            assert.ok(says.length > 0 && says.length < 300, says);
        }
    });

    it('keeps its state within its bound, and says when it is reached', () => {
      const [event] = FACTS.flat()
        .filter(isEvent)
        .filter(({ event: { kind: book } }) => book === 'gateway');
      assert.ok(event !== undefined);
      for (const params of shipped(kind).slice(0, 1)) {
        const slots = new Slots();
        const evicted: string[] = [];
        const see = compile(kind, params, slots, evicted);
        for (let n = 0; n < 100_200; n += 1) see(crowd(event, n));
        let held = 0;
        for (const _row of slots.all()) held += 1;
        assert.ok(held <= 100_000, `${held} entities`);
        assert.equal(evicted.length > 0, held === 100_000);
        for (let n = 0; n < 10_000; n += 1) see(event);
        for (const [, , entity] of slots.all())
          assert.ok(JSON.stringify(entity).length < 100_000, 'an entity grows without bound');
      }
    });

    it('takes whatever its schema lets through', () => {
      const check = Compile(kind.params);
      const [facts = []] = FACTS;
      const known = fc.constantFrom(...shipped(kind));
      const bent = fc
        .tuple(
          known,
          fc.dictionary(
            fc.constantFrom('by', 'sum', 'where', 'atLeast', 'within', 'check'),
            fc.jsonValue(),
          ),
        )
        .map(([params, changes]) => ({ ...(params as object), ...changes }));
      fc.assert(
        fc.property(fc.oneof(bent, fc.jsonValue()), (params) => {
          if (check.Check(params)) findings(kind, params, facts.slice(0, 200));
        }),
        { numRuns: 300 },
      );
    });

    it('takes names that are words of the language', () => {
      const [fact] = FACTS.flat().filter(isEvent);
      assert.ok(fact !== undefined);
      for (const params of shipped(kind)) {
        const see = compile(kind, params, new Slots());
        for (const word of ['__proto__', 'constructor', 'toString', '', ' ', '\u0000', '\ud800']) {
          const action = {
            phase: 'result',
            tool: word,
            decision: 'allow',
            outcome: 'error',
          } as const;
          const event = { ...fact.event, kind: 'gateway', category: 'tool_call', action } as const;
          for (let n = 0; n < 70; n += 1)
            see({ ...fact, event, tenant: word, agent: word, role: word, argsDigest: word });
        }
      }
    });
  });
}
