/** Measurement records: what a file may claim. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMeasured } from '../../src/detect/measured-file.ts';

const WHERE = { file: 'x.measured.yaml', lineOf: () => 1 };
const SOUND = {
  ...{ version: '0123456789abcdef', benignUnits: 600, falseAlarms: 0 },
  ...{ where: 'recorded', date: '2026-11-29' },
};
const said = (changes: object) =>
  readMeasured({ ...SOUND, ...changes }, WHERE).problems.map(({ key }) => key);

test('a measurement is read as it is written', () => {
  assert.deepEqual(readMeasured(SOUND, WHERE), { measured: SOUND, problems: [] });
});

test('a measurement claims nothing impossible, and no live units', () => {
  assert.deepEqual(said({ falseAlarms: 601 }), ['falseAlarms']);
  assert.deepEqual(said({ where: 'live' }), ['where']);
  assert.deepEqual(said({ version: 'latest' }), ['version']);
  assert.deepEqual(said({ benignUnits: -1 }), ['benignUnits']);
  assert.deepEqual(said({ tier: 'terminate' }), ['tier']);
  assert.equal(readMeasured(null, WHERE).measured, null);
});
