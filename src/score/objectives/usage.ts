/** Usage: calls, failures, tokens, cost by agent, workflow and model, until written. */
import type { EventFact } from '../../model/fact.ts';
import type { UsageCount } from '../../model/objective.ts';
import { type KeepNames, OTHERS } from './kept-names.ts';

type Sums = {
  -readonly [K in Exclude<
    keyof UsageCount,
    'dayMs' | 'tenant' | 'agent' | 'role' | 'workflow' | 'model'
  >]: number;
};

/** What usage is told by. */
interface Who {
  readonly dayMs: number;
  readonly tenant: string;
  readonly agent: string;
  readonly role: string;
  readonly workflow: string;
  readonly model: string;
}

interface Row extends Sums, Who {}

/** What one event adds. */
export type UsageStep = Partial<Sums>;

const DAY_MS = 86_400_000;

/** One text for all of it: the parts cannot run into one another. */
function keyOf({ dayMs, tenant, agent, role, workflow, model }: Who): string {
  return JSON.stringify([dayMs, tenant, agent, role, workflow, model]);
}

function isOf(row: Who, { dayMs, tenant, agent, role, workflow, model }: Who): boolean {
  const isSame = row.agent === agent && row.dayMs === dayMs && row.tenant === tenant;
  return isSame && row.role === role && row.workflow === workflow && row.model === model;
}

/** Sums since the last `take`; nothing is kept beyond it, so a crash loses nothing that was written. */
export class Usage {
  readonly #keepNames: KeepNames;
  #rows = new Map<string, Row>();
  /** By agent: the row that it came to last. */
  readonly #newest = new Map<string, Row>();

  constructor(keepNames: KeepNames) {
    this.#keepNames = keepNames;
  }

  add(fact: EventFact, named: string, step: UsageStep): void {
    const { event, tenant } = fact;
    const dayMs = Math.floor(event.time.eventMs / DAY_MS) * DAY_MS;
    const names = [named, event.reasoning?.model ?? fact.model ?? ''] as const;
    const [agent, workflow, model] = this.#keepNames(fact, dayMs, names);
    const role = agent === fact.agent ? (fact.role ?? '') : OTHERS;
    const who = { dayMs, tenant, agent, role, workflow, model };
    // An agent goes on with what it is at, as a rule.
    let row = this.#newest.get(agent);
    if (row === undefined || !isOf(row, who)) row = this.#rowOf(who);
    for (const name in step) row[name as keyof Sums] += step[name as keyof Sums] ?? 0;
  }

  #rowOf(who: Who): Row {
    const key = keyOf(who);
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = {
        ...who,
        ...{ sessions: 0, turns: 0, refusals: 0, calls: 0, failures: 0, denials: 0 },
        ...{ tokens: 0, cost: 0 },
      };
      this.#rows.set(key, row);
    }
    this.#newest.set(who.agent, row);
    return row;
  }

  /** The sums, ordered by their key; begins anew. */
  take(): UsageCount[] {
    const rows = [...this.#rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
    this.#rows = new Map();
    this.#newest.clear();
    return rows;
  }
}
