/** Rules from short YAML, for tests of the Sigma engine. */
import assert from 'node:assert/strict';
import { parseYaml } from '../../../src/adapters/files.ts';
import { compileRule } from '../../../src/detect/sigma/compile.ts';
import { readRule } from '../../../src/detect/sigma/parse.ts';
import type { RuleOptions } from '../../../src/detect/sigma/values.ts';
import { recordView } from '../../../src/detect/sigma/view.ts';
import type { SigmaRule } from '../../../src/model/sigma.ts';

/** Rule options with values for placeholders. */
export function placeholders(values: Readonly<Record<string, readonly string[]>>): RuleOptions {
  return { placeholders: new Map(Object.entries(values)), unresolved: 'refuse' };
}

/** Reads the `detection:` map of a rule, or a whole rule where the text has a title. */
export function read(text: string, options?: RuleOptions) {
  const whole = text.includes('title:')
    ? text
    : `title: A rule\nlogsource: { product: ai_agent }\ndetection:\n${text.replace(/^/gm, '  ')}`;
  const parsed = parseYaml('rule.yaml', whole);
  assert.deepEqual(parsed.problems, []);
  const [document] = parsed.file.documents;
  assert.ok(document !== undefined);
  const where = { file: 'rule.yaml', lineOf: document.lineOf };
  return readRule(document.value, where, options);
}

/** The rule, which must be free of mistakes. */
export function ruleOf(text: string, options?: RuleOptions): SigmaRule {
  const { rule, problems } = read(text, options);
  assert.deepEqual(problems, []);
  assert.ok(rule !== null);
  return rule;
}

/** Does a selection (YAML flow or block text) match a record? */
export function matches(selection: string, record: object, options?: RuleOptions): boolean {
  const rule = ruleOf(`sel: ${selection}\ncondition: sel`, options);
  return compileRule(rule)(recordView(record));
}

/** Mistakes of a rule, `key: message`. */
export function mistakes(text: string, options?: RuleOptions): string[] {
  return read(text, options).problems.map(({ key, message }) => `${key}: ${message}`);
}
