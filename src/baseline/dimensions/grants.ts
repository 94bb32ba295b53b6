/** grants: grants, approvals and changes that sessions of this role do not come with (4.2). */
import type { ChangeItem } from '../../model/unit.ts';
import type { Dimension, Json } from '../dimension.ts';
import {
  compileNovelty,
  freshNovelty,
  learnNovelty,
  type NoveltyState,
  noveltySymbols,
  type Sighting,
  sight,
} from '../novelty.ts';
import { named, rounded, symbolOf } from '../wording.ts';

const CLOSED = { change: ['?'], tool: ['?'] };
/** Tools of one record that are looked at. */
const TOOLS_MAX = 256;

/** Running maximum of the surprisal of governance records: what changed, and for which tool. */
export const grants: Dimension = {
  name: 'grants',
  source: 'governance',
  timing: 'running',
  takes: 'change',
  needs: 'L0',
  learn: (units) =>
    learnNovelty(units, CLOSED, (unit) =>
      unit.items.flatMap((item) => (item.type === 'change' ? sightingsOf(item) : [])),
    ) as unknown as Json,
  symbols: noveltySymbols,
  compile(levels) {
    const model = compileNovelty(levels, CLOSED);
    return {
      begin: () => freshNovelty() as unknown as Json,
      see(state, item) {
        const own = state as unknown as NoveltyState;
        if (item.type !== 'change') return { state, score: null };
        for (const sighting of sightingsOf(item)) sight(model, own, sighting, labelOf);
        return { state, score: own.max };
      },
      close: () => null,
      say(state) {
        const { max, space, symbol, label } = state as unknown as NoveltyState;
        if (max === null) return 'governance recorded no change';
        return `${label}: sessions with it: ${model.support(space, symbol)}; ${rounded(max)} bits`;
      },
    };
  },
};

function sightingsOf({ change, tools }: ChangeItem): Sighting[] {
  const list: Sighting[] = [{ space: 'change', name: symbolOf(change), otherwise: '?' }];
  for (const tool of tools.slice(0, TOOLS_MAX))
    list.push({ space: 'tool', name: symbolOf(change, tool), otherwise: '?' });
  return list;
}

function labelOf({ space, name }: Sighting, symbol: string): string {
  if (space === 'change')
    return symbol === name ? `change ${named(name)}` : 'a change not known here';
  return symbol === name ? `change ${named(name)}` : 'a change for a tool it was not known for';
}
