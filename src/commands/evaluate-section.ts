/** Section: one part of the evaluation, as goals, tables and figures. */
import type { Goal } from '../evaluation/recordings/goals.ts';
import type { Library } from './library.ts';
import type { Output } from './output.ts';

/** Parts of the evaluation, in the order they are run and written. */
export const SECTIONS = ['corpus', 'stories', 'budget', 'nab'] as const;
/** One of SECTIONS. */
export type SectionName = (typeof SECTIONS)[number];

/** What a part came to. */
export interface Section {
  readonly goals: readonly Goal[];
  /** Markdown by the name the template gives it. */
  readonly texts: Readonly<Record<string, string>>;
  /** The same for programs. */
  readonly figures: unknown;
}

/** What every part may use. */
export interface Bench {
  readonly library: Library;
  readonly output: Output;
  /** Seed of everything that is drawn. */
  readonly seed: string;
}
