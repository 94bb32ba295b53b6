/** JUnit XML of a backtest: one case per expectation, one per unexpected detector. */
import { type JudgedExpectation, type Unexpected, wordsOf } from './expectations.ts';

const TEXT_MAX = 4000;

/**
 * A JUnit report. Where unexpected detectors do not fail the run, `unexpected` is to be empty. Texts
 * of any content give well-formed XML 1.0.
 */
export function junitText(
  judged: readonly JudgedExpectation[],
  unexpected: readonly Unexpected[],
): string {
  const cases = [
    ...judged.map((each) => {
      const { detector, corpus, found, isMet } = each;
      const name = `${detector}: ${wordsOf(each)} in ${corpus ?? 'all corpora'}`;
      return testCase(detector, name, isMet ? null : `expected ${wordsOf(each)}, found ${found}`);
    }),
    ...unexpected.map(({ detector, corpus, found }) =>
      testCase(
        detector,
        `${detector}: unexpected in ${corpus}`,
        `${found} alerts that no expectation speaks of`,
      ),
    ),
  ];
  const failed = judged.filter(({ isMet }) => !isMet).length + unexpected.length;
  const counts = `tests="${cases.length}" failures="${failed}" errors="0"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="plumbline backtest" ${counts}>`,
    `  <testsuite name="backtest" ${counts}>`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function testCase(detector: string, name: string, failure: string | null): string {
  const head = `    <testcase classname="detector.${xmlText(detector)}" name="${xmlText(name)}"`;
  if (failure === null) return `${head}/>`;
  const said = xmlText(failure);
  return `${head}><failure type="expectation" message="${said}">${said}</failure></testcase>`;
}

/**
 * Text for an attribute or content of XML 1.0: markup is escaped; what XML cannot carry at all
 * (control characters, lone surrogates, U+FFFE) becomes U+FFFD; white space becomes a space, as a
 * parser would make of it in an attribute. At most 4,000 characters.
 */
export function xmlText(text: string): string {
  return text
    .slice(0, TEXT_MAX)
    .toWellFormed()
    .replace(/[\t\n\r]/g, ' ')
    .replace(/[^\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&apos;');
}
