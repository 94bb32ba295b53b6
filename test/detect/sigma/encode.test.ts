/** Transforming modifiers: the texts a value stands for. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { placeholdersOf, variantsOf } from '../../../src/detect/sigma/encode.ts';
import type { Transform } from '../../../src/detect/sigma/modifiers.ts';
import { readGlob } from '../../../src/detect/sigma/text.ts';
import { RUN } from '../../../src/model/sigma.ts';

function variants(text: string, ...transforms: Transform[]) {
  const said: string[] = [];
  const values = new Map([['p', ['x', 'y']]]);
  const made = variantsOf(readGlob(text), transforms, values, (message) => said.push(message));
  return made ?? said;
}

describe('variants', () => {
  it('put wildcards around, never two side by side', () => {
    assert.deepEqual(variants('a', 'contains'), [[RUN, 'a', RUN]]);
    assert.deepEqual(variants('*a*', 'contains'), [[RUN, 'a', RUN]]);
    assert.deepEqual(variants('', 'contains'), [[RUN]]);
    assert.deepEqual(variants('a', 'startswith'), [['a', RUN]]);
    assert.deepEqual(variants('a', 'endswith'), [[RUN, 'a']]);
  });

  it('of base64offset are what is seen at each place, as published examples have it', () => {
    assert.deepEqual(variants('foobar', 'base64offset', 'contains'), [
      [RUN, 'Zm9vYmFy', RUN],
      [RUN, 'Zvb2Jhc', RUN],
      [RUN, 'mb29iYX', RUN],
    ]);
    assert.deepEqual(variants('foobar', 'base64'), [['Zm9vYmFy']]);
    for (const text of ['a', 'ab', 'abc', 'abcd', 'grüße'])
      for (const before of ['', '1', '12', '123', '1234'])
        for (const after of ['', '!', '!!']) {
          const whole = Buffer.from(before + text + after).toString('base64');
          const seen = variants(text, 'base64offset') as string[][];
          assert.ok(
            seen.some(([one = '']) => whole.includes(one)),
            `${before}${text}${after}`,
          );
        }
  });

  it('of windash and expand are all combinations', () => {
    assert.equal(variants('-a -b', 'windash').length, 25);
    assert.deepEqual(variants('%p%-%p%', 'expand').map(String).sort(), [
      'x-x',
      'x-y',
      'y-x',
      'y-y',
    ]);
    assert.deepEqual(variants('*%p%', 'expand'), [
      [RUN, 'x'],
      [RUN, 'y'],
    ]);
    assert.deepEqual(placeholdersOf(readGlob('a%p%*%q_1%')), ['p', 'q_1']);
    assert.deepEqual(placeholdersOf(readGlob('100% of 5%')), []);
  });

  it('encode part by part where wildcards stand between', () => {
    assert.deepEqual(variants('a*b', 'utf16le'), [['a\0', RUN, 'b\0']]);
    assert.deepEqual(variants('a', 'contains', 'utf16be'), [[RUN, '\0a', RUN]]);
  });

  it('that cannot be made are refused', () => {
    assert.match(String(variants('a*', 'base64')), /cannot encode wildcards/);
    assert.match(String(variants('ä', 'utf16le')), /follow it with `base64`/);
    assert.match(String(variants('a', 'utf16le', 'utf16be')), /cannot follow another encoding/);
    assert.match(String(variants('-a -b -c -d -e -f', 'windash')), /more than 10000 texts/);
  });
});
