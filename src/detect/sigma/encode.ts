/** Transforming modifiers: the texts that one written value stands for. */
import { type Glob, type ONE, RUN } from '../../model/sigma.ts';
import type { Say } from './condition.ts';
import type { Transform } from './modifiers.ts';
import { PERCENT, plainOf } from './text.ts';

/** What a placeholder may stand for: name → values, taken literally. */
export type Placeholders = ReadonlyMap<string, readonly string[]>;

/** A text on its way through the modifiers; `bytes` where it was encoded and is not text yet. */
interface Draft {
  readonly glob: Glob;
  readonly bytes: Buffer | null;
}

const VARIANTS_MAX = 10_000;
const DASHES = ['-', '/', '–', '—', '―'];
/** A dash that begins a word: nothing of a word before it, and a word behind it. */
const DASH = /(?<![\p{L}\p{N}_])[-/–—―](?=[\p{L}\p{N}_])/gu;
const PLACEHOLDER = /%([A-Za-z0-9_.-]+)%/g;

/** Every text a value stands for; null where a modifier cannot be applied, which was said. */
export function variantsOf(
  glob: Glob,
  transforms: readonly Transform[],
  placeholders: Placeholders,
  say: Say,
): readonly Glob[] | null {
  let drafts: readonly Draft[] = [{ glob, bytes: null }];
  for (const transform of transforms) {
    const next: Draft[] = [];
    for (const draft of drafts) {
      const made = apply(transform, draft, placeholders, say);
      if (made === null) return null;
      next.push(...made);
      if (next.length > VARIANTS_MAX) {
        say(`stands for more than ${VARIANTS_MAX} texts; split it`);
        return null;
      }
    }
    drafts = next;
  }
  if (drafts.some(({ bytes }) => bytes?.some((byte) => byte > 0x7f) === true)) {
    say('is no text in that encoding; follow it with `base64` or `base64offset`');
    return null;
  }
  return drafts.map((draft) => draft.glob);
}

function apply(
  transform: Transform,
  draft: Draft,
  placeholders: Placeholders,
  say: Say,
): readonly Draft[] | null {
  const { glob } = draft;
  const texts = (globs: readonly Glob[]) => globs.map((each) => ({ glob: each, bytes: null }));
  switch (transform) {
    case 'contains':
      return [{ ...draft, glob: joined([RUN, ...glob, RUN]) }];
    case 'startswith':
      return [{ ...draft, glob: joined([...glob, RUN]) }];
    case 'endswith':
      return [{ ...draft, glob: joined([RUN, ...glob]) }];
    case 'windash':
      return texts(product(glob, DASH, () => DASHES));
    case 'expand': {
      const valuesOf = (found: string) => placeholders.get(found.slice(1, -1)) ?? [];
      return texts(product(glob, PLACEHOLDER, valuesOf, (text) => text.replaceAll(PERCENT, '%')));
    }
    case 'base64':
    case 'base64offset':
      return base64(transform, draft, say);
    default:
      return utf16(transform, draft, say);
  }
}

/** Placeholders of a value, in order. */
export function placeholdersOf(glob: Glob): readonly string[] {
  return glob.flatMap((part) =>
    typeof part === 'string' ? [...part.matchAll(PLACEHOLDER)].map((match) => match[1] ?? '') : [],
  );
}

/**
 * The pattern with each place of `pattern` replaced by each of its choices; just too many of them.
 * `between`: what becomes of the text around them.
 */
function product(
  glob: Glob,
  pattern: RegExp,
  choices: (found: string) => readonly string[],
  between: (text: string) => string = (text) => text,
): Glob[] {
  let made: (string | typeof ONE | typeof RUN)[][] = [[]];
  const extend = (options: readonly (string | typeof ONE | typeof RUN)[]) => {
    if (made.length > VARIANTS_MAX) return;
    made = options.flatMap((option) => made.map((before) => [...before, option]));
  };
  for (const part of glob) {
    if (typeof part !== 'string') {
      extend([part]);
      continue;
    }
    let from = 0;
    for (const match of part.matchAll(pattern)) {
      if (match.index > from) extend([between(part.slice(from, match.index))]);
      extend(choices(match[0]));
      from = match.index + match[0].length;
    }
    if (from < part.length) extend([between(part.slice(from))]);
  }
  return made.map(joined);
}

/** Neighbouring texts become one, and neighbouring runs too. */
function joined(glob: Glob): Glob {
  const parts: (string | typeof ONE | typeof RUN)[] = [];
  for (const part of glob) {
    const last = parts.at(-1);
    if (typeof part === 'string' && typeof last === 'string') parts[parts.length - 1] = last + part;
    else if (part !== '' && !(part === RUN && last === RUN)) parts.push(part);
  }
  return parts;
}

function bytesOf({ glob, bytes }: Draft): Buffer | null {
  const plain = plainOf(glob);
  return plain === null ? null : (bytes ?? Buffer.from(plain, 'utf8'));
}

/**
 * `base64offset`: what is seen of the text at each of the three places it may have in the encoded
 * whole, without the characters that its neighbours share.
 */
function base64(
  transform: 'base64' | 'base64offset',
  draft: Draft,
  say: Say,
): readonly Draft[] | null {
  const bytes = bytesOf(draft);
  if (bytes === null) {
    say(`\`${transform}\` cannot encode wildcards; put \`contains\` behind it`);
    return null;
  }
  if (transform === 'base64') return [{ glob: [bytes.toString('base64')], bytes: null }];
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    const from = [0, 2, 3][shift] as number;
    const left = [0, 3, 2][(bytes.length + shift) % 3] as number;
    return { glob: [encoded.slice(from, encoded.length - left)], bytes: null };
  });
}

function utf16(
  transform: 'utf16le' | 'utf16be' | 'utf16',
  draft: Draft,
  say: Say,
): readonly Draft[] | null {
  if (draft.bytes !== null) {
    say(`\`${transform}\` cannot follow another encoding`);
    return null;
  }
  const glob = draft.glob.map((part) =>
    typeof part === 'string' ? encoded(transform, part).toString('latin1') : part,
  );
  // Kept as bytes where it can still be encoded further, and to see whether it is text at all.
  const bytes = Buffer.concat(
    draft.glob.map((part) =>
      typeof part === 'string' ? encoded(transform, part) : Buffer.alloc(0),
    ),
  );
  return [{ glob, bytes }];
}

function encoded(transform: 'utf16le' | 'utf16be' | 'utf16', text: string): Buffer {
  const little = Buffer.from(text, 'utf16le');
  if (transform === 'utf16be') return little.swap16();
  return transform === 'utf16' ? Buffer.concat([Buffer.from([0xff, 0xfe]), little]) : little;
}
