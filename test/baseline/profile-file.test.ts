/** Profile files: the same bytes each time, names that cannot collide, nothing said but the document. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { parseYaml, toYaml } from '../../src/adapters/files.ts';
import type { Profile } from '../../src/baseline/profile.ts';
import { profileHash } from '../../src/baseline/profile.ts';
import {
  fileName,
  profileFile,
  profileFileProblems,
  readProfileFile,
  slugOf,
  stemOf,
} from '../../src/baseline/profile-file.ts';
import { profile, REGISTRY, unit } from './profiles.ts';

const where = { file: 'x.yaml', lineOf: () => 3 };
const approved = {
  by: ['ann'],
  full: true,
  at: '2026-11-18T09:00:00Z',
  window: 'w1',
  change: null,
  proposedBy: 'bob',
};
const throughYaml = (one: Profile): unknown => {
  const parsed = parseYaml('x.yaml', toYaml(profileFile(one, approved, REGISTRY)));
  assert.deepEqual(parsed.problems, []);
  return parsed.file.documents[0]?.value;
};

it('is read back from YAML as it was written, and says what the document says', () => {
  const one = profile();
  const { file } = readProfileFile(throughYaml(one), where);
  assert.ok(file !== null);
  assert.deepEqual(profileFileProblems(file, one, REGISTRY, where), []);
  assert.equal(file.document.sha256, profileHash(one));
  assert.equal(file.document.file, `support-triage.${profileHash(one).slice(7, 19)}.json.gz`);
  assert.equal(
    toYaml(profileFile(one, approved, REGISTRY)),
    toYaml(profileFile(structuredClone(one), approved, REGISTRY)),
  );
});

it('names every place where it says something else', () => {
  const one = profile();
  const { file } = readProfileFile(throughYaml(one), where);
  assert.ok(file !== null);
  const other = profile({ calibrated: 251 });
  const keys = profileFileProblems(file, other, REGISTRY, where).map(({ key }) => key);
  assert.ok(keys.includes('readable.dimensions.0.calibration.L3/seen.n'), keys.join(' '));
  const renamed = profileFileProblems({ ...file, subject: 'x' }, one, REGISTRY, where);
  assert.match(renamed[0]?.message ?? '', /says role x; the document is of role support-triage/);
  for (const path of ['../a.json.gz', 'a/b.json.gz', '.a.json.gz', 'a.json', 'C:\\a.json.gz']) {
    const changed: unknown = { ...file, document: { ...file.document, file: path } };
    assert.equal(readProfileFile(changed, where).file, null, path);
  }
});

it('survives symbols that agents chose: control characters, markup, directives, length', () => {
  const tools = ['get_a: b # c', '"\u001b[2J', "- 'x", '%YAML 2', '\ud800', 'é'.repeat(400), '~'];
  const one = profile({ units: tools.map((tool, at) => unit(at, [tool, 'get_ticket'])) });
  const { file } = readProfileFile(throughYaml(one), where);
  assert.ok(file !== null);
  assert.deepEqual(profileFileProblems(file, one, REGISTRY, where), []);
});

it('gives different subjects different file names, whatever they are called', () => {
  const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 80 });
  const level = fc.constantFrom('agent' as const, 'role' as const);
  const scope = fc.record({ level, subject: name });
  fc.assert(
    fc.property(scope, scope, (a, b) => {
      const same = a.level === b.level && a.subject === b.subject;
      assert.equal(stemOf(a) === stemOf(b), same);
      assert.match(fileName(a), /^(?:agent\.)?[a-z0-9][a-z0-9-]*\.yaml$/);
    }),
  );
  assert.equal(fileName({ level: 'fleet', subject: '*' }), 'fleet.all.yaml');
  assert.equal(fileName({ level: 'role', subject: 'support-triage' }), 'support-triage.yaml');
  assert.equal(slugOf('../../etc'), 'etc');
  assert.equal(slugOf('!!!'), 'unnamed');
});
