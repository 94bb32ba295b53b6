/** Values of Sigma selections: one key with its modifiers and values → matches. */
import { type Clause, type Glob, type Match, RUN, type Test } from '../../model/sigma.ts';
import { compileCidr } from './cidr.ts';
import type { Say } from './condition.ts';
import { type Placeholders, placeholdersOf, variantsOf } from './encode.ts';
import { type Reading, readModifiers } from './modifiers.ts';
import { compileRegex } from './regex.ts';
import { plainOf, readGlob } from './text.ts';

/** What reading a rule may use. */
export interface RuleOptions {
  /** Values of placeholders, by name. */
  readonly placeholders: Placeholders;
  /** A placeholder without values: is the rule refused, or does it load and never match? */
  readonly unresolved: 'refuse' | 'never';
  /** Is told of each placeholder that a value names. */
  readonly used?: (placeholder: string) => void;
}

/** Says a mistake at a place below the value being read. */
export type SayAt = (at: readonly (string | number)[], message: string) => void;

type Scalar = string | number | boolean | null;

const SHOWN_MAX = 120;

/** Reads `key: value` of a selection; the key is `field`, `field|modifier…`, or `|modifier…`. */
export function readItem(
  key: string,
  value: unknown,
  options: RuleOptions,
  sayAt: SayAt,
): Clause | null {
  const [name = '', ...written] = key.split('|');
  const say: Say = (message) => sayAt([], message);
  const field = name === '' ? null : name;
  const reading = readModifiers(written, say);
  const scalars = readScalars(value, sayAt);
  if (reading === null || scalars === null) return null;
  if (reading.all && scalars.length < 2) {
    say('`all` wants two values or more; leave it out');
    return null;
  }
  if (field === null && ['exists', 'compare', 'field', 'cidr'].includes(reading.kind.type)) {
    say('this modifier needs a field before it');
    return null;
  }
  const items: Clause[] = [];
  for (const [at, scalar] of scalars.entries()) {
    const place = Array.isArray(value) ? [at] : [];
    const tests = readTests(scalar, field, reading, options, (message) => sayAt(place, message));
    if (tests === null) continue;
    const wrote = { key, value: String(scalar).slice(0, SHOWN_MAX) };
    items.push(
      oneOf(
        'or',
        tests.map((test): Match => ({ type: 'match', field, test, wrote })),
      ),
    );
  }
  if (items.length < scalars.length) return null;
  const linked = oneOf(reading.all ? 'and' : 'or', items);
  return reading.negated ? { type: 'not', item: linked } : linked;
}

function oneOf(type: 'and' | 'or', items: readonly Clause[]): Clause {
  const [only] = items;
  return items.length === 1 && only !== undefined ? only : { type, items };
}

function readScalars(value: unknown, sayAt: SayAt): readonly Scalar[] | null {
  if (!Array.isArray(value)) return isScalar(value, [], sayAt) ? [value] : null;
  if (value.length === 0) {
    sayAt([], 'an empty list matches nothing; name a value, or leave the key out');
    return null;
  }
  let sound = true;
  for (const [at, each] of value.entries()) {
    if (each === null) {
      sayAt([at], '`null` may not stand in a list; ask `field: null` in a selection of its own');
      sound = false;
    } else if (!isScalar(each, [at], sayAt)) sound = false;
  }
  return sound ? (value as readonly Scalar[]) : null;
}

function isScalar(value: unknown, at: readonly (string | number)[], sayAt: SayAt): value is Scalar {
  if (typeof value === 'number' && !Number.isSafeInteger(value) && Number.isInteger(value)) {
    sayAt(at, 'is larger than 2^53 and would be rounded; write it in quotes');
    return false;
  }
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return true;
  sayAt(at, 'must be a text, a number, true, false or null; nest with a dotted field name instead');
  return false;
}

