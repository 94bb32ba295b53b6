/** Mirror: blocks of a mapping shaped like a part of the event, made from its schema. */
import { type TProperties, type TSchema, Type } from 'typebox';
import type { Schema } from '../model/schema.ts';

/** What makes the schemas of a mapping: one field, and the pointer of a list. */
export interface MirrorTools {
  field(description: string): TSchema;
  readonly each: TSchema;
}

const strict = { additionalProperties: false } as const;

/** Schemas of the block that fills a part of the event: a field for each value, a block for each object. */
function mirrored(part: object, tools: MirrorTools): TProperties {
  const members: Record<string, TSchema> = {};
  for (const [name, schema] of Object.entries((part as Schema).properties ?? {}))
    members[name] = memberOf(schema, tools);
  return members as TProperties;
}

/** What of a part is not written by hand: the part with only its other properties. */
export function restOf(part: object, hand: object): Schema {
  const members = Object.entries((part as Schema).properties ?? {});
  return { properties: Object.fromEntries(members.filter(([name]) => !Object.hasOwn(hand, name))) };
}

/** Properties of a block: those written by hand, and the mirror of whatever else the part has. */
export function withRest<H extends TProperties>(part: object, hand: H, tools: MirrorTools): H {
  return { ...hand, ...mirrored(restOf(part, hand), tools) };
}

function memberOf(schema: Schema, tools: MirrorTools): TSchema {
  const about = schema.description === undefined ? {} : { description: schema.description };
  if (schema.properties !== undefined)
    return Type.Optional(Type.Object(mirrored(schema, tools), { ...strict, ...about }));
  const items = schema.items;
  if (items?.properties !== undefined)
    return Type.Optional(
      Type.Object({ each: tools.each, ...mirrored(items, tools) }, { ...strict, ...about }),
    );
  const list = items === undefined ? '' : ' An array of strings.';
  return tools.field(`${schema.description ?? 'Value.'}${list}`);
}
