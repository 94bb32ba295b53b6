/** Fixtures beside mappings: records as producers write them, and the events they must become. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readYamlDocuments } from '../../src/adapters/files.ts';
import type { SourceConfig } from '../../src/model/config/source.ts';
import { KINDS } from '../../src/model/event.ts';
import { compileMappings } from '../../src/source/mapping.ts';
import { createDecode, type Decoded } from '../../src/source/source.ts';
import { recordOf } from './records.ts';

/** A record, what the source says of itself, and what must come of it. */
export interface Fixture {
  readonly name: string;
  readonly source?: Partial<SourceConfig>;
  readonly headers?: Readonly<Record<string, string>>;
  /** The record as a JSON value, or as the text it is. */
  readonly record?: unknown;
  readonly text?: string;
  readonly expect: unknown;
}

const FOLDER = fileURLToPath(new URL('../../mappings/', import.meta.url));
const IS_FIXTURE = /\.test\.yaml$/;

/** Every mapping that is shipped, compiled; problems would be those of the files. */
export async function shippedMappings() {
  const names = readdirSync(FOLDER).filter(
    (name) => /\.yaml$/.test(name) && !IS_FIXTURE.test(name),
  );
  const files = await Promise.all(names.map((name) => readYamlDocuments(`${FOLDER}${name}`)));
  const compiled = compileMappings(files.map(({ file }) => file));
  return {
    mappings: compiled.mappings,
    problems: [...files.flatMap((one) => one.problems), ...compiled.problems],
  };
}

/** Fixtures of every mapping that has some, by the name of its format. */
export async function fixtures(): Promise<Map<string, readonly Fixture[]>> {
  const found = new Map<string, readonly Fixture[]>();
  for (const name of readdirSync(FOLDER).filter((one) => IS_FIXTURE.test(one))) {
    const mapping = await readYamlDocuments(`${FOLDER}${name.replace(IS_FIXTURE, '.yaml')}`);
    const { file } = await readYamlDocuments(`${FOLDER}${name}`);
    const [first] = mapping.file.documents;
    const { format } = (first?.value ?? { format: name }) as { readonly format: string };
    found.set(format, file.documents[0]?.value as readonly Fixture[]);
  }
  return found;
}

/** The bytes of a fixture's record. */
export function bytesOf({ record, text }: Pick<Fixture, 'record' | 'text'>): Buffer {
  return Buffer.from(text ?? JSON.stringify(record));
}

/** Decodes a fixture as a gateway's source has it that may produce all kinds. */
export function decodeFixture(
  decoder: string,
  fixture: Omit<Fixture, 'expect'>,
  mappings: Parameters<typeof createDecode>[1],
): Decoded {
  const source: SourceConfig = {
    ...{ name: 'gw', topic: 'gw', decoder, trust: 'gateway', kinds: [...KINDS] },
    ...fixture.source,
  };
  const { decode, problems } = createDecode([source], mappings);
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('\n'));
  const { headers } = fixture;
  const record = recordOf(bytesOf(fixture), { topic: 'gw', timestampMs: 4_000_000_000_000 });
  return decode(headers === undefined ? record : { ...record, headers });
}

/** What came of a record, in the words of a fixture: whatever is not position or configuration. */
export function asSaid({ events, deadLetters, flags }: Decoded): unknown {
  const said: unknown[] = events.map((event) => {
    const { src: _, contentHash: _h, nativeId, time, evidence, ...rest } = event;
    const id = nativeId.startsWith('content/') ? {} : { id: nativeId };
    const { level, ...more } = evidence ?? { level: 'L0' };
    const noted = Object.keys(more).length === 0 ? {} : { evidence: more };
    const at = `${new Date(time.eventMs).toISOString()}${time.nsInMs === 0 ? '' : ` +${time.nsInMs}ns`}`;
    return { ...id, at, level, ...noted, ...rest };
  });
  for (const { reason, detail } of deadLetters) said.push({ deadletter: `${reason}: ${detail}` });
  if (flags.ignored > 0) said.push({ ignored: flags.ignored });
  if (flags.duplicateKeys > 0) said.push({ duplicateKeys: flags.duplicateKeys });
  return JSON.parse(JSON.stringify(said));
}
