/** Writes docs/reference/*.schema.json from the types; a test fails when they are stale. */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Config } from '../src/model/config.ts';
import { WireEvent } from '../src/model/event.ts';
import { Field, MappingDocument } from '../src/source/mapping-schema.ts';

/** Folder of the generated reference, as a URL with a final slash. */
export const REFERENCE = new URL('../docs/reference/', import.meta.url);

const DIALECT = { $schema: 'https://json-schema.org/draft/2020-12/schema' };

const FIELD = JSON.stringify(Field.anyOf);

/** The same schema with the field, which most keys are, written once and referred to. */
function withoutRepeats(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutRepeats);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { anyOf, ...rest } = schema as Readonly<Record<string, unknown>>;
  if (JSON.stringify(anyOf) === FIELD) return { ...rest, $ref: '#/$defs/field' };
  return Object.fromEntries(Object.entries(schema).map(([key, one]) => [key, withoutRepeats(one)]));
}

/** Name and text of every generated file. */
export function referenceFiles(): ReadonlyMap<string, string> {
  const mapping = { ...(withoutRepeats(MappingDocument) as object), $defs: { field: Field } };
  const schemas = { event: WireEvent, config: Config, mapping };
  return new Map(
    Object.entries(schemas).map(([name, schema]) => [
      `${name}.schema.json`,
      `${JSON.stringify({ ...DIALECT, ...schema }, null, 2)}\n`,
    ]),
  );
}

if (import.meta.main) {
  await mkdir(REFERENCE, { recursive: true });
  for (const [name, text] of referenceFiles()) {
    await writeFile(new URL(name, REFERENCE), text);
    process.stdout.write(`${fileURLToPath(new URL(name, REFERENCE))}\n`);
  }
}
