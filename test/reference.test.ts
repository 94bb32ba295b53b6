/** The generated reference says what the code says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DOCS, generatedPages } from '../scripts/pages.ts';
import { REFERENCE, referenceFiles } from '../scripts/reference.ts';

for (const [name, text] of referenceFiles()) {
  test(`docs/reference/${name} is current (node scripts/reference.ts writes it)`, () => {
    assert.equal(readFileSync(new URL(name, REFERENCE), 'utf8'), text);
  });
}

for (const [name, text] of await generatedPages()) {
  test(`docs/${name} is current (node scripts/reference.ts writes it)`, () => {
    assert.equal(readFileSync(new URL(name, DOCS), 'utf8'), text);
  });
}
