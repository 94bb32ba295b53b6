/** Memory: where in a unit each of its words occurred, derived of what the state remembers. */
import { END, type Lexis, numberAt } from './lexis.ts';

/** What of a state memory is derived of: see `ConductState` and `PastCall`. */
interface Remembered {
  readonly mandate: string;
  readonly said: boolean;
  readonly turn: number;
  readonly calls: readonly RememberedCall[];
}

interface RememberedCall {
  readonly turn: number;
  readonly values: string;
  readonly w: string;
  readonly tape: string;
}

/** Lists by number of a word; calls by their place in the state, plus one, 0 for none. */
export interface Memory {
  /** `MANDATED`, `USED`. */
  readonly marks: number[];
  /** First call whose result, known by now, has the word; first call one of whose values has it. */
  readonly results: number[];
  readonly own: number[];
  /** Calls whose results are known, in the order they became so. */
  readonly known: number[];
  /** Calls looked at; those that are not known yet. */
  seen: number;
  waiting: number[];
  /** Had turns been told of? Once they are, calls without one are placed anew. */
  said: boolean;
}

/** A word of the mandate. */
export const MANDATED = 1;
/** A word of a call that is known. */
export const USED = 2;

/** Memory of a unit that nothing was derived of yet. */
export function newMemory(said: boolean): Memory {
  return { marks: [], results: [], own: [], known: [], seen: 0, waiting: [], said };
}

/** Takes up the words and calls that came since. True where what was known of calls holds no more. */
export function recollect(state: Remembered, { n }: Lexis, memory: Memory): boolean {
  const { marks, results, own } = memory;
  const isFirst = marks.length === 0;
  while (marks.length < n) {
    marks.push(0);
    results.push(0);
    own.push(0);
  }
  if (isFirst)
    for (let at = 0; at < state.mandate.length; at += 1)
      marks[numberAt(state.mandate, at)] = MANDATED;
  const isAnew = memory.said !== state.said;
  if (isAnew) startAnew(state, memory);
  for (; memory.seen < state.calls.length; memory.seen += 1) {
    const at = memory.seen;
    noteFirst(own, (state.calls[at] as RememberedCall).values, at + 1);
    memory.waiting.push(at);
  }
  if (memory.waiting.length > 0)
    memory.waiting = memory.waiting.filter((at) => !becomesKnown(state, memory, at));
  return isAnew;
}

function startAnew(state: Remembered, memory: Memory): void {
  memory.said = state.said;
  memory.seen = 0;
  memory.waiting = [];
  memory.known.length = 0;
  for (let at = 0; at < memory.marks.length; at += 1) {
    memory.marks[at] = (memory.marks[at] as number) & MANDATED;
    memory.results[at] = 0;
  }
}

function becomesKnown(state: Remembered, { marks, results, known }: Memory, at: number): boolean {
  const past = state.calls[at] as RememberedCall;
  if (state.said && past.turn >= state.turn) return false;
  known.push(at);
  const { w, tape } = past;
  for (let k = 0; k < w.length; k += 1) {
    const number = numberAt(w, k);
    marks[number] = (marks[number] as number) | USED;
  }
  noteFirst(results, tape, at + 1);
  return true;
}

function noteFirst(first: number[], row: string, call: number): void {
  const end = END.charCodeAt(0);
  for (let k = 0; k < row.length; k += 1) {
    if (row.charCodeAt(k) === end) continue;
    const number = numberAt(row, k);
    const held = first[number] as number;
    if (held === 0 || call < held) first[number] = call;
  }
}
