/** Secrets in text, by the published rules of secretlint: the only file that knows them. */
import { rules } from '@secretlint/secretlint-rule-preset-recommend';
import { type Automaton, createAutomaton } from '../sigma/automaton.ts';
import { mandatoryLiterals } from '../sigma/literals.ts';
import { fold } from '../sigma/text.ts';
import type { Sighting } from './sighting.ts';

/** What a rule of secretlint says when it found something; `range` is half open. */
interface Report {
  readonly message?: { readonly messageId?: string };
  readonly range?: readonly [from: number, to: number];
}

/** As much of secretlint's contract as is used here; its own types are a package that is not needed. */
interface Rule {
  readonly meta: { readonly id: string };
  create(
    context: {
      createTranslator(messages: unknown): (id: string) => { messageId: string };
      report(found: Report): void;
      ignore(what: unknown): void;
      sharedOptions: object;
    },
    options: object,
  ): Scanner;
}

interface Scanner {
  file?(source: object): unknown;
}

/** Comments in a text can switch rules off; an agent writes the text, so they must not. */
const COMMENTS = /filter-comments$/;
const PREFIX = /^@secretlint\/secretlint-rule-/;

/**
 * Makes a finder. It answers with what kind of secret stands where, never with the secret. A rule is put
 * to a text only where a literal lies in it that all of its expressions need. Cost: some 2 µs for each
 * 1,000 characters without anything suspicious, linear in the text. `isSieved` false: every rule is put
 * to every text, the oracle.
 */
export function createSecretFinder(isSieved = true): (text: string) => readonly Sighting[] {
  let found: Sighting[] = [];
  const scanners = (rules as unknown as readonly Rule[])
    .filter(({ meta }) => !COMMENTS.test(meta.id))
    .map((rule) => {
      const name = rule.meta.id.replace(PREFIX, '');
      return rule.create(
        {
          createTranslator: () => (messageId) => ({ messageId }),
          report: ({ message, range }) => {
            const [from, to] = range ?? [0, 0];
            const type = (message?.messageId ?? name).toLowerCase().replaceAll('_', '-');
            found.push({ type, length: to - from });
          },
          ignore: () => undefined,
          sharedOptions: {},
        },
        {},
      );
    });
  const { automaton, always } = sieveOf(scanners, isSieved);
  const isWanted = new Uint8Array(scanners.length);
  const want = (owners: readonly number[]) => {
    for (const owner of owners) isWanted[owner] = 1;
  };
  return (text) => {
    found = [];
    isWanted.fill(0);
    want(always);
    automaton.scan(fold(text), want);
    const source = sourceOf(text);
    for (let at = 0; at < scanners.length; at += 1)
      if (isWanted[at] === 1) scanners[at]?.file?.(source);
    return found;
  };
}

function sourceOf(content: unknown): object {
  return { content, filePath: 'text', ext: '', contentType: 'text', hasBOM: false };
}

/** Which scanners a text is to be put to: by literals that lie in it, and those that take any text. */
function sieveOf(
  scanners: readonly Scanner[],
  isSieved: boolean,
): {
  readonly automaton: Automaton;
  readonly always: readonly number[];
} {
  const owners = new Map<string, Set<number>>();
  const always: number[] = [];
  scanners.forEach((scanner, at) => {
    const literals = isSieved ? literalsOf(scanner) : null;
    if (literals === null) always.push(at);
    for (const literal of literals ?? []) {
      const own = owners.get(literal);
      if (own === undefined) owners.set(literal, new Set([at]));
      else own.add(at);
    }
  });
  return { automaton: createAutomaton(owners), always };
}

/**
 * Literals of which one lies in every text that the scanner can report of. It is shown a text that
 * says what is looked for in it; null where it does anything but look for expressions that need some.
 */
function literalsOf(scanner: Scanner): readonly string[] | null {
  const patterns: RegExp[] = [];
  let isOpaque = false;
  const text: object = new Proxy(Object.create(null) as object, {
    get(_, name) {
      if (name !== 'matchAll') isOpaque = true;
      return (pattern: RegExp) => {
        patterns.push(pattern);
        return [].values();
      };
    },
  });
  try {
    scanner.file?.(sourceOf(text));
  } catch {
    return null;
  }
  if (isOpaque || patterns.length === 0) return null;
  const all: string[] = [];
  for (const pattern of patterns) {
    const literals =
      pattern instanceof RegExp ? mandatoryLiterals(pattern.source, pattern.flags) : [];
    if (literals.length === 0) return null;
    all.push(...literals);
  }
  return all;
}
