/** JUnit: one case per expectation, and well-formed whatever the texts hold. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { junitText } from '../../../src/evaluation/backtest/junit.ts';
import { HOSTILE } from './alerts.ts';
import { readXml } from './well-formed.ts';

const judged = (detector: string, corpus: string | null, isMet: boolean) => ({
  ...{ detector, corpus, isMet, least: 1, most: null, found: isMet ? 2 : 0 },
});

describe('junitText', () => {
  it('has a case for each expectation and each unexpected detector', () => {
    const text = junitText(
      [judged('spiral', 'a', true), judged('burst', null, false)],
      [{ detector: 'odd', corpus: 'b', found: 3 }],
    );
    const suites = readXml(text);
    assert.equal(suites.name, 'testsuites');
    assert.equal(suites.attributes.get('tests'), '3');
    assert.equal(suites.attributes.get('failures'), '2');
    const cases = suites.children[0]?.children ?? [];
    assert.deepEqual(
      cases.map(({ attributes, children }) => [attributes.get('name'), children[0]?.text ?? null]),
      [
        ['spiral: at least 1 alert in a', null],
        ['burst: at least 1 alert in all corpora', 'expected at least 1 alert, found 0'],
        ['odd: unexpected in b', '3 alerts that no expectation speaks of'],
      ],
    );
  });

  it('is well-formed for any text, and keeps what XML can hold', () => {
    for (const hostile of HOSTILE) {
      const text = junitText([judged(hostile, hostile, false)], []);
      const [one] = readXml(text).children[0]?.children ?? [];
      const name = one?.attributes.get('name') ?? '';
      const kept = hostile
        .toWellFormed()
        .replace(/[\t\n\r]/g, ' ')
        // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is tested
        .replace(/[\u0000-\u001f\ufffe\uffff]/g, '\ufffd');
      assert.equal(name, `${kept}: at least 1 alert in ${kept}`);
      assert.equal(one?.children[0]?.name, 'failure');
    }
  });

  it('is empty and well-formed where nothing was expected', () => {
    assert.equal(readXml(junitText([], [])).attributes.get('tests'), '0');
  });
});

describe('the reader that judges it', () => {
  it('refuses what is not well-formed', () => {
    const head = '<?xml version="1.0" encoding="UTF-8"?>\n';
    for (const wrong of [
      '<a><b></a></b>',
      '<a>',
      '<a x="1" x="2"/>',
      '<a>&unknown;</a>',
      '<a>& b</a>',
      '<a x="<"/>',
      '<a/><b/>',
      '<a>\u0007</a>',
      '<a>]]></a>',
      'text',
    ])
      assert.throws(() => readXml(`${head}${wrong}`), wrong);
    assert.throws(() => readXml('<a/>'), /no declaration/);
  });
});
