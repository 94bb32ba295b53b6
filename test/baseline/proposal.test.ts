/** Documents from outside: every fault is a problem with its place, none an exception. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { profileHash } from '../../src/baseline/profile.ts';
import { profileText, readProfile, readProposal } from '../../src/baseline/proposal.ts';
import { EVIDENCE, profile, REGISTRY } from './profiles.ts';

const where = { file: 'p.json', lineOf: () => null };
const problems = (value: unknown): string[] =>
  readProposal(value, where, REGISTRY).problems.map(({ key, message }) => `${key}: ${message}`);

it('takes a profile alone or with evidence, and gives the same hash', () => {
  const one = profile();
  const alone = readProposal(JSON.parse(profileText(one)), where, REGISTRY);
  const both = readProposal({ profile: one, evidence: EVIDENCE }, where, REGISTRY);
  assert.deepEqual([alone.hash, both.hash], [profileHash(one), profileHash(one)]);
  assert.deepEqual([alone.evidence, both.evidence], [{}, EVIDENCE]);
});

it('names what is wrong and where', () => {
  const one = profile();
  const cases: [unknown, RegExp][] = [
    [null, /^: must be an object/],
    [{ ...one, format: 2 }, /^format: must be 1/],
    [{ ...one, scores: 2 }, /^scores: made by score functions of version 2/],
    [{ ...one, subject: '*' }, /^subject: the fleet is written \*/],
    [{ ...one, meta: { ...one.meta, fromMs: one.meta.toMs + 1 } }, /^meta\.toMs: lies before/],
    [{ ...one, meta: { ...one.meta, parent: 'abc' } }, /^meta\.parent: must match \^sha256:/],
    [{ ...one, meta: { ...one.meta, days: -1 } }, /^meta\.days: must be at least 0/],
    [{ ...one, dimensions: { vibes: {} } }, /^dimensions\.vibes: this program knows no such/],
    [{ ...one, dimensions: { mix: { tools: 3 } } }, /^dimensions\.mix: its counts cannot be read/],
    [{ ...one, calibration: { mix: { c: [2, 1] } } }, /^calibration\.mix\.c: scores are to be asc/],
    [{ ...one, calibration: { mix: { c: ['1'] } } }, /^calibration\.mix\.c\.0: must be a number/],
    [{ profile: one, evidence: { luck: 1 } }, /^evidence\.luck: unknown key/],
    [{ profile: { ...one, level: 'team' } }, /^profile\.level: must be one of agent, role, fleet/],
  ];
  for (const [value, message] of cases) {
    const [first = ''] = problems(value);
    assert.match(first, message);
  }
});

it('never throws, whatever the document holds', () => {
  const one = JSON.parse(profileText(profile())) as object;
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(one)), (value, key) => {
      const read = readProfile({ ...one, [key]: value }, where, REGISTRY);
      assert.equal(read.profile === null, read.problems.length > 0);
    }),
  );
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(...REGISTRY.keys()), (counts, name) => {
      const read = readProfile({ ...one, dimensions: { [name]: counts } }, where, REGISTRY);
      assert.equal(read.profile === null, read.problems.length > 0);
    }),
  );
});
