/** hours: activity at hours of the day and week at which this agent does not work. */

import { CELLS, hourCell } from '../../stats/seasonal-cell.ts';
import type { Dimension, Json } from '../dimension.ts';
import {
  compileNovelty,
  freshNovelty,
  learnNovelty,
  type NoveltyState,
  noveltySymbols,
  type Sighting,
  sightAs,
} from '../novelty.ts';
import { rounded } from '../wording.ts';

const NAMES = Array.from({ length: CELLS }, (_, cell) => {
  const hour = String(cell % 24).padStart(2, '0');
  return `${cell < 24 ? 'weekday' : 'weekend'} ${hour}:00 UTC`;
});
const CLOSED = { hour: NAMES };

const labelOf = (_: Sighting, symbol: string): string => symbol;
const SIGHTINGS = NAMES.map((name) => ({ space: 'hour', name, otherwise: name }));
const sightingsAt = (ms: number): readonly Sighting[] =>
  SIGHTINGS.slice(hourCell(ms), hourCell(ms) + 1);

/** Running maximum of the surprisal of the hour cell (24 hours × weekday or weekend) of each call. */
export const hours: Dimension = {
  name: 'hours',
  source: 'gateway',
  timing: 'running',
  takes: 'call',
  needs: 'L0',
  learn: (units) =>
    learnNovelty(units, CLOSED, (unit) =>
      unit.items.flatMap((item) =>
        item.type === 'call' && !item.ours && Number.isFinite(item.ms) ? sightingsAt(item.ms) : [],
      ),
    ) as unknown as Json,
  symbols: noveltySymbols,
  compile(levels) {
    const model = compileNovelty(levels, CLOSED);
    return {
      begin: () => freshNovelty() as unknown as Json,
      see(state, item) {
        const own = state as unknown as NoveltyState;
        if (item.type !== 'call' || item.ours || !Number.isFinite(item.ms))
          return { state, score: null };
        const name = NAMES[hourCell(item.ms)] as string;
        sightAs(model, own, 'hour', name, name, labelOf);
        return { state, score: own.max };
      },
      close: () => null,
      say(state) {
        const { max, space, symbol, label } = state as unknown as NoveltyState;
        if (max === null) return 'no call was seen';
        return `calls on a ${label}: sessions active then: ${model.support(space, symbol)}; ${rounded(max)} bits`;
      },
    };
  },
};
