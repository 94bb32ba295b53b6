/** Mirror reader: compiles the blocks of a mapping that are shaped like parts of the event. */
import type { Schema } from '../model/schema.ts';
import type { Read } from './field.ts';

type Path = readonly (string | number)[];

/** What compiles a block: one field, an object of those that are present, a list of such objects. */
export interface MirrorCompiler {
  field(path: Path, spec: never, words?: readonly string[]): Read;
  objectOf(fields: Readonly<Record<string, Read>>): Read;
  listOf(each: string, fields: Readonly<Record<string, Read>>): Read;
}

/** Readers of the members of a block, by name; `part` is the schema it mirrors. */
export function compileMirror(
  part: object,
  block: Readonly<Record<string, unknown>>,
  path: Path,
  compiler: MirrorCompiler,
): Record<string, Read> {
  const reads: Record<string, Read> = {};
  for (const [name, schema] of Object.entries((part as Schema).properties ?? {})) {
    const spec = Object.hasOwn(block, name) ? block[name] : undefined;
    if (spec !== undefined) reads[name] = readOf(schema, spec, [...path, name], compiler);
  }
  return reads;
}

function readOf(schema: Schema, spec: unknown, path: Path, compiler: MirrorCompiler): Read {
  const block = spec as Readonly<Record<string, unknown>>;
  if (schema.properties !== undefined)
    return compiler.objectOf(compileMirror(schema, block, path, compiler));
  if (schema.items?.properties !== undefined) {
    const members = compileMirror(schema.items, block, path, compiler);
    return compiler.listOf(block['each'] as string, members);
  }
  return compiler.field(path, spec as never, schema.enum as readonly string[] | undefined);
}
