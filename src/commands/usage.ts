/** `usage`: cost, tokens, calls and failures by agent, role, workflow, model or day. */
import { sumUsage, USAGE_KEYS, type UsageSum } from '../record/objectives.ts';
import { usage as misused } from './arguments.ts';
import type { Command } from './command.ts';
import { safe, table } from './output.ts';
import { withStore } from './reading.ts';

const DAY_MS = 86_400_000;
const HEAD = 'AGENTS SESSIONS TURNS REFUSED CALLS FAILED DENIED TOKENS COST'.split(' ');
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** The command. */
export const usageCommand: Command = {
  name: 'usage',
  synopsis: 'usage [--by agent|role|workflow|model|tenant|day] [--since DAY] [--until DAY]',
  summary: 'show-back: cost, tokens, calls and failures by agent, workflow, model or day',
  options: { by: 'value', since: 'value', until: 'value', limit: 'value' },
  run: async (given, { output, environment }) => {
    const named = given.value('by') ?? 'workflow';
    const by = USAGE_KEYS.find((key) => key === named);
    if (by === undefined) throw misused(`--by is one of ${USAGE_KEYS.join(', ')}; not ${named}`);
    const fromMs = dayMs('since', given.value('since')) ?? 0;
    const lastMs = dayMs('until', given.value('until'));
    const toMs = lastMs === null ? Number.MAX_SAFE_INTEGER : lastMs + DAY_MS;
    if (toMs <= fromMs) throw misused('--until lies before --since');
    const limit = given.count('limit', 1) ?? 50;
    const found = await withStore(given, environment, (db) =>
      sumUsage(db, by, { fromMs, toMs, limit }),
    );
    output.json(found);
    if (found.length === 0) {
      output.line('Nothing was used in that time.');
      return 0;
    }
    const rows = found.map((sum) => rowOf(by === 'day' ? dayOf(sum.key) : sum.key, sum));
    for (const row of table([[by.toUpperCase(), ...HEAD], ...rows])) output.line(row);
    if (found.length === limit) output.line(`(the ${limit} dearest; --limit N shows more)`);
    return 0;
  },
};

/** Beginning of a UTC day as it is written; null where none is. */
function dayMs(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const ms = DAY.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(ms)) throw misused(`--${option} is a UTC day such as 2026-11-29; not ${text}`);
  return ms;
}

function dayOf(ms: string): string {
  return new Date(Number(ms)).toISOString().slice(0, 10);
}

function rowOf(key: string, sum: UsageSum): string[] {
  const counted = [sum.agents, sum.sessions, sum.turns, sum.refusals, sum.calls, sum.failures];
  return [
    key === '' ? '(none)' : safe(key, 60),
    ...counted.map((n) => n.toLocaleString('en')),
    sum.denials.toLocaleString('en'),
    Math.round(sum.tokens).toLocaleString('en'),
    sum.cost.toFixed(2),
  ];
}
