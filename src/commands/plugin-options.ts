/** Plug-in options: checked by the plug-in's own schema; secrets are looked up apart. */
import { nearest } from '../detect/sigma/text.ts';
import type { PluginConfig } from '../model/config/plugin.ts';
import type { SecretReference } from '../model/config/secret.ts';
import type { Problem } from '../model/errors.ts';
import { type Located, problemAt, type Schema, schemaProblems } from '../model/schema.ts';
import { notKnown } from './meant.ts';

type Path = readonly (string | number)[];

/** Options that hold, and the secrets they refer to by dotted path within the options. */
export interface CheckedOptions {
  readonly ok: true;
  /** As written. A secret is still a reference here: this may be shown. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly secrets: ReadonlyMap<string, SecretReference>;
}

/** Options, or every mistake in them. */
export type PluginOptions =
  | CheckedOptions
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** A plug-in that was configured and whose options hold. */
export interface ConfiguredPlugin extends CheckedOptions {
  readonly type: string;
}

/** All plug-ins of a section by name, and every mistake in those that are missing. */
export interface ConfiguredPlugins {
  readonly plugins: ReadonlyMap<string, ConfiguredPlugin>;
  readonly problems: readonly Problem[];
}

const NOWHERE: Located = { file: '(options)', lineOf: () => null };

/**
 * Checks what is written for one plug-in by the plug-in's own schema. `key` is where it stands, for
 * example `sinks.pager`; problems name it, and the nearest known key where one was misspelt. No
 * secret is read: that is `readSecrets` of plugin-secrets.ts, when the plug-in is made.
 */
export function pluginOptions(
  schema: object,
  given: unknown,
  key: string | Path,
  where: Located = NOWHERE,
): PluginOptions {
  const base: Path = typeof key === 'string' ? key.split('.') : key;
  const problems = schemaProblems(schema, given, where, base).map((problem) =>
    withNearest(problem, schema as Schema, base),
  );
  const secrets = new Map<string, SecretReference>();
  if (problems.length === 0) collect(schema as Schema, given, [], secrets);
  for (const [path, reference] of secrets)
    if ((reference.env === undefined) === (reference.file === undefined))
      problems.push(
        problemAt(
          where,
          [...base, ...path.split('.')],
          'give exactly one of `env` and `file`: secrets are never written inline',
        ),
      );
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, options: given as CheckedOptions['options'], secrets };
}

/**
 * Checks a section of plug-ins, each by the schema of its `type`. `what` is one of them in words,
 * for example `sink`; `schemas` are the options by type.
 */
export function pluginsOf(
  what: string,
  schemas: Readonly<Record<string, object>>,
  given: Readonly<Record<string, PluginConfig>>,
  key: string | Path,
  where: Located = NOWHERE,
): ConfiguredPlugins {
  const base: Path = typeof key === 'string' ? key.split('.') : key;
  const plugins = new Map<string, ConfiguredPlugin>();
  const problems: Problem[] = [];
  for (const [name, one] of Object.entries(given)) {
    const { type } = one;
    const schema = Object.hasOwn(schemas, type) ? schemas[type] : undefined;
    if (schema === undefined) {
      const message = notKnown(`type of ${what}`, type, Object.keys(schemas), '');
      problems.push(problemAt(where, [...base, name, 'type'], message.trim()));
      continue;
    }
    const checked = pluginOptions(schema, one, [...base, name], where);
    if (checked.ok) plugins.set(name, { ...checked, type });
    else problems.push(...checked.problems);
  }
  return { plugins, problems };
}

/** Adds the key that was meant to what is said of an unknown one. */
function withNearest(problem: Problem, schema: Schema, base: Path): Problem {
  if (!problem.message.startsWith('unknown key')) return problem;
  const path = problem.key.split('.').slice(base.length);
  const given = path.pop() ?? '';
  let at: Schema | undefined = schema;
  for (const step of path)
    at = Object.hasOwn(at?.properties ?? {}, step) ? at?.properties?.[step] : at?.items;
  const meant = nearest(given, Object.keys(at?.properties ?? {}));
  if (meant === null) return problem;
  return { ...problem, message: `${problem.message}; did you mean ${meant}?` };
}

/** Finds every secret by the mark that model/config/secret puts on its schema. */
function collect(
  schema: Schema,
  value: unknown,
  path: Path,
  found: Map<string, SecretReference>,
): void {
  if (typeof value !== 'object' || value === null) return;
  if ('secret' in schema && schema.secret === true) {
    found.set(path.join('.'), value as SecretReference);
    return;
  }
  for (const [name, member] of Object.entries(value)) {
    const own = Object.hasOwn(schema.properties ?? {}, name) ? schema.properties?.[name] : null;
    const child = Array.isArray(value) ? schema.items : own;
    if (child !== undefined && child !== null) collect(child, member, [...path, name], found);
  }
}
