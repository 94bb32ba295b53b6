/** Random rules and events from one small alphabet, so that they meet often. */
import { compileRule } from '../../../src/detect/sigma/compile.ts';
import { readRule } from '../../../src/detect/sigma/parse.ts';
import type { SigmaRule } from '../../../src/model/sigma.ts';
import { integer, type Random } from '../../../src/simulation/random.ts';

const FIELDS = ['a', 'b', 'c.d', 'c.e', 'n', 't'];
const CHUNKS = [
  ...['', 'a', 'ab', 'abc', 'abcd', 'ABCD', 'x', 'Ä', 'ß', 'ς', 'Σ', 'İ', 'ſ', 'K', '😀', '4625'],
  ...['10', '10.0', '-enc', '/enc', '10.1.2.3', '.', '\\', ' '],
];

function pick<T>(random: Random, list: readonly T[]): T {
  return list[integer(random, 0, list.length - 1)] as T;
}

function text(random: Random, most = 3): string {
  let made = '';
  for (let n = integer(random, 0, most); n > 0; n -= 1) made += pick(random, CHUNKS);
  return made;
}

/** A text with wildcards here and there, often at both ends. */
function pattern(random: Random): string {
  const [before, between, after] = [0, 1, 2].map(() => pick(random, ['', '', '*', '?', '*?']));
  return `${before}${text(random, 2)}${between}${text(random, 2)}${after}`;
}

const SAFE = /[^A-Za-z0-9 ]/g;

function item(random: Random): readonly [key: string, value: unknown] {
  const field = pick(random, FIELDS);
  const values = () => {
    const count = integer(random, 1, 3);
    const list = Array.from({ length: count }, () => pattern(random));
    return count === 1 ? list[0] : list;
  };
  const pair = () => [pattern(random), pattern(random)];
  switch (integer(random, 0, 17)) {
    case 0:
      return [field, null];
    case 1:
      return [field, integer(random, 0, 12)];
    case 2:
      return [field, pick(random, [4625, 10, '4625', '10.0', true, ''])];
    case 3:
      return [`${field}|contains`, values()];
    case 4:
      return [`${field}|startswith`, values()];
    case 5:
      return [`${field}|endswith|cased`, values()];
    case 6:
      return [`${field}|contains|all`, pair()];
    case 7:
      return [`${field}|neq`, values()];
    case 8:
      return [`${field}|exists`, pick(random, [true, false])];
    case 9:
      return [`${field}|re`, expression(random)];
    case 10:
      return [`${field}|re|i`, expression(random)];
    case 11:
      return [`${field}|${pick(random, ['gt', 'gte', 'lt', 'lte'])}`, integer(random, 0, 20)];
    case 12:
      return [`${field}|cidr`, '10.0.0.0/8'];
    case 13:
      return [`${field}|fieldref${pick(random, ['', '|contains', '|neq'])}`, pick(random, FIELDS)];
    case 14:
      return [`${field}|windash|contains`, '-enc'];
    case 15:
      return [`${field}|base64offset|contains`, 'abcd'];
    case 16:
      return [field, Array.from({ length: 10 }, () => pattern(random))];
    default:
      return [field, values()];
  }
}

function expression(random: Random): string {
  const literal = () =>
    text(random, 2).replace(SAFE, (char) => (char < '\u0080' ? `\\${char}` : char));
  const piece = () =>
    pick(random, [
      literal(),
      `${literal()}${pick(random, ['.', '.*', 'x?', 'b*', 'c{0,2}', '[a-d]', '\\d', '\\x41', '$'])}`,
      `(${literal()}|${literal()})`,
      `(?:${literal()})?`,
      `(?i)${literal()}`,
    ]);
  return `${piece()}${piece()}${piece()}`;
}

function selection(random: Random): unknown {
  const map = () =>
    Object.fromEntries(Array.from({ length: integer(random, 1, 2) }, () => item(random)));
  const kind = integer(random, 0, 5);
  if (kind === 0) return Array.from({ length: integer(random, 1, 2) }, () => `${text(random)}a`);
  if (kind === 1) return [map(), map()];
  return map();
}

function condition(random: Random, depth: number): string {
  const name = () => pick(random, ['s1', 's2', 's3']);
  if (depth === 0) return name();
  switch (integer(random, 0, 6)) {
    case 0:
      return `${condition(random, depth - 1)} or not ${name()}`;
    case 1:
      return `not (${condition(random, depth - 1)})`;
    case 2:
      return `(${condition(random, depth - 1)}) and ${name()}`;
    case 3:
      return `${name()} or (${condition(random, depth - 1)})`;
    case 4:
      return pick(random, ['1 of s*', 'all of them', 'not 1 of s*', 'all of s*']);
    case 5:
      return `(${name()} and not ${name()}) or (${condition(random, depth - 1)})`;
    default:
      return name();
  }
}

/** A random rule; one that turns out to have a mistake is drawn again. */
export function randomRule(random: Random, at: number): SigmaRule {
  const where = { file: 'random', lineOf: () => null };
  for (;;) {
    const document = {
      title: `Rule ${at}`,
      name: `rule_${at}`,
      logsource: pick(random, [{ product: 'ai_agent' }, { service: 'gateway' }, { category: 'x' }]),
      detection: {
        s1: selection(random),
        s2: selection(random),
        s3: selection(random),
        condition: condition(random, integer(random, 0, 3)),
      },
    };
    const { rule } = readRule(document, where);
    if (rule === null) continue;
    compileRule(rule);
    return rule;
  }
}

function value(random: Random, depth: number): unknown {
  switch (integer(random, 0, depth > 0 ? 9 : 7)) {
    case 0:
      return null;
    case 1:
      return integer(random, 0, 12);
    case 2:
      return pick(random, [4625, true, false, '', 10, '10.0', '010']);
    case 3:
      return Buffer.from(`x${text(random)}abcd`).toString('base64');
    case 8:
      return Array.from({ length: integer(random, 0, 3) }, () => value(random, depth - 1));
    case 9:
      return { d: value(random, depth - 1), e: value(random, depth - 1) };
    default:
      return text(random, 4);
  }
}

/** A random record over the fields of the rules. */
export function randomRecord(random: Random): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (const field of ['a', 'b', 'c', 'c.d', 'n', 't'])
    if (integer(random, 0, 3) > 0) record[field] = value(random, 2);
  return record;
}
