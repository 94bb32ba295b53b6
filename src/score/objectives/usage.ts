/** Usage: calls, failures, tokens, cost by agent, workflow and model, until written. */
import type { EventFact } from '../../model/fact.ts';
import type { UsageCount } from '../../model/objective.ts';
import type { KeepNames } from './kept-names.ts';

type Sums = {
  -readonly [K in Exclude<
    keyof UsageCount,
    'dayMs' | 'tenant' | 'agent' | 'role' | 'workflow' | 'model'
  >]: number;
};
interface Row extends Sums {
  readonly dayMs: number;
  readonly tenant: string;
  readonly agent: string;
  readonly role: string;
  readonly workflow: string;
  readonly model: string;
}

/** What one event adds. */
export type UsageStep = Partial<Sums>;

const DAY_MS = 86_400_000;

/** One text for all of it: the parts cannot run into one another. */
function keyOf(dayMs: number, ...parts: readonly string[]): string {
  let key = String(dayMs);
  for (const part of parts) key += ` ${part.length}:${part}`;
  return key;
}

/** Sums since the last `take`; nothing is kept beyond it, so a crash loses nothing that was written. */
export class Usage {
  readonly #keepNames: KeepNames;
  #rows = new Map<string, Row>();

  constructor(keepNames: KeepNames) {
    this.#keepNames = keepNames;
  }

  add(fact: EventFact, named: string, step: UsageStep): void {
    const { event, tenant, agent } = fact;
    const dayMs = Math.floor(event.time.eventMs / DAY_MS) * DAY_MS;
    const names = [named, event.reasoning?.model ?? fact.model ?? ''] as const;
    const [workflow, model] = this.#keepNames(fact, dayMs, names);
    const role = fact.role ?? '';
    const key = keyOf(dayMs, tenant, agent, role, workflow, model);
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = {
        ...{ dayMs, tenant, agent, role, workflow, model },
        ...{ sessions: 0, turns: 0, refusals: 0, calls: 0, failures: 0, denials: 0 },
        ...{ tokens: 0, cost: 0 },
      };
      this.#rows.set(key, row);
    }
    for (const name in step) row[name as keyof Sums] += step[name as keyof Sums] ?? 0;
  }

  /** The sums, ordered by their key; begins anew. */
  take(): UsageCount[] {
    const rows = [...this.#rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
    this.#rows = new Map();
    return rows;
  }
}
