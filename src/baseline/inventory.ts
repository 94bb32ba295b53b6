/** The tool inventory: reviewed facts of every tool, found by its name or any alias. */
import { type Static, Type } from 'typebox';
import type { Problem } from '../model/errors.ts';
import { TOOL_CLASSES, TOOL_TIERS } from '../model/event-governance.ts';
import { type Inventory, SENSITIVITIES, type ToolFacts } from '../model/expectation.ts';
import { idOf } from '../model/ids.ts';
import { type Located, problemAt, schemaProblems } from '../model/schema.ts';

const ROUTES = ['gateway', 'local', 'provider'] as const;
const strict = { additionalProperties: false } as const;
const name = (description: string) => Type.String({ minLength: 1, maxLength: 512, description });

const HOST = '^(\\*\\.)?[^*/\\s:@]+$';
const hosts = (description: string) =>
  Type.Array(
    Type.String({ pattern: HOST, maxLength: 255, description: 'example.org, *.example.org' }),
    {
      maxItems: 1_000,
      description,
    },
  );

/** One entry of `baselines/tools.yaml`. */
export const ToolEntry = Type.Object(
  {
    tool: name('Canonical name, as grants and detectors write it.'),
    class: Type.Enum(TOOL_CLASSES, { description: 'Reach: what a call can change.' }),
    tier: Type.Enum(TOOL_TIERS, { description: 'How freely it may be used.' }),
    reversible: Type.Boolean({ description: 'Can what a call did be undone without loss?' }),
    route: Type.Enum(ROUTES, {
      description: 'Where calls run. `local` and `provider` calls pass no gateway.',
    }),
    polling: Type.Optional(
      Type.Boolean({ description: 'The same call again and again is normal. Default false.' }),
    ),
    destinations: Type.Optional(
      hosts('Hosts its calls may reach, beside the zone; `*.` stands for anything below.'),
    ),
    sensitivity: Type.Optional(
      Type.Enum(SENSITIVITIES, { description: 'Class of what it reads or holds.' }),
    ),
    definition: Type.Optional(
      name('Digest of the reviewed definition, as the gateway or the agent writes it.'),
    ),
    targets: Type.Optional(
      Type.String({
        pattern: '^(/([^~/]|~[01])*)+$',
        maxLength: 1024,
        description:
          'JSON Pointer to the argument that says what a call touches: a list or a number.',
      }),
    ),
    maxTargets: Type.Optional(
      Type.Number({ minimum: 0, description: 'More objects than this one call must not touch.' }),
    ),
    parameters: Type.Optional(
      Type.Array(name('Argument.'), { maxItems: 256, description: 'Names of all its arguments.' }),
    ),
    required: Type.Optional(
      Type.Array(name('Argument.'), { maxItems: 256, description: 'Arguments every call has.' }),
    ),
    aliases: Type.Optional(
      Type.Array(name('Another name of it.'), {
        maxItems: 64,
        description: 'Names that other layers give it, for example server__tool.',
      }),
    ),
  },
  strict,
);
/** One entry as written. */
export type ToolEntry = Static<typeof ToolEntry>;

/** A document of the inventory. */
export const ToolsDocument = Type.Object(
  {
    zone: Type.Optional(hosts('Hosts of the trust zone: what lies within the house.')),
    tools: Type.Array(ToolEntry, { maxItems: 100_000, description: 'The tools.' }),
  },
  {
    ...strict,
    $id: 'https://plumbline.dev/schema/tools-1.json',
    title: 'Plumbline tool inventory',
  },
);
/** A document as written. */
export type ToolsDocument = Static<typeof ToolsDocument>;

/** A parsed YAML file; what adapters/files gives. */
export interface InventoryFile {
  readonly file: string;
  readonly documents: readonly {
    readonly value: unknown;
    /** 1-based line of the value at a path; null where unknown. */
    lineOf(path: readonly (string | number)[]): number | null;
  }[];
}

/** An inventory with what decisions refer to it by. */
export interface ToolLibrary extends Inventory {
  /** Hash of the facts and aliases: equal contents, equal version, however they are written. */
  readonly version: string;
  /** All tools, by name. */
  readonly tools: readonly ToolFacts[];
}

/** An inventory that knows no tool. */
export const EMPTY_INVENTORY: ToolLibrary = buildInventory([]).inventory;

/**
 * Builds the inventory of all files. Every problem of every file is returned, none thrown; an entry
 * with a problem, or a name that is already taken, is left out of the inventory.
 */
