/** Failures: the list that the founding texts give, and what makes it wrong. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { readYamlDocuments } from '../../src/adapters/files.ts';
import { ROOT } from '../../src/commands/library.ts';
import { type FailuresFile, readFailures } from '../../src/detect/failures.ts';
import { shippedLibrary } from '../sim/library.ts';

const { detectors } = await shippedLibrary();
const stems = new Set(detectors.map(({ stem }) => stem));
const { file } = await readYamlDocuments(`${ROOT}detectors/failures.yaml`);
const written = file.documents[0]?.value;
const where = { file: 'failures.yaml', lineOf: () => null };
const messages = (value: unknown, known: ReadonlySet<string> = new Set(['one', 'two'])) =>
  readFailures(value, known, where).problems.map(({ key, message }) => `${key}: ${message}`);

const SEEDS = new URL('../../../shared/seeds/', import.meta.url);
const one = { id: 'a', from: 'text', says: 'Something goes wrong here.', detectors: ['one'] };
const list = (over: Partial<FailuresFile>) => ({
  complete: false,
  planned: [],
  failures: [one],
  ...over,
});

describe('the list of failures', () => {
  it('that is shipped names detectors that exist or are planned', () => {
    assert.deepEqual(messages(written, stems), []);
  });

  it('that is shipped answers every failure, once it says that it is complete', () => {
    const { failures } = readFailures(written, stems, where);
    assert.ok(failures !== null);
    for (const { id, detectors: named, outside } of failures.failures) {
      if (!failures.complete || outside !== undefined) continue;
      assert.ok(
        named.some((stem) => stems.has(stem)),
        id,
      );
    }
    assert.ok(failures.failures.length >= 60);
  });

  it('that is shipped quotes every founding text, and no other', () => {
    const { failures } = readFailures(written, stems, where);
    const texts = new Set(failures?.failures.map(({ from }) => from));
    assert.equal(texts.size, 4);
    if (!existsSync(SEEDS)) return;
    for (const text of texts) assert.ok(existsSync(new URL(`${text}.txt`, SEEDS)), text);
  });

  it('refuses misspelt stems, and says what was meant', () => {
    const wrong = list({ failures: [{ ...one, detectors: ['tow'] }] });
    assert.deepEqual(messages(wrong), [
      'failures.0.detectors.0: no detector of this stem; did you mean two?',
    ]);
  });

  it('refuses a failure that nobody answers and nobody excuses', () => {
    assert.match(messages(list({ failures: [{ ...one, detectors: [] }] }))[0] ?? '', /outside/);
    const outside = 'No witness of ours can see it.';
    assert.deepEqual(messages(list({ failures: [{ ...one, detectors: [], outside }] })), []);
  });

  it('refuses ids twice, and planned stems that nothing names', () => {
    assert.match(messages(list({ failures: [one, one] }))[0] ?? '', /listed twice/);
    assert.match(messages(list({ planned: ['three'] }))[0] ?? '', /no failure names three/);
  });

  it('plans nothing once it is complete', () => {
    const failures = [{ ...one, detectors: ['three'] }];
    assert.deepEqual(messages(list({ planned: ['three'], failures })), []);
    const said = messages(list({ complete: true, planned: ['three'], failures })).join('\n');
    assert.match(said, /no detector of this stem/);
    assert.match(said, /plans nothing/);
  });
});
