/** Exceptions at work: what they match, until when, and what nothing excuses. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createExceptions } from '../../src/decide/exceptions.ts';
import type { Detection } from '../../src/model/detection.ts';
import type { Exception } from '../../src/model/exception.ts';
import { detectionOf, T0 } from './findings.ts';

const ONE: Exception = {
  id: 'nightly-export',
  match: { agent: ['a', 'b'], tool: ['send_message'] },
  detectors: ['unstated-action'],
  expiresMs: T0 + 1000,
  owner: 'anna',
  reason: 'the export runs every night',
  evidence: ['0123456789ab'],
  file: 'exceptions/nightly-export.yaml',
};

const excusing = (
  changes: Partial<Detection>,
  list: readonly Exception[] = [ONE],
  neverTouch: readonly string[] = [],
) => createExceptions(list, new Set(neverTouch)).excusing(detectionOf(changes))?.id ?? null;

describe('exceptions', () => {
  it('excuse what has one of the values in every field', () => {
    assert.equal(excusing({}), 'nightly-export');
    assert.equal(excusing({ tool: 'read_record' }), null);
    assert.equal(excusing({ tool: null }), null);
    assert.equal(excusing({ detector: 'call-burst' }), null);
    const entity = { tenant: '-', agent: 'c', role: 'clerk', session: 's' };
    assert.equal(excusing({ entity }), null);
    const byRole = { ...ONE, match: { role: ['clerk'], session: ['s'], tenant: ['-'] } };
    assert.equal(excusing({ entity }, [byRole]), 'nightly-export');
    assert.equal(excusing({ entity: { ...entity, role: null } }, [byRole]), null);
  });

  it('lapse by the time of the evidence', () => {
    assert.equal(excusing({ timeMs: T0 + 999 }), 'nightly-export');
    assert.equal(excusing({ timeMs: T0 + 1000 }), null);
  });

  it('never excuse integrity, nor whom nobody may touch', () => {
    assert.equal(excusing({ family: 'integrity' }), null);
    assert.equal(excusing({}, [ONE], ['a']), null);
    assert.equal(excusing({}, [ONE], ['z']), 'nightly-export');
  });

  it('are the same whatever their order in the folder', () => {
    const other = { ...ONE, id: 'a-wider-one', match: { agent: ['a'] } };
    assert.equal(excusing({}, [ONE, other]), 'a-wider-one');
    assert.equal(excusing({}, [other, ONE]), 'a-wider-one');
    assert.equal(excusing({}, [{ ...other, expiresMs: 0 }, ONE]), 'nightly-export');
  });
});
