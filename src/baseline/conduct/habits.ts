/** Habits: what the basis counted of a tool's values, found once per place in its calls. */
import {
  along,
  type Basis,
  type Counts,
  doublings,
  originContexts,
  shapeContexts,
} from './basis.ts';
import type { Origin } from './origin.ts';
import type { Leaf, ReadCall } from './reading.ts';

interface OriginCounts {
  readonly origins: readonly Counts[];
  readonly mandated: readonly Counts[];
}

/** Of one tool, in one class and one role. */
interface ToolHabits {
  /** kind → path → counts. */
  readonly origins: Map<string, Map<string, OriginCounts>>;
  readonly shapes: Map<string, readonly Counts[]>;
  /** Entries in both. */
  size: number;
}

/** Agents can make names and paths up: beyond so many of either all are looked up anew. */
const TOOLS_MAX = 4096;
const PATHS_MAX = 1024;

/** Probabilities of origins and shapes under one basis. */
export class Habits {
  readonly #basis: Basis;
  readonly #tools = new Map<string, Map<string, Map<string | null, ToolHabits>>>();
  readonly #symbols = new Map<string, string>();
  readonly #shapeSymbols = new Map<string, readonly string[]>();
  #size = 0;

  constructor(basis: Basis) {
    this.#basis = basis;
  }

  /** What is known of the call's tool. */
  of({ tool, toolClass }: ReadCall, role: string): ToolHabits {
    const known = this.#tools.get(role)?.get(tool)?.get(toolClass);
    if (known !== undefined && known.size < PATHS_MAX) return known;
    if (this.#size >= TOOLS_MAX) {
      this.#tools.clear();
      this.#size = 0;
    }
    this.#size += 1;
    const habits = { origins: new Map(), shapes: new Map(), size: 0 };
    const ofRole = this.#tools.get(role) ?? new Map<string, Map<string | null, ToolHabits>>();
    this.#tools.set(role, ofRole);
    const ofTool = ofRole.get(tool) ?? new Map<string | null, ToolHabits>();
    ofRole.set(tool, ofTool);
    ofTool.set(toolClass, habits);
    return habits;
  }

  /** Counts of an origin's contexts. */
  origin(habits: ToolHabits, origin: Origin, call: ReadCall, role: string): OriginCounts {
    let paths = habits.origins.get(origin.kind);
    if (paths === undefined) {
      paths = new Map();
      habits.origins.set(origin.kind, paths);
    }
    let counts = paths.get(origin.path);
    if (counts === undefined) {
      const contexts = originContexts(origin, call, role);
      const { origins, mandated } = this.#basis;
      counts = { origins: origins.known(contexts), mandated: mandated.known(contexts) };
      paths.set(origin.path, counts);
      habits.size += 1;
    }
    return counts;
  }

  /** Probability of a value's shape. */
  shapeP(habits: ToolHabits, leaf: Leaf, call: ReadCall): number {
    let counts = habits.shapes.get(leaf.path);
    if (counts === undefined) {
      counts = this.#basis.shapes.known(shapeContexts(leaf, call));
      habits.shapes.set(leaf.path, counts);
      habits.size += 1;
    }
    let symbols = this.#shapeSymbols.get(leaf.kind);
    if (symbols === undefined) {
      symbols = [0, 1, 2, 3, 4, 5, 6].map((n) => `${leaf.kind}/${n}`);
      this.#shapeSymbols.set(leaf.kind, symbols);
    }
    return along(counts, symbols[doublings(leaf)] as string, 1 / 30);
  }

  /** Symbol of a value that came out of a tool's result. */
  resultSymbol(tool: string): string {
    const known = this.#symbols.get(tool);
    if (known !== undefined) return known;
    if (this.#symbols.size >= TOOLS_MAX) this.#symbols.clear();
    const symbol = `r:${tool}`;
    this.#symbols.set(tool, symbol);
    return symbol;
  }
}
