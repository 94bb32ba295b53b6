/** Sigma within detection: hits, findings without payload, notices of size and of the index. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSigmaStage, findingOf, type RuleHit } from '../../../src/detect/sigma/stage.ts';
import { HALF_MAX } from '../../../src/detect/sigma/view.ts';
import type { Detector } from '../../../src/model/detector.ts';
import type { EventFact } from '../../../src/model/fact.ts';
import { factsOf, PAYLOAD } from '../../conformance/facts.ts';
import { ruleOf } from './rules.ts';

const FACTS = factsOf(1).filter((fact): fact is EventFact => fact.type === 'event');
const INVENTORY = { tool: () => null };

function detector(stem: string, detection: string, correlated = false): Detector {
  const rule = ruleOf(detection);
  return {
    stem,
    sigma: { rules: [rule], correlations: correlated ? [{}] : [] },
  } as unknown as Detector;
}

const CALLS = detector('calls', 'sel: { action.decision: allow }\ncondition: sel');
const TEXT = detector('text', `sel: ['${PAYLOAD}']\ncondition: sel`);
const BASE = detector('base', 'sel: { action.decision: allow }\ncondition: sel', true);

function see(detectors: readonly Detector[], facts: readonly EventFact[]) {
  const hits: RuleHit[] = [];
  const notices: string[] = [];
  const stage = createSigmaStage(detectors, INVENTORY, (code, subject, detail) =>
    notices.push(`${code} ${subject}: ${detail}`),
  );
  for (const fact of facts) stage.see(fact, (hit) => hits.push(hit));
  return { hits, notices };
}

describe('sigma stage', () => {
  it('hits in the order of stems, and knows which rules fire by themselves', () => {
    const allowed = FACTS.filter(({ event }) => event.action?.decision === 'allow');
    const { hits, notices } = see([TEXT, CALLS, BASE], allowed.slice(0, 5));
    assert.deepEqual(notices, []);
    assert.deepEqual(
      hits.slice(0, 3).map(({ owned }) => [owned.detector.stem, owned.fires]),
      [
        ['base', false],
        ['calls', true],
        ['text', true],
      ],
    );
    assert.equal(hits.length, 15);
  });

  it('shows what our own lease refused only to rules that ask for it', () => {
    const asks = detector(
      'asks',
      'sel: { action.decision: allow }\nown: { call.ours: true }\ncondition: sel or own',
    );
    const ours = FACTS.filter(({ event }) => event.action !== undefined)
      .slice(0, 5)
      .map((fact) => ({ ...fact, ours: true }));
    const { hits } = see([CALLS, TEXT, asks], ours);
    assert.deepEqual([...new Set(hits.map(({ owned }) => owned.detector.stem))], ['asks']);
    assert.equal(hits.length, 5);
  });

  it('makes findings that name fields and never repeat content', () => {
    const { hits } = see([TEXT, CALLS], FACTS);
    assert.ok(hits.length > 100, `${hits.length} hits`);
    for (const hit of hits.filter(({ owned }) => owned.detector === CALLS)) {
      const finding = findingOf(hit);
      assert.ok(!JSON.stringify(finding).includes(PAYLOAD));
      assert.match(finding.explanation, /^Matched sel: action\.decision: "allow"/);
      assert.match(finding.counterfactual, /^silent had action\.decision not met/);
      assert.equal(finding.said[0]?.witness.nativeId, hit.fact.event.nativeId);
    }
  });

  it('says that a value was too long to be looked at whole', () => {
    const [fact] = FACTS.filter(({ event }) => event.action !== undefined) as [EventFact];
    const args = { note: 'x'.repeat(3 * HALF_MAX) };
    const event = { ...fact.event, action: { ...fact.event.action, args } } as EventFact['event'];
    const { notices } = see([TEXT], [{ ...fact, event }]);
    assert.equal(notices.length, 1);
    assert.match(notices[0] ?? '', /^event\.oversize .*: 1 values longer than 262144 characters/);
  });

  it('reads the end of arguments behind padding, and says what it did not read', () => {
    const [fact] = FACTS.filter(({ event }) => event.action !== undefined) as [EventFact];
    const args = { list: Array(4096).fill(''), sql: 'DROP TABLE users' };
    const action = { ...fact.event.action, args };
    const event = { ...fact.event, action } as EventFact['event'];
    const drops = detector('drops', "sel: { call.strings|contains: 'drop table' }\ncondition: sel");
    const { hits, notices } = see([drops], [{ ...fact, event }]);
    assert.equal(hits.length, 1);
    assert.equal(notices.length, 1);
    assert.match(notices[0] ?? '', /^event\.oversize .*: 1 values more than are looked at/);
  });

  it('checks the index on the events that their content picks', () => {
    const picked = FACTS.map((fact) => ({
      ...fact,
      event: { ...fact.event, contentHash: 20_000 },
    }));
    const plain = see([CALLS, TEXT], FACTS);
    const checked = see([CALLS, TEXT], picked);
    assert.deepEqual(checked.notices, []);
    assert.equal(checked.hits.length, plain.hits.length);
  });

  it('costs nothing where no detector is written in Sigma', () => {
    assert.deepEqual(see([], FACTS), { hits: [], notices: [] });
  });
});
