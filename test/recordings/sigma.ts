/** Sigma conformance: every rule of SigmaHQ, every regression record, and the official schemas. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { Compile } from 'typebox/compile';
import { listFolder, parseYaml } from '../../src/adapters/files.ts';
import { compileRule } from '../../src/detect/sigma/compile.ts';
import { explainRule } from '../../src/detect/sigma/explain.ts';
import { conflicts, createMatcher } from '../../src/detect/sigma/matcher.ts';
import { recordView } from '../../src/detect/sigma/view.ts';
import { witnessesOf } from '../../src/detect/sigma/witness.ts';
import { FAMILIES } from '../../src/model/detection.ts';
import type { SigmaRule } from '../../src/model/sigma.ts';
import {
  type CorpusRecord,
  type CorpusRule,
  MATERIAL,
  readCorpus,
  readIndex,
  readRecords,
} from './sigma-corpus.ts';

const ROOT = join(import.meta.dirname, '../..');
const NOWHERE = { product: null, service: null, category: null };

const corpus = readCorpus();
const read = corpus.filter((one): one is CorpusRule & { rule: SigmaRule } => one.rule !== null);
const rules = read.map(({ rule }) => rule);
const records = readRecords();
const all = [...records.values()].flat();
const index = readIndex();
// What is counted is said, not demanded: the material may grow.
const [RULES, REGRESSIONS, RECORDS] = [corpus.length, index.length, all.length];
const notes: string[] = [];

const said = ({ path, problems }: CorpusRule) =>
  problems.map(({ line, key, message }) => `${path}:${line} ${key}: ${message}`);
const routed = (rule: SigmaRule, record: CorpusRecord) =>
  record.sources.some((source) => !conflicts(rule.source, source));

describe('rules of SigmaHQ', () => {
  it('all load', () => {
    assert.deepEqual(corpus.flatMap(said), []);
    assert.ok(RULES > 0, 'no rule was found');
  });

  it('all compile; those that cannot be evaluated are known', () => {
    for (const rule of rules) compileRule(rule);
    const open = read.filter(({ rule }) => rule.unresolved.length > 0);
    const others = open.filter(({ document }) => !JSON.stringify(document).includes('|expand'));
    assert.deepEqual(
      others.map(({ path }) => path),
      [],
    );
    notes.push(
      '## Rules that load and cannot match',
      '',
      `${open.length} rules ask for values that only the place they run in can declare (\`expand\`). They match`,
      'once `detectors.placeholders` has values for the names on the right; until then a detector of ours',
      'with such a value is refused, and a rule of this corpus is loaded and never matches.',
      '',
      ...open.map(({ path, rule }) => `- \`${path}\`: ${rule.unresolved.join(', ')}`),
      '',
    );
  });

  it('validate against the official schema, as they are and as ours', () => {
    const check = schemaOf('sigma-detection-rule-schema.json');
    const invalid = corpus.filter(({ document }) => !check.Check(document));
    assert.deepEqual(
      invalid.map(({ path }) => path),
      [],
    );
    assert.equal(check.Check({ title: 'x', logsource: {}, detection: {} }), false);
  });

  it('nearly all have a witness, so that the index can spare them', () => {
    const always = rules.filter((rule) => witnessesOf(rule) === null);
    notes.push(`Rules that the index evaluates on every event: ${always.length} of ${RULES}.`, '');
    assert.ok(always.length <= RULES / 100, `${always.length} are always evaluated`);
  });
});

describe('regression records', () => {
  it('are all here', () => {
    assert.ok(REGRESSIONS > 0, 'the index is empty');
    const events = index.reduce((sum, line) => sum + line.events, 0);
    assert.equal(RECORDS, events);
    const missing = index.filter(({ rule }) => !read.some(({ path }) => path === rule));
    assert.deepEqual(missing, []);
  });

  for (const { rule: path, event_file: file, events, expected_match_count: count } of index)
    it(path, () => {
      const one = read.find((each) => each.path === path)?.rule;
      const own = records.get(file);
      assert.ok(one !== undefined && own !== undefined, file);
      assert.equal(own.length, events);
      const holds = compileRule(one);
      const found = own.filter((record) => routed(one, record) && holds(recordView(record.fields)));
      assert.ok(found.length >= (count ?? 1), `${found.length} of ${own.length} match`);
      for (const { fields } of own) {
        const view = recordView(fields);
        assert.equal(explainRule(one, view).pass, holds(view));
      }
    });

  it('match by index what they match by full scan, with log sources and without', () => {
    const open = createMatcher(rules.map((rule) => ({ ...rule, source: NOWHERE })));
    const matcher = createMatcher(rules);
    for (const { fields, sources } of all) {
      assert.deepEqual(open.check(recordView(fields), NOWHERE).missed, []);
      for (const source of sources)
        assert.deepEqual(matcher.check(recordView(fields), source).missed, []);
    }
  });

  it('are matched by no rule of another log source', () => {
    const matcher = createMatcher(rules);
    const astray = all.flatMap(({ fields, sources }) =>
      sources.flatMap((source) =>
        matcher
          .match(recordView(fields), source)
          .filter((at) => conflicts((rules[at] as SigmaRule).source, source))
          .map((at) => (rules[at] as SigmaRule).title),
      ),
    );
    assert.deepEqual(astray, []);
    tellAccidents();
  });

  it('match no more when what their rules look for is taken away', () => {
    let taken = 0;
    for (const { rule: path, event_file: file } of index) {
      const one = read.find((each) => each.path === path)?.rule;
      const witnesses = one === undefined ? null : witnessesOf(one);
      if (one === undefined || witnesses === null) continue;
      const fields = new Set(witnesses.map((each) => ('field' in each ? each.field : '')));
      const holds = compileRule(one);
      for (const record of records.get(file) ?? []) {
        if (!holds(recordView(record.fields))) continue;
        const rest = Object.entries(record.fields).filter(([name]) => !fields.has(name));
        assert.equal(holds(recordView(Object.fromEntries(rest))), false, path);
        taken += 1;
      }
    }
    assert.ok(taken > REGRESSIONS / 2, `${taken} records were tried`);
  });

  it('without their cause match no more: an empty record matches only rules that ask for absence', () => {
    const matcher = createMatcher(rules.map((rule) => ({ ...rule, source: NOWHERE })));
    for (const at of matcher.match(recordView({}), NOWHERE))
      assert.equal(witnessesOf(rules[at] as SigmaRule), null, (rules[at] as SigmaRule).title);
  });
});

/** What the log sources are worth: matches that are there when they are not asked. */
function tellAccidents(): void {
  const open = createMatcher(rules.map((rule) => ({ ...rule, source: NOWHERE })));
  const counts = new Map<string, number>();
  let right = 0;
  for (const record of all)
    for (const at of open.match(recordView(record.fields), NOWHERE)) {
      const { path, rule } = read[at] as CorpusRule & { rule: SigmaRule };
      if (routed(rule, record)) right += 1;
      else counts.set(path, (counts.get(path) ?? 0) + 1);
    }
  const rows = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const total = rows.reduce((sum, [, count]) => sum + count, 0);
  notes.push(
    '## Log sources',
    '',
    `All ${RULES} rules on all ${RECORDS} records: ${right} matches by rules of the record's log source, and none by`,
    `others. Were log sources not asked, there would be ${total} more, by ${rows.length} rules:`,
    '',
    '| matches | rule |',
    '|---|---|',
    ...rows.map(([path, count]) => `| ${count} | \`${path}\` |`),
    '',
  );
}

