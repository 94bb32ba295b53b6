/** `adoption`: how far each role is from its next mode, with the figures for the step. */
import { toYaml } from '../adapters/files.ts';
import { NO_CONTROL } from '../decide/chain.ts';
import type { Config } from '../model/config.ts';
import { short } from '../model/ids.ts';
import type { Database } from '../model/ports.ts';
import { driverRecords, roleExposure, rungCases } from '../record/adoption.ts';
import { eventNowMs } from '../record/power.ts';
import { type Adoption, adoptionOf, DAYS_MIN, type Need } from './adoption-figures.ts';
import { usage } from './arguments.ts';
import { plansOf } from './baseline-load.ts';
import type { Command } from './command.ts';
import { controlPlan } from './control.ts';
import { CONFIG_FILE, configOf } from './inputs.ts';
import { modeIn } from './lane.ts';
import { count, safe, table, timeOf, typed } from './output.ts';
import { withStore } from './reading.ts';

const DAY_MS = 86_400_000;
const DAYS = 28;
const SHOWN = 20;
/** Roles are named by records: more than so many are not roles. */
const ROLES_MAX = 200;

/** The command. */
export const adoption: Command = {
  name: 'adoption',
  synopsis: 'adoption [--role R] [--days N]',
  summary: 'the mode of each role, its next step, and the figures a person needs before taking it',
  options: { role: 'value', days: 'value' },
  run: async (given, { output, environment }) => {
    const days = given.count('days', DAYS_MIN) ?? DAYS;
    const { config, file } = await configOf(given);
    const named = given.value('role');
    const found = await withStore(given, environment, (db) => adoptions(db, config, days, named));
    if (found === null) {
      output.json([]);
      output.line('Nothing was observed so far.');
      return 0;
    }
    if (named !== undefined && found.length === 0)
      throw usage(
        `role ${JSON.stringify(named)} did nothing in the last ${days} days and has no mode of its own`,
      );
    output.json(found.map((one) => ({ ...one, edit: editOf(one) })));
    const where = file.startsWith('(') ? CONFIG_FILE : file;
    for (const one of found) for (const line of textOf(one, where)) output.line(line);
    output.line(
      `Figures of the last ${days} days of event time. No step is taken by itself: it is your edit.`,
    );
    return 0;
  },
};

async function adoptions(
  db: Database,
  config: Config,
  days: number,
  named: string | undefined,
): Promise<readonly Adoption[] | null> {
  const nowMs = await eventNowMs(db);
  if (nowMs === null) return null;
  const sinceMs = nowMs - days * DAY_MS;
  const exposures = await roleExposure(db, sinceMs);
  const cases = await rungCases(db, sinceMs);
  const drivers = await driverRecords(db, sinceMs);
  const own = Object.keys(config.roles ?? {}).filter((role) => role !== 'default');
  const seen = [...exposures.map(({ role }) => role), ...cases.map(({ role }) => role), ...own];
  const roles = [...new Set(seen)].filter((role) => role !== '').sort();
  const plan = config.control === undefined ? NO_CONTROL : controlPlan(config);
  return roles
    .filter((role) => named === undefined || role === named)
    .slice(0, ROLES_MAX)
    .map((role) =>
      adoptionOf({
        ...{ role, mode: modeIn(config, role), drivers, plan, budgets: plansOf(config) },
        exposure: exposures.find((one) => one.role === role) ?? null,
        cases: cases.filter((one) => one.role === role),
      }),
    );
}

/** The lines to put into the configuration; null where there is no next step. */
function editOf({ role, next }: Adoption): string | null {
  return next === null ? null : toYaml({ roles: { [role]: { mode: next } } });
}

function textOf(one: Adoption, file: string): string[] {
  const { role, mode, next, days, agents, sessions, needs, isReady, wouldHaveActed } = one;
  const seen = `${count(agents, 'agent')}, ${count(sessions, 'session')} on ${count(days, 'day')}`;
  const head = `Role ${safe(role, 80)}: ${mode}${next === null ? ', the last step' : ` → ${next}`} (${seen})`;
  const lines = [head, ...table(needs.map(needRow))];
  if (wouldHaveActed.length > 0) {
    const rows = wouldHaveActed
      .slice(0, SHOWN)
      .map((act) => [
        ...[`    ${short(act.caseId)}`, timeOf(act.timeMs), act.rung, safe(act.agent, 40)],
        ...[safe(act.detectors, 60), act.verdict?.replaceAll('_', ' ') ?? 'judged by nobody'],
      ]);
    lines.push('  Would have acted, were it autonomous:', ...table(rows));
    if (wouldHaveActed.length > SHOWN)
      lines.push(`    and ${wouldHaveActed.length - SHOWN} more; --json has all`);
  }
  if (next === null) return [...lines, ''];
  const missing = needs.filter(({ isMet }) => !isMet).length;
  lines.push(
    isReady
      ? `  Nothing is missing. To take the step, put this into ${safe(file, 120)} and start anew:`
      : `  Missing: ${missing} of ${needs.length}. When you take the step all the same, this is what to put into ${safe(file, 120)}:`,
    ...(editOf(one) ?? '')
      .trimEnd()
      .split('\n')
      .map((line) => `    ${safe(line, 400)}`),
  );
  if (needs.some(({ need, isMet }) => need === 'judged' && !isMet))
    lines.push(
      `  To judge one: ${typed('verdict CASE true_positive|false_positive --by YOU --note WHAT')}`,
    );
  return [...lines, ''];
}

function needRow({ need, of, isMet, figure, missing }: Need): string[] {
  const what = of === '' ? need : `${need} ${safe(of, 40)}`;
  return [
    `  ${isMet ? 'met' : 'MISSING'}`,
    what,
    missing === null ? figure : `${figure}; ${missing}`,
  ];
}
