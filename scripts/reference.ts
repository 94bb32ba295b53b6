/** Writes docs/reference/*.schema.json and generated pages; a test fails when they are stale. */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { SINKS } from '../src/act/sinks.ts';
import { ObjectivesDocument } from '../src/baseline/objectives-file.ts';
import { KINDS_OF_ANALYTIC } from '../src/detect/detect.ts';
import { DetectorFile } from '../src/detect/detector-schema.ts';
import { ExceptionDocument } from '../src/detect/exception-file.ts';
import { MeasuredDocument } from '../src/detect/measured-file.ts';
import { Config } from '../src/model/config.ts';
import { WireEvent } from '../src/model/event.ts';
import { Field } from '../src/source/field-schema.ts';
import { MappingDocument } from '../src/source/mapping-schema.ts';
import { DOCS, generatedPages } from './pages.ts';

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

/** The detector's schema, with the parameters that each kind of analytic takes. */
function detectorSchema(): object {
  const { properties, ...rest } = DetectorFile;
  const kinds = Object.values(KINDS_OF_ANALYTIC);
  const kind = {
    enum: kinds.map(({ name }) => name),
    description: kinds.map(({ name, claim }) => `${name}: ${claim}`).join('\n'),
  };
  const plumbline = {
    ...properties.plumbline,
    properties: { ...properties.plumbline.properties, kind },
    allOf: kinds.map(({ name, params }) => ({
      if: { properties: { kind: { const: name } }, required: ['kind'] },
      // biome-ignore lint/suspicious/noThenProperty: a word of JSON Schema, never awaited.
      then: { properties: { params } },
    })),
  };
  return { ...rest, properties: { ...properties, plumbline } };
}

/** A section of plug-ins, each as its own file says; `type` tells which it is. */
function withPlugIns(
  section: object,
  types: Readonly<Record<string, { options: object }>>,
): object {
  const { patternProperties = {}, ...rest } = section as { patternProperties?: object };
  const anyOf = Object.values(types).map(({ options }) => options);
  const names = Object.keys(patternProperties);
  return { ...rest, patternProperties: Object.fromEntries(names.map((one) => [one, { anyOf }])) };
}

/** The configuration's schema, with what each type of sink takes. */
function configSchema(): object {
  const { properties, ...rest } = Config;
  const sinks = withPlugIns(properties.sinks, SINKS);
  return { ...rest, properties: { ...properties, sinks } };
}

/** Name and text of every generated file. */
export function referenceFiles(): ReadonlyMap<string, string> {
  const mapping = { ...(withoutRepeats(MappingDocument) as object), $defs: { field: Field } };
  const schemas = {
    event: WireEvent,
    config: configSchema(),
    mapping,
    detector: detectorSchema(),
    objectives: ObjectivesDocument,
    ...{ exception: ExceptionDocument, measured: MeasuredDocument },
  };
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
  for (const [name, text] of await generatedPages()) {
    await writeFile(new URL(name, DOCS), text);
    process.stdout.write(`${fileURLToPath(new URL(name, DOCS))}\n`);
  }
}