export function buildInventory(files: readonly InventoryFile[]): {
  inventory: ToolLibrary;
  problems: Problem[];
} {
  const problems: Problem[] = [];
  const byName = new Map<string, ToolFacts>();
  const owner = new Map<string, string>();
  const zone = new Set<string>();
  for (const { file, documents } of files) {
    documents.forEach((document, at) => {
      const base = documents.length > 1 ? [`#${at + 1}`] : [];
      const where: Located = { file, lineOf: (path) => document.lineOf(path.slice(base.length)) };
      const found = schemaProblems(ToolsDocument, document.value, where, base);
      problems.push(...found);
      const broken = new Set(found.map((problem) => entryOf(problem.key, base.length)));
      if (broken.has(null)) return;
      const { tools, zone: declared = [] } = document.value as ToolsDocument;
      for (const host of declared) zone.add(host.toLowerCase());
      tools.forEach((entry, index) => {
        if (broken.has(index)) return;
        const path = [...base, 'tools', index];
        enter(entry, byName, owner, `${file}:${index}`, (key, message) => {
          problems.push(problemAt(where, [...path, ...key], message));
        });
      });
    });
  }
  return { inventory: libraryOf(byName, [...zone].sort()), problems };
}

/** Place of the entry a problem is about; null where it is about the document itself. */
function entryOf(key: string, baseLength: number): number | null {
  const [list, index] = key.split('.').slice(baseLength);
  if (list !== 'tools' || index === undefined) return null;
  return Number(index);
}

/** Takes the names of one entry; a name that somebody has is reported and stays with its owner. */
function enter(
  entry: ToolEntry,
  byName: Map<string, ToolFacts>,
  owner: Map<string, string>,
  self: string,
  report: (key: readonly (string | number)[], message: string) => void,
): void {
  const { tool, aliases = [] } = entry;
  if (byName.has(tool)) {
    report(['tool'], `${tool} is already a name of ${byName.get(tool)?.tool}; names are unique`);
    return;
  }
  const facts = factsOf(entry);
  byName.set(tool, facts);
  owner.set(tool, self);
  aliases.forEach((alias, index) => {
    const taken = byName.get(alias);
    if (taken === undefined) {
      byName.set(alias, facts);
      owner.set(alias, self);
    } else if (owner.get(alias) !== self) {
      report(['aliases', index], `${alias} is already a name of ${taken.tool}; names are unique`);
    } else report(['aliases', index], `${alias} is listed twice`);
  });
}

/** What an entry says, with defaults; aliases apart. */
export function factsOf(entry: ToolEntry): ToolFacts {
  const { aliases: _aliases, polling = false, destinations, ...facts } = entry;
  return {
    ...facts,
    polling,
    ...(destinations === undefined
      ? {}
      : { destinations: destinations.map((host) => host.toLowerCase()) }),
  };
}

/** Facts that newer inventories may state; those that do not keep the version they always had. */
function newerParts(facts: ToolFacts): readonly string[] {
  const { destinations, sensitivity, definition, targets, maxTargets } = facts;
  const { parameters, required } = facts;
  return [
    ...(destinations === undefined ? [] : ['destinations', ...destinations]),
    ...(sensitivity === undefined ? [] : ['sensitivity', sensitivity]),
    ...(definition === undefined ? [] : ['definition', definition]),
    ...(targets === undefined ? [] : ['targets', targets]),
    ...(maxTargets === undefined ? [] : ['maxTargets', String(maxTargets)]),
    ...(parameters === undefined ? [] : ['parameters', ...parameters]),
    ...(required === undefined ? [] : ['required', ...required]),
  ];
}

function libraryOf(byName: ReadonlyMap<string, ToolFacts>, zone: readonly string[]): ToolLibrary {
  const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  const names = [...byName].sort(([a], [b]) => order(a, b));
  const parts = names.flatMap(([each, facts]) => [
    ...[each, facts.tool, facts.class, facts.tier],
    ...[String(facts.reversible), facts.route, String(facts.polling)],
    ...newerParts(facts),
  ]);
  return {
    version: idOf(...parts, ...(zone.length === 0 ? [] : ['zone', ...zone])),
    tools: names.filter(([each, facts]) => each === facts.tool).map(([, facts]) => facts),
    tool: (each) => byName.get(each) ?? null,
    zone,
  };
}
