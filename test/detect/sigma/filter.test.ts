/** Filters: who answers for them, until when, which rules they reach, and what they change. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseYaml } from '../../../src/adapters/files.ts';
import { compileRule } from '../../../src/detect/sigma/compile.ts';
import { applyFilters, readFilter } from '../../../src/detect/sigma/filter.ts';
import { recordView } from '../../../src/detect/sigma/view.ts';
import type { Detector } from '../../../src/model/detector.ts';
import { ruleOf } from './rules.ts';

const TEXT = `title: No load tests
logsource: { product: ai_agent, service: gateway }
filter:
  rules: [denied]
  tests: { principal.sub: loadtest }
  condition: not tests
plumbline:
  expires: 2027-01-31
  owner: platform team
  reason: The load test is refused on purpose, every night.
`;
const BEFORE = Date.UTC(2027, 0, 31, 23);
const AFTER = Date.UTC(2027, 1, 1);

function read(replace: readonly (readonly [string, string])[] = [], nowMs = BEFORE) {
  let text = TEXT;
  for (const [from, to] of replace) {
    assert.ok(text.includes(from), from);
    text = text.replace(from, to);
  }
  const parsed = parseYaml('filters/f.yaml', text);
  const [document] = parsed.file.documents;
  assert.ok(document !== undefined);
  return readFilter(
    { file: 'filters/f.yaml', document: document.value, lineOf: document.lineOf },
    nowMs,
  );
}

const said = (...replace: (readonly [string, string])[]) =>
  read(replace)
    .problems.map(({ line, key, message }) => `${line} ${key}: ${message}`)
    .join('\n');

const rule = (name: string, service = 'gateway') =>
  ruleOf(
    `title: A rule\nname: ${name}\nlogsource: { product: ai_agent, service: ${service} }\ndetection: { sel: { f: x }, condition: sel }`,
  );
const detector = (name: string, service?: string): Detector =>
  ({
    uuid: `uuid-${name}`,
    version: 'v1',
    sigma: { rules: [rule(name, service)], correlations: [] },
  }) as unknown as Detector;

describe('filter', () => {
  it('is added to the rules it names, which have another version then', () => {
    const one = read().value;
    assert.ok(one !== null);
    const both = [detector('denied'), detector('other')];
    const { detectors, problems } = applyFilters(both, [one]);
    assert.deepEqual(problems, []);
    const [filtered, untouched] = detectors;
    assert.equal(untouched, both[1]);
    assert.notEqual(filtered?.version, 'v1');
    const [changed] = filtered?.sigma?.rules ?? [];
    assert.ok(changed !== undefined);
    const holds = compileRule(changed);
    assert.equal(holds(recordView({ f: 'x' })), true);
    assert.equal(holds(recordView({ f: 'x', principal: { sub: 'loadtest' } })), false);
    assert.deepEqual(applyFilters(both, [one]).detectors, detectors);
  });

  it('makes another version where it is put on another rule of the same detector', () => {
    const two = detector('denied');
    const both = { ...two, sigma: { rules: [rule('denied'), rule('asked')], correlations: [{}] } };
    const versions = ['[denied]', '[asked]', '[denied, asked]'].map((rules) => {
      const one = read([['[denied]', rules]]).value;
      assert.ok(one !== null);
      return applyFilters([both as unknown as Detector], [one]).detectors[0]?.version;
    });
    assert.equal(new Set(versions).size, 3);
  });

  it('ends with its last day, and says so', () => {
    assert.deepEqual(read().warnings, []);
    assert.equal(read().value?.filter.expiresMs, AFTER);
    const [warning] = read([], AFTER).warnings;
    assert.match(warning?.message ?? '', /expired on 2027-01-31 and is not applied; platform team/);
    assert.equal(warning?.line, 8);
  });

  it('without a `not` is suspicious', () => {
    const { value, warnings } = read([['condition: not tests', 'condition: tests']]);
    assert.ok(value !== null);
    assert.match(
      warnings[0]?.message ?? '',
      /^filter-without-not: .* only where `tests` holds.*`not \(tests\)`/,
    );
  });

  it('needs owner, reason, expiry and rules', () => {
    assert.match(said(['  owner: platform team\n', '']), /missing key `owner`/);
    assert.match(said(['2027-01-31', '2027-02-30']), /8 plumbline\.expires: is no day/);
    assert.match(said(['2027-01-31', 'never']), /plumbline\.expires: must match/);
    assert.match(
      said(['  reason: The load test is refused on purpose, every night.\n', '']),
      /`reason`/,
    );
    assert.match(
      said(['[denied]', 'any']),
      /filter\.rules: `any` would reach rules not yet written/,
    );
    assert.match(said(['[denied]', '[]']), /filter\.rules: must list rules/);
    assert.match(said(['not tests', 'not test']), /6 filter\.condition: .*did you mean `tests`/);
    assert.match(said(['principal.sub: ', 'principal.sub|contain: ']), /unknown modifier/);
    const several = said(
      ['2027-01-31', '2027-02-30'],
      ['[denied]', 'any'],
      ['not tests', 'not test'],
    );
    assert.equal(several.split('\n').length, 3, several);
  });

  it('reaches the rule of one detector, and says where a name is that of several', () => {
    const of = (stem: string) => {
      const { sigma } = detector('denied');
      const version = `${stem}-v1`;
      return { stem, file: `scope/${stem}.yaml`, uuid: stem, version, sigma } as Detector;
    };
    const both = [of('one'), of('two')];
    const named = (rules: string) => {
      const { value } = read([['[denied]', rules]]);
      assert.ok(value !== null);
      return applyFilters(both, [value]);
    };
    const { detectors, problems } = named('[denied]');
    assert.deepEqual(detectors, both);
    assert.deepEqual(
      problems.map(({ key, message }) => `${key}: ${message}`),
      [
        'filter.rules.0: `denied` is a rule of scope/one.yaml and scope/two.yaml;' +
          ' write `one/denied` or `two/denied`',
      ],
    );
    const one = named('[two/denied]');
    assert.deepEqual(one.problems, []);
    assert.equal(one.detectors[0], both[0]);
    assert.equal(one.detectors[1]?.sigma?.rules[0]?.filters.length, 1);
  });

  it('must name rules that are there and of its log source', () => {
    const one = read([['[denied]', '[denyed, denied]']]).value;
    assert.ok(one !== null);
    const { problems } = applyFilters([detector('denied', 'metrics')], [one]);
    assert.deepEqual(
      problems.map(({ key }) => key),
      ['filter.rules.0', 'logsource'],
    );
    assert.match(problems[0]?.message ?? '', /`denyed`; did you mean `denied`/);
    const byId = read([['[denied]', '[uuid-denied]']]).value;
    assert.ok(byId !== null);
    assert.deepEqual(applyFilters([detector('denied')], [byId]).problems, []);
  });
});
