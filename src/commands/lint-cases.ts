/** Lint of cases: are there enough of both sorts, and does each of them test anything? */
import {
  findings,
  type LintedDetector,
  type LintRule,
  mapOf,
  memberOf,
  type Severity,
} from './lint-file.ts';

/** Cases of each sort that a detector needs before anybody is alerted by it. */
const CASES_MIN = 5;

interface Case {
  readonly at: number;
  readonly name: string;
  readonly given: readonly unknown[] | null;
  readonly expect: readonly unknown[] | null;
}

function casesOf({ cases }: LintedDetector): Case[] {
  const list = cases?.documents[0]?.value;
  if (!Array.isArray(list)) return [];
  return list.map((each: unknown, at) => ({
    at,
    name: String(memberOf(each, 'name') ?? `case ${at + 1}`),
    given: listOf(memberOf(each, 'given')),
    expect: listOf(memberOf(each, 'expect')),
  }));
}

const listOf = (value: unknown): readonly unknown[] | null => (Array.isArray(value) ? value : null);

const fires = ({ expect }: Case, stem: string): boolean =>
  expect?.some((each) => memberOf(each, 'detector') === stem) ?? false;

const casesFew: LintRule = {
  name: 'cases-few',
  says: `A detector that alerts has ${CASES_MIN} cases that fire and ${CASES_MIN} that stay silent; in shadow it is warned.`,
  check: (file) => {
    const { cases, stem, outer } = file;
    const maturity = memberOf(outer?.value, 'plumbline', 'maturity');
    const severity: Severity = maturity === 'shadow' ? 'warning' : 'error';
    if (cases === null) {
      const { list, say } = findings(file, 'cases-few', 'error');
      say(null, `has no cases: write ${stem}.test.yaml beside it (\`scaffold\` shows the form)`);
      return list;
    }
    const { list, say } = findings(cases, 'cases-few', severity);
    const all = casesOf(file);
    const firing = all.filter((one) => fires(one, stem)).length;
    const silent = all.filter(({ expect }) => expect !== null).length - firing;
    if (firing < CASES_MIN)
      say(
        null,
        `${firing} cases fire, ${CASES_MIN} are needed: other tools, orders, paces, near misses`,
      );
    if (silent < CASES_MIN)
      say(
        null,
        `${silent} cases stay silent, ${CASES_MIN} are needed: the look-alikes named under \`falsepositives\` first`,
      );
    return list;
  },
};

const caseForm: LintRule = {
  name: 'case-form',
  says: 'A case has a name of its own, says why it is there, and has `given` and `expect`.',
  check: (file) => {
    const { cases } = file;
    if (cases === null) return [];
    const { list, say } = findings(cases, 'case-form', 'error');
    for (const { line, message } of cases.problems) say(line, message);
    const [document, second] = cases.documents;
    if (second !== undefined) say(null, 'holds several documents: cases are one list');
    if (document === undefined) return list;
    if (!Array.isArray(document.value)) {
      say(1, 'is no list of cases');
      return list;
    }
    const names = new Set<string>();
    document.value.forEach((each: unknown, at) => {
      const line = document.lineOf([at]);
      if (mapOf(each) === undefined) {
        say(line, 'is no case');
        return;
      }
      const { name, given, expect } = casesOf(file)[at] as Case;
      if (typeof memberOf(each, 'name') !== 'string') say(line, 'has no name');
      if (names.has(name)) say(line, `a second case is called ${JSON.stringify(name)}`);
      names.add(name);
      if (typeof memberOf(each, 'why') !== 'string')
        say(line, 'does not say why it is there (`why`)');
      if (given === null) say(line, '`given` must be a list of events');
      if (expect === null) say(line, '`expect` must be a list, `[]` for silence');
    });
    return list;
  },
};

const caseEmpty: LintRule = {
  name: 'case-empty',
  says: 'A case holds events: silence about nothing proves nothing.',
  check: (file) => {
    const { cases } = file;
    if (cases === null) return [];
    const { list, say } = findings(cases, 'case-empty', 'error');
    for (const { at, name, given } of casesOf(file))
      if (given?.length === 0)
        say(
          cases.documents[0]?.lineOf([at, 'given']) ?? null,
          `${JSON.stringify(name)} has no event: give the look-alike that must stay silent`,
        );
    return list;
  },
};

const caseDetector: LintRule = {
  name: 'case-detector',
  says: 'Expectations name detectors that exist.',
  check: (file, { stems }) => {
    const { cases } = file;
    if (cases === null) return [];
    const { list, say } = findings(cases, 'case-detector', 'error');
    for (const { at, expect } of casesOf(file))
      expect?.forEach((each, index) => {
        const named = memberOf(each, 'detector');
        const line = cases.documents[0]?.lineOf([at, 'expect', index]) ?? null;
        if (typeof named !== 'string') say(line, 'expects no detector: `{ detector: STEM, … }`');
        else if (!stems.has(named) && named !== 'TODO')
          say(line, `no detector is called ${JSON.stringify(named)}`);
      });
    return list;
  },
};

/** Rules about cases. */
export const CASE_RULES: readonly LintRule[] = [casesFew, caseForm, caseEmpty, caseDetector];
