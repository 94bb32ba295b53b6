/** Secrets in text, by the published rules of secretlint: the only file that knows them. */
import { rules } from '@secretlint/secretlint-rule-preset-recommend';
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
  ): { file?(source: object): unknown };
}

/** Comments in a text can switch rules off; an agent writes the text, so they must not. */
const COMMENTS = /filter-comments$/;
const PREFIX = /^@secretlint\/secretlint-rule-/;

/**
 * Makes a finder. It answers with what kind of secret stands where, never with the secret. Cost: some
 * 2 µs for each 1,000 characters without anything suspicious, linear in the text.
 */
export function createSecretFinder(): (text: string) => readonly Sighting[] {
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
  return (text) => {
    found = [];
    const source = { content: text, filePath: 'text', ext: '', contentType: 'text', hasBOM: false };
    for (const scanner of scanners) scanner.file?.(source);
    return found;
  };
}
