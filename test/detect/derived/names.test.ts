/** Names of fields: what exists is accepted, what is misspelt is refused with what was meant. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DERIVED_FIELDS } from '../../../src/detect/derived/fields.ts';
import {
  fieldProblem,
  levelOfField,
  nearestFields,
  WIRE_FIELDS,
  wireField,
} from '../../../src/detect/derived/names.ts';
import { KINDS } from '../../../src/model/event.ts';

describe('names of fields', () => {
  it('are known, each for the books that have it', () => {
    for (const { name, kinds } of DERIVED_FIELDS)
      for (const kind of KINDS)
        assert.equal(fieldProblem(name, kind) === null, kinds.includes(kind), `${name} ${kind}`);
    for (const { path, kind } of WIRE_FIELDS) {
      assert.equal(fieldProblem(path, kind), null, path);
      assert.equal(fieldProblem(path, null), null, path);
    }
  });

  it('are refused where they are misspelt, with the nearest', () => {
    assert.match(fieldProblem('action.tol', null) ?? '', /did you mean action\.tool/);
    assert.match(fieldProblem('call.argDigest', null) ?? '', /call\.argsDigest/);
    assert.match(fieldProblem('session.rot', null) ?? '', /session\.root/);
    assert.match(fieldProblem('toolCallId', null) ?? '', /keys\.toolCallId/);
    assert.match(fieldProblem('zzzzzz', null) ?? '', /docs\/taxonomy\.md/);
    assert.equal(nearestFields('reasoning.intents[].tool', null)[0], 'reasoning.intents.tool');
  });

  it('are refused in a book that never has them', () => {
    assert.match(fieldProblem('reasoning.model', 'gateway') ?? '', /belongs to reasoning/);
    assert.match(fieldProblem('call.hosts', 'metrics') ?? '', /belongs to gateway/);
  });

  it('go on below arguments, results and attributes, and nowhere else', () => {
    assert.equal(fieldProblem('action.args.deep.er', 'gateway'), null);
    assert.equal(fieldProblem('metric.attrs.host', 'metrics'), null);
    assert.notEqual(fieldProblem('action.decision.x', 'gateway'), null);
    assert.notEqual(fieldProblem('session.id.x', null), null);
  });

  it('may be objects, to ask whether they are there', () => {
    assert.equal(wireField('action.approval')?.type, 'object');
    assert.equal(fieldProblem('reasoning.guardrail', 'reasoning'), null);
  });

  it('are inert where they are names of every object', () => {
    for (const path of ['constructor', '__proto__', 'action.constructor', 'toString'])
      assert.notEqual(fieldProblem(path, null), null, path);
  });

  it('say the least evidence they need', () => {
    assert.equal(levelOfField('action.tool'), 'L0');
    assert.equal(levelOfField('action.argsDigest'), 'L1');
    assert.equal(levelOfField('action.args.path'), 'L2');
    assert.equal(levelOfField('reasoning.text'), 'L3');
    assert.equal(levelOfField('call.hosts'), 'L2');
  });
});
