/** Plug-ins in the configuration: a type, and keys that their own schemas check. */
import { Type } from 'typebox';

/** A configured plug-in. */
export type PluginConfig = { readonly type: string } & Readonly<Record<string, unknown>>;

/** A plug-in by its type; its other keys are its own, and its own schema checks them. */
export const PluginConfig = Type.Unsafe<PluginConfig>(
  Type.Object(
    { type: Type.String({ minLength: 1, maxLength: 64, description: 'Which plug-in.' }) },
    { additionalProperties: true },
  ),
);
