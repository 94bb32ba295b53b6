/** Modifiers of Sigma 2.1: their names, aliases, and which may stand together. */
import type { Comparison, Placement, TimePart } from '../../model/sigma.ts';
import type { Say } from './condition.ts';
import { nearest } from './text.ts';

const ALIASES: Readonly<Record<string, string>> = {
  wide: 'utf16le',
  ignorecase: 'i',
  multiline: 'm',
  dotall: 's',
};
const TRANSFORMS = [
  ...['windash', 'base64', 'base64offset', 'utf16le', 'utf16be', 'utf16', 'expand'],
  ...['contains', 'startswith', 'endswith'],
] as const;
/** A modifier that changes the text looked for; applied from left to right. */
export type Transform = (typeof TRANSFORMS)[number];
const PLACEMENTS = ['contains', 'startswith', 'endswith'] as const;
const COMPARISONS = ['lt', 'lte', 'gt', 'gte'] as const;
const TIME_PARTS = ['minute', 'hour', 'day', 'week', 'month', 'year'] as const;
const FLAGS = ['i', 'm', 's'] as const;

/** Every name a modifier may bear. */
export const MODIFIERS: readonly string[] = [
  ...['all', 'cased', 'neq', 'exists', 're', 'cidr', 'fieldref'],
  ...[...TRANSFORMS, ...COMPARISONS, ...TIME_PARTS, ...FLAGS, ...Object.keys(ALIASES)],
];

/** How the values of one key are read: what they are, and what is common to all of them. */
export interface Reading {
  readonly kind:
    | { readonly type: 'text'; readonly transforms: readonly Transform[] }
    | { readonly type: 'exists' }
    | { readonly type: 'regex'; readonly flags: string; readonly expand: boolean }
    | { readonly type: 'cidr' }
    | { readonly type: 'compare'; readonly operator: Comparison; readonly part: TimePart | null }
    | { readonly type: 'field'; readonly placement: Placement };
  /** All values must hold, not one of them. */
  readonly all: boolean;
  /** The field must not match. */
  readonly negated: boolean;
  readonly cased: boolean;
}

const is = <T extends string>(list: readonly T[], word: string): word is T =>
  (list as readonly string[]).includes(word);

/** Reads the modifiers behind a field; null where one is unknown or two do not go together. */
export function readModifiers(written: readonly string[], say: Say): Reading | null {
  let sound = true;
  for (const name of written) {
    if (MODIFIERS.includes(name)) continue;
    const near = nearest(name, MODIFIERS);
    const meant = near === null ? '' : `; did you mean \`${near}\`?`;
    say(`unknown modifier \`${name}\`${meant} There are: ${MODIFIERS.join(', ')}`);
    sound = false;
  }
  if (!sound) return null;
  const names = written.map(
    (name) => (Object.hasOwn(ALIASES, name) ? ALIASES[name] : name) ?? name,
  );
  const common = {
    all: names.includes('all'),
    negated: names.includes('neq'),
    cased: names.includes('cased'),
  };
  const own = names.filter((name) => !['all', 'neq', 'cased'].includes(name));
  const kind = kindOf(own, common.cased, say);
  if (kind === null) return null;
  if (kind.type === 'exists' && names.length > 1) {
    say('`exists` stands alone; to ask for absence write `exists: false`');
    return null;
  }
  return { kind, ...common };
}

function kindOf(own: readonly string[], cased: boolean, say: Say): Reading['kind'] | null {
  const [first] = own;
  const refuse = (message: string): null => {
    say(message);
    return null;
  };
  const needsText = (name: string) =>
    refuse(`\`cased\` is for text; it does not go with \`${name}\``);
  if (own.includes('re')) return cased ? refuse(CASED_RE) : regexKind(own, refuse);
  const flag = own.find((name) => is(FLAGS, name));
  if (flag !== undefined) return refuse(`\`${flag}\` must follow \`re\``);
  if (own.includes('fieldref')) return fieldKind(own, refuse);
  for (const alone of ['exists', 'cidr'] as const) {
    if (!own.includes(alone)) continue;
    if (cased) return needsText(alone);
    return own.length === 1 ? { type: alone } : refuse(`\`${alone}\` goes with no other modifier`);
  }
  if (own.some((name) => is(COMPARISONS, name) || is(TIME_PARTS, name))) {
    if (cased) return needsText(first ?? '');
    return compareKind(own, refuse);
  }
  return { type: 'text', transforms: own.filter((name) => is(TRANSFORMS, name)) };
}

const CASED_RE = 'a regular expression minds case unless it says `re|i`; leave out `cased`';

function regexKind(
  own: readonly string[],
  refuse: (message: string) => null,
): Reading['kind'] | null {
  const rest = own.filter((name) => name !== 're' && name !== 'expand');
  const other = rest.find((name) => !is(FLAGS, name));
  if (other !== undefined)
    return refuse(`\`${other}\` does not go with \`re\`, which searches anywhere; use ^ and $`);
  if (rest.length > 0 && own.indexOf(rest[0] as string) < own.indexOf('re'))
    return refuse(`\`${rest[0]}\` must follow \`re\``);
  return { type: 'regex', flags: [...new Set(rest)].join(''), expand: own.includes('expand') };
}

function fieldKind(
  own: readonly string[],
  refuse: (message: string) => null,
): Reading['kind'] | null {
  const rest = own.filter((name) => name !== 'fieldref');
  const [placement] = rest;
  if (placement === undefined) return { type: 'field', placement: 'equals' };
  if (rest.length === 1 && is(PLACEMENTS, placement)) return { type: 'field', placement };
  return refuse(`\`fieldref\` goes with one of ${PLACEMENTS.join(', ')}, and neq, cased, all`);
}

function compareKind(
  own: readonly string[],
  refuse: (message: string) => null,
): Reading['kind'] | null {
  const parts = own.filter((name) => is(TIME_PARTS, name));
  const operators = own.filter((name) => is(COMPARISONS, name));
  if (parts.length + operators.length < own.length || parts.length > 1 || operators.length > 1)
    return refuse(
      `a comparison is one of ${COMPARISONS.join(', ')}, after at most one of ${TIME_PARTS.join(', ')}`,
    );
  const [part] = parts;
  return { type: 'compare', operator: operators[0] ?? 'eq', part: part ?? null };
}
