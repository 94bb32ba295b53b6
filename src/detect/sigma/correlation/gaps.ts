/** Gaps: when which source could not be heard, as far as absences still ask. */
import type { Entity, Slots } from '../../../state/slots.ts';
import type { Stretch } from './group.ts';
import type { Book } from './hit.ts';

type Past = readonly [fromMs: number, toMs: number];

interface Gaps extends Entity {
  /** Beginning of the gap that lasts, ms; null where the source is heard. */
  openMs: number | null;
  /** Newest last, at most PAST_MAX; the first stands for all that were before it, and what lay between. */
  past: Past[];
}

const SPACE = 'CG';
const PAST_MAX = 64;

const keyOf = ({ kind, tenant }: Book): string => (tenant === '-' ? kind : `${kind} ${tenant}`);

/** Remembers a gap; `toMs` null: it lasts. */
export function noteGap(slots: Slots, book: Book, fromMs: number, toMs: number | null): void {
  const key = keyOf(book);
  const gaps = slots.get<Gaps>(SPACE, key) ?? { openMs: null, past: [] };
  if (toMs === null) gaps.openMs = Math.min(fromMs, gaps.openMs ?? fromMs);
  else {
    gaps.openMs = null;
    gaps.past.push([fromMs, toMs]);
    // A source that comes and goes must not make its own gaps forgotten.
    if (gaps.past.length > PAST_MAX) {
      const [[from1, to1], [from2, to2]] = gaps.past as [Past, Past];
      gaps.past.splice(0, 2, [Math.min(from1, from2), Math.max(to1, to2)]);
    }
  }
  slots.put(SPACE, key, gaps);
}

/** What the stretch of time looks like from this source: heard, blind now, or blind then. */
export function sightOf(
  slots: Slots,
  book: Book,
  { fromMs, toMs }: Stretch,
  isBlind: boolean,
): 'clear' | 'open' | 'gap' {
  const gaps = slots.get<Gaps>(SPACE, keyOf(book));
  if (gaps?.past.some(([from, to]) => from <= toMs && to >= fromMs) === true) return 'gap';
  if (gaps !== undefined && gaps.openMs !== null) return gaps.openMs <= toMs ? 'open' : 'clear';
  return isBlind ? 'open' : 'clear';
}
