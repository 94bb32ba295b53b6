/** Detection: facts to findings with stable ids, in the order of the detectors' names. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDetect } from '../../src/detect/detect.ts';
import type { Amendment, Detection, Maturity } from '../../src/model/detection.ts';
import type { Fact } from '../../src/model/fact.ts';
import { Slots } from '../../src/state/slots.ts';
import { factsOf } from '../conformance/facts.ts';
import { shippedLibrary } from '../sim/library.ts';

const { detectors, inventory } = await shippedLibrary();
const FACTS = factsOf(1);

function run(facts: readonly Fact[], maturity: Record<string, Maturity> = {}, read = detectors) {
  const detect = createDetect(read, {
    slots: new Slots(),
    inventory,
    maturity,
    // A busy group of a correlation keeps its newest hits and says so; nothing else may be lost.
    evicted: (subject, detail) =>
      assert.match(detail, /more than \d+ hits of a rule in one window$/, subject),
    notice: () => assert.fail('there is nothing to say'),
    blind: () => false,
  });
  const detections: Detection[] = [];
  const amendments: Amendment[] = [];
  for (const fact of facts)
    detect.see(fact, {
      detection: (each) => detections.push(each),
      amendment: (each) => amendments.push(each),
    });
  return { detect, detections, amendments };
}

describe('detect', () => {
  it('gives every finding an id of its own, the same each time', () => {
    const { detections } = run(FACTS);
    assert.ok(detections.length > 20, `${detections.length} findings`);
    assert.equal(new Set(detections.map(({ id }) => id)).size, detections.length);
    assert.deepEqual(run(FACTS).detections, detections);
  });

  it('does not depend on the order in which detectors were read', () => {
    assert.deepEqual(run(FACTS, {}, detectors.toReversed()).detections, run(FACTS).detections);
  });

  it('takes maturity from the file, unless it is overridden by name or for hard evidence', () => {
    const of = (maturity: Record<string, Maturity>, stem: string) =>
      run([], maturity).detect.detectors.get(stem)?.maturity;
    assert.equal(of({}, 'call-burst'), 'alert');
    assert.equal(of({ hard: 'enforce' }, 'tool-mismatch'), 'enforce');
    assert.equal(of({ hard: 'enforce' }, 'call-burst'), 'alert');
    assert.equal(of({ hard: 'enforce', 'tool-mismatch': 'shadow' }, 'tool-mismatch'), 'shadow');
  });

  it('takes a finding back under the id it was given', () => {
    const absent = FACTS.find((fact) => fact.type === 'absent');
    assert.ok(absent?.type === 'absent');
    const { book, witness, session, decidedMs } = absent;
    const retract: Fact = { type: 'retract', book, witness, session, decidedMs, late: true };
    const { detections, amendments } = run([absent, retract]);
    const [detection] = detections;
    assert.equal(detections.length, 1);
    assert.deepEqual(
      amendments.map((each) => (each.type === 'retracted' ? each.detectionId : null)),
      [detection?.id],
    );
  });

  it('keeps what it gave out, though the session is found to have been blind later', () => {
    const [first] = FACTS.filter((fact) => fact.type === 'absent').map((fact) =>
      structuredClone(fact),
    );
    assert.ok(first?.type === 'absent');
    const { detections } = run([first]);
    (first.session.blind as string[]).push('metrics');
    assert.deepEqual(detections[0]?.blind, []);
  });

  it('carries every witness with its place in the log', () => {
    for (const { witnesses, detector } of run(FACTS).detections) {
      // What the observer says of a source rests on no record of its own.
      const kind = detectors.find(({ stem }) => stem === detector)?.kind;
      if (kind === 'silence' || kind === 'notice') continue;
      assert.ok(witnesses.length > 0, detector);
      for (const { eventId, position } of witnesses) {
        assert.match(eventId, /^[0-9a-f]{64}$/);
        assert.ok(position.offset >= 0 && position.topic.length > 0);
      }
    }
  });
});
