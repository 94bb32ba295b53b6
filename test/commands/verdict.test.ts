/** The exception a verdict proposes: as narrow as the detections allow, and one that loads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exceptionFor } from '../../src/commands/verdict.ts';
import { readExceptions } from '../../src/detect/exception-file.ts';
import type { Detector } from '../../src/model/detector.ts';
import { idOf } from '../../src/model/ids.ts';
import { detectionOf } from '../decide/findings.ts';

const NOW = Date.UTC(2026, 10, 29);
const one = detectionOf({ id: idOf('1') });
const DETECTORS = [{ stem: one.detector, family: 'intent' }] as unknown as readonly Detector[];

test('what is proposed loads, with every key', () => {
  const proposal = exceptionFor([one], 'anna', 'short', NOW);
  const text = { file: 'x.yaml', document: { ...proposal }, lineOf: () => 1 };
  const { exceptions, problems } = readExceptions([text], DETECTORS, NOW);
  assert.deepEqual(problems, []);
  assert.deepEqual(exceptions[0]?.match, { agent: ['a'], tool: ['send_message'] });
  assert.equal(proposal?.expires, '2026-12-29');
  assert.equal(proposal?.owner, 'anna');
});

test('it names every agent, a tool only where it is one, and never integrity', () => {
  const entity = { tenant: '-', agent: 'b', role: null, session: null };
  const other = detectionOf({ id: idOf('2'), entity, tool: null });
  const both = exceptionFor([one, other], 'anna', 'ten letters and more', NOW);
  assert.deepEqual(both?.match, { agent: ['a', 'b'] });
  assert.equal(both?.evidence.length, 2);
  assert.equal(exceptionFor([detectionOf({ family: 'integrity' })], 'anna', 'x', NOW), null);
});
