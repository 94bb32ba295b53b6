/** Detector files: what is taken, and that every mistake is named at once, where it is. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseYaml } from '../../src/adapters/files.ts';
import { KINDS_OF_ANALYTIC } from '../../src/detect/detect.ts';
import { readDetectorFile } from '../../src/detect/detector-file.ts';

const FILE = 'volume/call-burst.yaml';
const RULE = 'drift/model-not-approved.yaml';
const TEXT = readFileSync(join(import.meta.dirname, '../../detectors', FILE), 'utf8');

/** Reads the shipped detector with some text replaced. */
function read(replacements: readonly (readonly [from: string, to: string])[] = [], file = FILE) {
  let text = TEXT;
  for (const [from, to] of replacements) {
    assert.ok(text.includes(from), `the detector has no ${from}`);
    text = text.replace(from, to);
  }
  const parsed = parseYaml(file, text);
  assert.deepEqual(parsed.problems, []);
  const [document] = parsed.file.documents;
  assert.ok(document !== undefined);
  const { value, lineOf } = document;
  return readDetectorFile([{ file, document: value, lineOf }], KINDS_OF_ANALYTIC);
}

const problems = (...replacements: (readonly [string, string])[]) =>
  read(replacements).problems.map(({ key, message }) => `${key}: ${message}`);

describe('detector file', () => {
  it('becomes a detector with family and stem from its place', () => {
    const { detector, problems: none } = read();
    assert.deepEqual(none, []);
    assert.deepEqual(
      [
        detector?.family,
        detector?.stem,
        detector?.kind,
        detector?.evidenceClass,
        detector?.response,
      ],
      ['volume', 'call-burst', 'rate', 'statistical', null],
    );
    assert.match(detector?.version ?? '', /^[0-9a-f]{16}$/);
  });

  it('keeps its version when only prose or maturity change', () => {
    const version = read().detector?.version;
    assert.equal(read([['maturity: alert', 'maturity: shadow']]).detector?.version, version);
    assert.equal(
      read([['A model that thinks', 'A model which thinks']]).detector?.version,
      version,
    );
    assert.notEqual(read([['atLeast: 60', 'atLeast: 61']]).detector?.version, version);
  });

  it('has another version where a placeholder that it uses has other values', () => {
    const text = readFileSync(join(import.meta.dirname, '../../detectors', RULE), 'utf8');
    const versionOf = (values: Record<string, string[]>, used = true) => {
      const replaced = used
        ? text.replace('reasoning.model|exists: true', "reasoning.model|expand: '%models%'")
        : text;
      const [document] = parseYaml(RULE, replaced).file.documents;
      assert.ok(document !== undefined);
      const { value, lineOf } = document;
      const options = {
        placeholders: new Map(Object.entries(values)),
        unresolved: 'refuse' as const,
      };
      const read = readDetectorFile(
        [{ file: RULE, document: value, lineOf }],
        KINDS_OF_ANALYTIC,
        options,
      );
      assert.deepEqual(read.problems, []);
      return read.detector?.version;
    };
    const one = versionOf({ models: ['a'], other: ['x'] });
    assert.notEqual(versionOf({ models: ['b'], other: ['x'] }), one);
    assert.equal(versionOf({ models: ['a'], other: ['y'] }), one);
    assert.equal(versionOf({ models: ['a'] }, false), versionOf({}, false));
  });

  it('reads a response, at most four hours long', () => {
    const asks = (ttl: string) =>
      [
        '  why: >-',
        `  response: { action: posture, scope: agent, ttl: ${ttl} }\n  why: >-`,
      ] as const;
    const response = { action: 'posture', scope: 'agent', ttlMs: 900_000 };
    assert.deepEqual(read([asks('15m')]).detector?.response, response);
    assert.match(problems(asks('5h')).join(), /plumbline\.response\.ttl: a lease lasts at most 4h/);
  });

  it('refuses paths of counts that no event has, and says what was meant', () => {
    const [message] = problems(['by: [agent.id, session.id]', 'by: [agent.idd]']);
    assert.match(message ?? '', /^plumbline\.params\.by\.0: no field .* did you mean agent\.id/);
    assert.deepEqual(problems(['by: [agent.id, session.id]', 'by: [session.root, call.tool]']), []);
    assert.match(
      problems(['by: [agent.id, session.id]', 'by: [reasoning.model]'])[0] ?? '',
      /events of gateway never have it/,
    );
  });

  it('names every mistake at once, with its line', () => {
    const { detector, problems: found } = read([
      ['level: medium', 'level: urgent'],
      ['status: test', 'status: fine'],
      ['    format: 1'.trim(), 'format: 7'],
      ['owasp-asi.asi02', 'owasp-asi.two'],
    ]);
    assert.equal(detector, null);
    assert.deepEqual(found.map(({ key }) => key.replace(/\.\d+$/, '')).sort(), [
      'level',
      'plumbline.format',
      'status',
      'tags',
    ]);
    for (const { line, file } of found) assert.ok(line !== null && line > 1 && file === FILE);
    const level = found.find(({ key }) => key === 'level');
    assert.match(level?.message ?? '', /informational, low, medium, high, critical/);
  });

  it('refuses unknown keys and says which there are', () => {
    const found = problems(['  maturity: alert', '  maturity: alert\n  supress: 1h']).join();
    assert.match(found, /plumbline\.supress: unknown key; allowed here: format, maturity, kind/);
  });

  it('refuses unknown kinds, and parameters the kind does not take', () => {
    assert.match(
      problems(['kind: rate', 'kind: magic']).join(),
      /plumbline\.kind: unknown kind "magic"; there are: reconciliation, silence, rate/,
    );
    const found = problems(
      ['atLeast: 60', 'atLeast: 0\n    arLeast: 60'],
      ['within: 1m', 'within: soon'],
    );
    assert.ok(found.some((each) => each.startsWith('plumbline.params.arLeast: unknown key')));
    assert.ok(found.some((each) => each.startsWith('plumbline.params.within: must match')));
    assert.match(problems(['atLeast: 60', 'atLeast: 0']).join(), /plumbline\.params\.atLeast/);
  });

  it('refuses a kind named like a member of every object', () => {
    assert.match(
      problems(['kind: rate', 'kind: constructor']).join(),
      /unknown kind "constructor"/,
    );
  });

  it('must bear the name of its file and lie in a family', () => {
    assert.match(
      problems(['name: call_burst', 'name: burst']).join(),
      /name must be the file's: call_burst/,
    );
    const elsewhere = read([], 'misc/call-burst.yaml').problems.map(({ message }) => message);
    assert.match(elsewhere.join(), /family is one of intent, scope, drift, volume, integrity/);
  });

  it('is total: whatever the document is, it is a problem and no exception', () => {
    for (const document of [null, 7, 'text', [], {}, { plumbline: null }, { plumbline: [] }]) {
      const lineOf = () => null;
      const { detector, problems: found } = readDetectorFile(
        [{ file: FILE, document, lineOf }],
        KINDS_OF_ANALYTIC,
      );
      assert.equal(detector, null);
      assert.ok(found.length > 0);
    }
  });
});
