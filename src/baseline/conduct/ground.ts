/** Ground: what a basis counted, looked up once for each tool, class and place. */
import {
  along,
  type Basis,
  type Counts,
  doublings,
  originContexts,
  shapeContexts,
} from './basis.ts';
import { type Leaf, type ReadCall, VALUE_KINDS } from './reading.ts';

/** What is known of a tool whoever calls it. */
export interface ToolFacts {
  readonly name: string;
  /** P of it as any next tool, and its surprisal, bits. */
  readonly anywhere: number;
  readonly anywhereBits: number;
  /** What followed it at once, and what ever did; undefined: nothing known. */
  readonly next: Counts | undefined;
  readonly later: Counts | undefined;
  /** What followed it and the tool before it, by that tool. */
  readonly afterTwo: Map<string, Counts | undefined>;
}

/** What is known of a tool in a role. */
export interface RoleTool {
  readonly facts: ToolFacts;
  readonly inRole: number;
  readonly inRoleBits: number;
  /** By class: nearly always one. */
  readonly classes: ClassHabits[];
}

/** What is known of a tool's calls in one role and class. */
export interface ClassHabits {
  readonly toolClass: string | null;
  /** Median and upper spread of the nats that no mandate names. */
  readonly usual: readonly [number, number] | null;
  /** By place of the value in the arguments. */
  readonly places: Map<string, PlaceHabits>;
}

/** What is known of the values at one place. */
export interface PlaceHabits {
  /** Surprisal of shapes, bits, by kind of value and doubling; below zero: not asked yet. */
  readonly shapes: Float64Array;
  /** Origins of values, and of literals inside texts, by kind. */
  readonly values: (OriginHabits | undefined)[];
  readonly literals: (OriginHabits | undefined)[];
}

/** Surprisals of origins, bits. */
export interface OriginHabits {
  readonly counts: readonly Counts[];
  readonly mandate: number;
  readonly own: number;
  readonly none: number;
  /** By the tool whose result a value came out of. */
  readonly results: Map<string, number>;
  /** Of being named by the mandate, and of not being. */
  readonly named: number;
  readonly unnamed: number;
}

/** A role's tools. */
export interface Role {
  readonly name: string;
  readonly tools: Map<string, RoleTool>;
}

/** Agents can make names and paths up: beyond so many of either all are looked up anew. */
const TOOLS_MAX = 4096;
const PLACES_MAX = 1024;
const DOUBLINGS = 7;

/** Look-ups under one basis. What is remembered of them is bounded. */
export class Ground {
  readonly #basis: Basis;
  readonly #roles = new Map<string, Role>();
  readonly #tools = new Map<string, ToolFacts>();
  readonly #base: number;
  #size = 0;

  constructor(basis: Basis) {
    this.#basis = basis;
    this.#base = 1 / (basis.toolCount + 1);
  }

  /** A role's tools; the same as long as few names were met. */
  role(name: string): Role {
    const known = this.#roles.get(name);
    if (known !== undefined) return known;
    const role = { name, tools: new Map<string, RoleTool>() };
    this.#roles.set(name, role);
    return role;
  }

