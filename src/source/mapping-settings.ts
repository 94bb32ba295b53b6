/** What documents of a mapping take from elsewhere: from a common one, and from the source. */
import type { Settings, Tailoring } from './draft.ts';
import type { MappingDocument } from './mapping-schema.ts';

/** Names of the settings that documents have, sorted. */
export function settingsIn(documents: readonly MappingDocument[]): string[] {
  const found = new Set<string>();
  walk(documents, (name) => found.add(name));
  return [...found].sort();
}

/**
 * The documents with what a source says of itself: first those of each case, for records that show its value,
 * then the rest. `unknown` names settings that the format does not have.
 */
export function tailor(
  documents: readonly MappingDocument[],
  { settings, cases }: Tailoring,
): { readonly made: MappingDocument[]; readonly unknown: string[] } {
  const known = settingsIn(documents);
  const unknown = [settings, ...cases.map((one) => one.settings)]
    .flatMap((one) => Object.keys(one))
    .filter((name) => !known.includes(name))
    .map((name) => `no setting ${name}; there are: ${known.join(', ') || 'none'}`);
  const made = cases.flatMap(({ pointer, is, settings: own }) =>
    documents.map((document): MappingDocument => {
      const { otherwise: _last, ...rest } = document;
      const tailored = replaced(rest, { ...settings, ...own }) as MappingDocument;
      return { ...tailored, when: { ...tailored.when, [pointer]: is } };
    }),
  );
  made.push(...documents.map((document) => replaced(document, settings) as MappingDocument));
  return { made, unknown };
}

function walk(value: unknown, found: (name: string) => void): void {
  if (typeof value !== 'object' || value === null) return;
  const { setting } = value as { readonly setting?: unknown };
  if (typeof setting === 'string') found(setting);
  for (const member of Object.values(value)) walk(member, found);
}

function replaced(value: unknown, settings: Settings): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one: unknown) => replaced(one, settings));
  const made: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) made[key] = replaced(member, settings);
  const name = made['setting'];
  if (typeof name !== 'string' || !Object.hasOwn(settings, name)) return made;
  delete made['setting'];
  delete made['first'];
  if ('const' in made) made['const'] = settings[name];
  else if ('prefix' in made && !('from' in made)) made['prefix'] = settings[name];
  else made['from'] = settings[name];
  return made;
}

/** Blocks that are taken over only by a document that has them itself. */
const BODIES: ReadonlySet<string> = new Set(['reasoning', 'action', 'governance', 'metrics']);
/** All that a document which leaves out takes over. */
const OF_RECORDS: ReadonlySet<string> = new Set(['unwrap', 'each', 'lines', 'envelope']);
/** What a common document says of itself alone. */
const OWN: ReadonlySet<string> = new Set(['common', 'when', 'otherwise', 'also', 'ignore']);

/** A document with what the common one of its format says, where it does not say otherwise itself. */
export function inherited(value: unknown, common: unknown): unknown {
  if (!isBlock(value) || !isBlock(common)) return value;
  const made: Record<string, unknown> = { ...value };
  for (const [key, said] of Object.entries(common)) {
    if (OWN.has(key) || (made['ignore'] === true && !OF_RECORDS.has(key))) continue;
    const own = Object.hasOwn(value, key) ? value[key] : undefined;
    if (own === undefined && BODIES.has(key)) continue;
    made[key] =
      isBlock(own) && isBlock(said) && !isField(own) ? { ...said, ...own } : (own ?? said);
  }
  return made;
}

function isBlock(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value written as `{from, …}` is one value, not a block of several. */
function isField(value: Record<string, unknown>): boolean {
  return ['from', 'const', 'first'].some((key) => Object.hasOwn(value, key));
}
