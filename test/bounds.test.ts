/** The table of bounds tells the truth: each bound it names exists, and each test it names does. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { ROOT } from '../src/commands/library.ts';

const page = readFileSync(`${ROOT}docs/bounds.md`, 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| what grows'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

/** `1,000,000` as code writes it. */
const digits = (text: string) => text.replaceAll(',', '_');

describe('the table of bounds', () => {
  it('is there', () => assert.ok(rows.length > 50));

  for (const [, what = '', bound = '', , , shown = ''] of rows)
    it(`names what bounds ${what}`, () => {
      const [, name, value] = /^`([^`]+)`(?: ([0-9,]+))?/.exec(bound) ?? [];
      if (name === undefined) return;
      const file = / in `(src\/[^`]+)`/.exec(bound)?.[1];
      if (file !== undefined) {
        const line = readFileSync(`${ROOT}${file}`, 'utf8')
          .split('\n')
          .find((each) => new RegExp(`\\b${name}\\b`).test(each) && /const|function/.test(each));
        assert.ok(line !== undefined, `${name} is not in ${file}`);
        const written = value === undefined ? '' : digits(value);
        const plain = written.replaceAll('_', '');
        assert.ok(
          written === '' || line.includes(written) || line.includes(plain) || /KEPT/.test(name),
          `${name} in ${file} is not ${value}: ${line}`,
        );
      } else if (name.startsWith('correlate.')) {
        const key = name.slice('correlate.'.length);
        const schema = readFileSync(`${ROOT}src/model/config/correlate.ts`, 'utf8');
        const lane = readFileSync(`${ROOT}src/commands/lane.ts`, 'utf8');
        assert.ok(schema.includes(`${key}: Type.Optional(`), key);
        const line = lane.split('\n').find((each) => each.includes(`correlate.${key} ??`)) ?? '';
        const given = value === undefined ? '' : digits(value);
        const isSame = line.includes(given) || line.includes(given.replaceAll('_', ''));
        assert.ok(key === 'maxBufferedBytes' ? line.includes('256 * 1024 * 1024') : isSame, line);
      }
      for (const [, path] of shown.matchAll(/`(test\/[^`]+)`/g))
        assert.ok(existsSync(`${ROOT}${path}`), `${path} does not exist`);
    });
});