function readTests(
  value: Scalar,
  field: string | null,
  reading: Reading,
  options: RuleOptions,
  say: Say,
): readonly Test[] | null {
  const { kind } = reading;
  const refuse = (message: string): null => {
    say(message);
    return null;
  };
  switch (kind.type) {
    case 'exists': {
      const words: Readonly<Record<string, boolean>> = {
        true: true,
        yes: true,
        false: false,
        no: false,
      };
      const word = String(value).toLowerCase();
      if (!Object.hasOwn(words, word)) return refuse('`exists` wants true or false');
      return [{ type: 'exists', present: words[word] === true }];
    }
    case 'cidr': {
      const network = String(value);
      if (compileCidr(network) === null)
        return refuse('is no network; write for example 10.0.0.0/8 or fd00::/8');
      return [{ type: 'cidr', network }];
    }
    case 'compare':
      if (typeof value !== 'number') return refuse('wants a number, without quotes');
      return [{ type: 'compare', operator: kind.operator, value, part: kind.part }];
    case 'field': {
      const other = typeof value === 'string' ? plainOf(readGlob(value)) : null;
      if (other === null || other === '') return refuse('wants the name of a field');
      return [{ type: 'field', other, placement: kind.placement, cased: reading.cased }];
    }
    case 'regex':
      return value === null
        ? refuse('wants an expression, not null')
        : regexTests(String(value), kind.flags, kind.expand, options, say);
    case 'text':
      return textTests(value, field, kind.transforms, reading.cased, options, say);
  }
}

function textTests(
  value: Scalar,
  field: string | null,
  transforms: Extract<Reading['kind'], { type: 'text' }>['transforms'],
  cased: boolean,
  options: RuleOptions,
  say: Say,
): readonly Test[] | null {
  if (value === null) {
    if (field !== null && transforms.length === 0 && !cased) return [{ type: 'null' }];
    say('`null` takes no modifier and needs a field');
    return null;
  }
  if (typeof value === 'number' && field !== null && transforms.length === 0)
    return [{ type: 'number', value }];
  const isExpanded = transforms.includes('expand');
  const glob = readGlob(String(value), isExpanded);
  if (isExpanded) {
    const missing = missingOf(placeholdersOf(glob), options, say);
    if (missing !== undefined) return missing;
  }
  const variants = variantsOf(glob, transforms, options.placeholders, say);
  if (variants === null) return null;
  // A keyword is looked for within every text of the event.
  const isPlaced = transforms.includes('startswith') || transforms.includes('endswith');
  const placed = field !== null || isPlaced ? variants : variants.map(anywhere);
  return placed.map((each) => ({ type: 'text', glob: each, cased }));
}

function anywhere(glob: Glob): Glob {
  return [
    ...(glob[0] === RUN ? [] : [RUN as typeof RUN]),
    ...glob,
    ...(glob.at(-1) === RUN ? [] : [RUN as typeof RUN]),
  ];
}

/** `undefined` where every placeholder has values. */
function missingOf(
  names: readonly string[],
  { placeholders, unresolved, used }: RuleOptions,
  say: Say,
): readonly Test[] | null | undefined {
  for (const name of names) used?.(name);
  const missing = names.find((name) => !placeholders.has(name));
  if (missing === undefined) return undefined;
  if (unresolved === 'never') return [{ type: 'unresolved', placeholder: missing }];
  const known = [...placeholders.keys()].join(', ');
  say(
    `no values are declared for %${missing}%; declare them under \`detectors.placeholders\` of the configuration` +
      ` (declared: ${known === '' ? 'none' : known})`,
  );
  return null;
}

/** Behind an odd number of backslashes `%` is only that; to RE2 `\%` is the same. */
const PLACEHOLDER = /(?<=(?:^|[^\\])(?:\\\\)*)%([A-Za-z0-9_.-]+)%/g;

function regexTests(
  written: string,
  flags: string,
  expand: boolean,
  options: RuleOptions,
  say: Say,
): readonly Test[] | null {
  let pattern = written;
  if (expand) {
    const names = [...written.matchAll(PLACEHOLDER)].map((match) => match[1] ?? '');
    const missing = missingOf(names, options, say);
    if (missing !== undefined) return missing;
    pattern = written.replace(PLACEHOLDER, (_whole, name: string) => {
      const values = options.placeholders.get(name) ?? [];
      return `(?:${values.map((each) => each.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`;
    });
  }
  const compiled = compileRegex(pattern, flags);
  if ('problem' in compiled) {
    say(compiled.problem);
    return null;
  }
  return [{ type: 'regex', pattern, flags }];
}