  /** What is known of a tool in a role. */
  tool(role: Role, name: string): RoleTool {
    const known = role.tools.get(name);
    if (known !== undefined) return known;
    this.#make();
    const { tools } = this.#basis;
    const inRole = tools.step(role.name, name, tools.step('*', name, this.#base));
    const facts = this.facts(name);
    const made = { facts, inRole, inRoleBits: -Math.log2(inRole), classes: [] };
    role.tools.set(name, made);
    return made;
  }

  /** What is known of a tool in any role. */
  facts(name: string): ToolFacts {
    const known = this.#tools.get(name);
    if (known !== undefined) return known;
    this.#make();
    const { next, later } = this.#basis;
    const anywhere = next.step('*', name, this.#base);
    const facts: ToolFacts = {
      name,
      anywhere,
      anywhereBits: -Math.log2(anywhere),
      next: next.counts(`1${name}`),
      later: later.counts(name),
      afterTwo: new Map(),
    };
    this.#tools.set(name, facts);
    return facts;
  }

  /** What followed two tools. */
  afterTwo(before: string, last: ToolFacts): Counts | undefined {
    const { afterTwo } = last;
    const known = afterTwo.get(before);
    if (known !== undefined || afterTwo.has(before)) return known;
    if (afterTwo.size >= PLACES_MAX) afterTwo.clear();
    const counts = this.#basis.next.counts(`2${before}>${last.name}`);
    afterTwo.set(before, counts);
    return counts;
  }

  /** What is known of a tool's calls in a class. */
  habits({ facts, classes }: RoleTool, toolClass: string | null): ClassHabits {
    for (const known of classes) if (known.toolClass === toolClass) return known;
    if (classes.length >= DOUBLINGS) classes.length = 0;
    const { bits } = this.#basis;
    const usual = bits.get(facts.name) ?? bits.get(`c:${toolClass}`) ?? null;
    const made = { toolClass, usual, places: new Map<string, PlaceHabits>() };
    classes.push(made);
    return made;
  }

  /** What is known of a place in a tool's arguments. */
  place({ places }: ClassHabits, path: string): PlaceHabits {
    const known = places.get(path);
    if (known !== undefined) return known;
    if (places.size >= PLACES_MAX) places.clear();
    const shapes = new Float64Array(VALUE_KINDS.length * DOUBLINGS).fill(-1);
    const made: PlaceHabits = { shapes, values: [], literals: [] };
    places.set(path, made);
    return made;
  }

  /** Surprisal of a value's shape, bits. */
  shapeBits({ shapes }: PlaceHabits, leaf: Leaf, call: ReadCall): number {
    const length = doublings(leaf);
    const at = leaf.kind * DOUBLINGS + length;
    const known = shapes[at] as number;
    if (known >= 0) return known;
    const counts = this.#basis.shapes.known(shapeContexts(leaf, call));
    const bits = -Math.log2(along(counts, `${VALUE_KINDS[leaf.kind]}/${length}`, 1 / 30));
    shapes[at] = bits;
    return bits;
  }

  /** Surprisals of origins at a place: of a whole value, or of a literal inside a text. */
  origins(
    place: PlaceHabits,
    origin: { readonly path: string; readonly kind: number; readonly isInside: boolean },
    call: ReadCall,
    role: string,
  ): OriginHabits {
    const { kind, isInside } = origin;
    const own = isInside ? place.literals : place.values;
    const known = own[kind];
    if (known !== undefined) return known;
    const name = VALUE_KINDS[kind] as (typeof VALUE_KINDS)[number];
    const path = isInside ? `${origin.path}#${name}` : origin.path;
    const contexts = originContexts({ kind: name, path }, call, role);
    const counts = this.#basis.origins.known(contexts);
    const mandated = this.#basis.mandated.known(contexts);
    const made: OriginHabits = {
      counts,
      mandate: originBits(counts, 'mandate'),
      own: originBits(counts, 'own'),
      none: originBits(counts, 'none'),
      results: new Map(),
      named: -Math.log2(along(mandated, 'm', 0.5)),
      unnamed: -Math.log2(along(mandated, 'u', 0.5)),
    };
    own[kind] = made;
    return made;
  }

  #make(): void {
    this.#size += 1;
    if (this.#size <= TOOLS_MAX) return;
    this.#size = 0;
    this.#tools.clear();
    for (const { tools } of this.#roles.values()) tools.clear();
  }
}

/** Surprisal of a value that came out of a tool's result, bits. */
export function resultBits({ counts, results }: OriginHabits, tool: string): number {
  const known = results.get(tool);
  if (known !== undefined) return known;
  if (results.size >= PLACES_MAX) results.clear();
  const bits = originBits(counts, `r:${tool}`);
  results.set(tool, bits);
  return bits;
}

function originBits(counts: readonly Counts[], symbol: string): number {
  return -Math.log2(along(counts, symbol, 1 / 20));
}