function schemaOf(name: string) {
  const text = readFileSync(join(MATERIAL, 'spec/schemas', name), 'utf8');
  return Compile(JSON.parse(text) as object);
}

/** A condition over rule names is not in the schema of 2.1: the rest of such a document is judged. */
function withoutProposal(document: Record<string, unknown>): Record<string, unknown> {
  const correlation = document['correlation'] as Record<string, unknown> | undefined;
  if (typeof correlation?.['condition'] !== 'string') return document;
  const { condition: _proposed, ...rest } = correlation;
  return { ...document, correlation: rest };
}

describe('detectors of ours', () => {
  it('written in Sigma are valid Sigma when `plumbline:` is taken away', async () => {
    const rule = schemaOf('sigma-detection-rule-schema.json');
    const correlation = schemaOf('sigma-correlation-rules-schema.json');
    const filter = schemaOf('sigma-filters-schema.json');
    let checked = 0;
    const proposed: string[] = [];
    for (const family of [...FAMILIES, 'filters'])
      for (const name of await listFolder(join(ROOT, 'detectors', family))) {
        if (!/(?<!\.test)\.ya?ml$/.test(name)) continue;
        const file = join(ROOT, 'detectors', family, name);
        for (const { value } of parseYaml(file, readFileSync(file, 'utf8')).file.documents) {
          const { plumbline: _ours, ...document } = value as Record<string, unknown>;
          const schema =
            'detection' in document ? rule : 'correlation' in document ? correlation : filter;
          if (schema === filter && !('filter' in document)) continue;
          const plain = withoutProposal(document);
          if (plain !== document) proposed.push(`${family}/${name}`);
          assert.deepEqual([...schema.Errors(plain)], [], `${family}/${name}`);
          checked += 1;
        }
      }
    assert.ok(checked > 0, 'no detector is written in Sigma');
    notes.push(
      '## Detectors of ours',
      '',
      `${checked} documents validate against the official schemas without \`plumbline:\`. Of these ${proposed.length} use a condition over rule`,
      'names, which is proposed for Sigma 2.2 and which the schema of 2.1 does not know; all else in them validates:',
      `${proposed.join(', ') || 'none'}.`,
      '',
    );
  });
});

after(async () => {
  // biome-ignore lint/style/noProcessEnv: whether the page is written is chosen by the environment
  if (process.env['UPDATE'] !== '1') return;
  const head = [
    '# Sigma conformance',
    '',
    '<!-- Written by `UPDATE=1 npm run test:sigma`. -->',
    '',
    `${rules.length} of ${RULES} rules of SigmaHQ load and compile; all ${REGRESSIONS} regression rules match their records (${RECORDS}).`,
    'The index finds what a full scan finds, with log sources and without. Material and licence:',
    'SigmaHQ/sigma at 8eaafff1 (2026-08-05), Detection Rule License 1.1; it is not part of this repository.',
    '',
  ];
  await writeFile(
    join(ROOT, 'docs/sigma-conformance.md'),
    `${[...head, ...notes].join('\n').trimEnd()}\n`,
  );
});
