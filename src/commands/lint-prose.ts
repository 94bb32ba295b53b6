/** Lint of the words: placeholders that were left, prose too short to help, dates of change. */
import { dateOf, findings, type LintedText, type LintRule, memberOf } from './lint-file.ts';

/** Fewer words than this explain nothing to a person at three in the morning. */
const WORDS_MIN = 15;
const REASON_WORDS_MIN = 4;
const PLACEHOLDER = /\bTODO\b/;

const wordsIn = (text: unknown): number =>
  typeof text === 'string' ? text.split(/\s+/).filter((word) => /\p{L}/u.test(word)).length : 0;

function placeholdersIn(text: LintedText) {
  const { list, say } = findings(text, 'placeholder', 'error');
  text.text.split('\n').forEach((line, at) => {
    if (PLACEHOLDER.test(line)) say(at + 1, `still to be written: ${line.trim().slice(0, 100)}`);
  });
  return list;
}

const placeholder: LintRule = {
  name: 'placeholder',
  says: 'Nothing is left that `scaffold` wrote to be replaced (TODO).',
  check: (file) => [
    ...placeholdersIn(file),
    ...(file.cases === null ? [] : placeholdersIn(file.cases)),
  ],
};

const proseShort: LintRule = {
  name: 'prose-short',
  says: `why, misses and triage have ${WORDS_MIN} words or more, each false positive ${REASON_WORDS_MIN}.`,
  check: (file) => {
    const { list, say } = findings(file, 'prose-short', 'error');
    const { outer } = file;
    if (outer === null) return list;
    const asks = {
      why: 'say what harm follows, and why nobody sees it otherwise',
      misses: 'say when it stays silent although it should not',
      triage: 'say what to look at first, and what to do when it is true',
    };
    for (const [key, ask] of Object.entries(asks)) {
      const text = memberOf(outer.value, 'plumbline', key);
      const words = wordsIn(text);
      if (typeof text === 'string' && words < WORDS_MIN && !PLACEHOLDER.test(text))
        say(outer.lineOf(['plumbline', key]), `${key} has ${words} words: ${ask}`);
    }
    const reasons = memberOf(outer.value, 'falsepositives');
    if (Array.isArray(reasons))
      reasons.forEach((reason: unknown, at) => {
        if (wordsIn(reason) < REASON_WORDS_MIN && !PLACEHOLDER.test(String(reason)))
          say(
            outer.lineOf(['falsepositives', at]),
            `${JSON.stringify(reason)} helps nobody: describe the sound work that looks like it`,
          );
      });
    return list;
  },
};

const modifiedDate: LintRule = {
  name: 'modified-date',
  says: 'A detector that looks for something else than before says since when (`modified`).',
  check: (file, { before, today }) => {
    const { list, say } = findings(file, 'modified-date', 'error');
    const { outer, detector, stem } = file;
    if (outer === null) return list;
    const modified = dateOf(memberOf(outer.value, 'modified'));
    const date = dateOf(memberOf(outer.value, 'date'));
    if (modified !== null && date !== null && modified < date)
      say(outer.lineOf(['modified']), `is before its own \`date\`, ${date}`);
    for (const [key, day] of [
      ['date', date],
      ['modified', modified],
    ] as const)
      if (day !== null && day > today)
        say(outer.lineOf([key]), `lies in the future; today is ${today}`);
    const old = before?.detectors.get(stem);
    if (old === undefined || detector === null || old.version === detector.version) return list;
    if (modified === null || modified === old.modified)
      say(
        outer.lineOf([modified === null ? 'date' : 'modified']),
        `what it looks for has changed since ${before?.name}: write \`modified: ${today}\``,
      );
    return list;
  },
};

/** Rules about words and dates. */
export const PROSE_RULES: readonly LintRule[] = [placeholder, proseShort, modifiedDate];
