/** Measuring: what counts as a unit, what as a false alarm, and when nothing was measured at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measuredOf } from '../../src/commands/measure.ts';
import type { Detection } from '../../src/model/detection.ts';
import type { Detector } from '../../src/model/detector.ts';
import type { Kind } from '../../src/model/event.ts';
import { detectionOf } from '../decide/findings.ts';

const DETECTOR = {
  ...{ stem: 'unstated-action', version: 'v1', kind: 'reconciliation' },
  needs: { sources: ['reasoning', 'gateway'], evidence: 'L0' },
} as unknown as Detector;
const HOW = { where: 'recorded', date: '2026-11-29', hasBaseline: false } as const;
const KINDS: ReadonlySet<Kind> = new Set<Kind>(['reasoning', 'gateway']);
const sessions = new Map(['s', 't', 'u'].map((id) => [id, 'a']));
const found = (detections: readonly Detection[], silent: readonly Detection[] = []) => ({
  ...{ sessions, detections, silent },
});

test('a session is one false alarm however often it fires, in shadow too', () => {
  const two = [detectionOf({ id: '1' }), detectionOf({ id: '2' })];
  const entity = { tenant: '-', agent: 'a', role: null, session: 't' };
  const shadow = [detectionOf({ id: '3', entity, maturity: 'shadow' })];
  const other = [detectionOf({ id: '4', detector: 'call-burst' })];
  const { measured } = measuredOf(DETECTOR, found([...two, ...other], shadow), KINDS, HOW);
  assert.deepEqual(measured, {
    ...{ version: 'v1', benignUnits: 3, falseAlarms: 2 },
    ...{ where: 'recorded', date: '2026-11-29' },
  });
});

test('where a detector could only be silent, its silence is no measurement', () => {
  const why = (detector: Detector, kinds: ReadonlySet<Kind>, more = {}) =>
    measuredOf(detector, found([]), kinds, { ...HOW, ...more }).why;
  assert.match(why(DETECTOR, new Set<Kind>(['gateway'])), /no reasoning/);
  assert.match(why({ ...DETECTOR, kind: 'evidence' }, KINDS), /needs a baseline/);
  assert.equal(why({ ...DETECTOR, kind: 'evidence' }, KINDS, { hasBaseline: true }), '');
  const empty = { sessions: new Map(), detections: [], silent: [] };
  assert.match(measuredOf(DETECTOR, empty, KINDS, HOW).why, /no session/);
});
