/** Features: what a session comes to in figures, for methods that see figures only. */
import { isChanging, type UnitRecord } from '../../model/unit.ts';

/** Totals of a session's metrics by name. */
export function metricsOf({ items }: UnitRecord): Map<string, number> {
  const totals = new Map<string, number>();
  for (const item of items)
    if (item.type === 'metric') totals.set(item.name, (totals.get(item.name) ?? 0) + item.value);
  return totals;
}

/** Names of the metrics that any of these sessions has, in order. */
export function metricNames(units: readonly UnitRecord[]): string[] {
  return [...new Set(units.flatMap((unit) => [...metricsOf(unit).keys()]))].sort();
}

/** One row per session: its metrics in the order of `names`, NaN where it has none. */
export function metricRows(units: readonly UnitRecord[], names: readonly string[]): Float64Array[] {
  return units.map((unit) => {
    const totals = metricsOf(unit);
    return Float64Array.from(names, (name) => totals.get(name) ?? Number.NaN);
  });
}

/** Counts of what was done and said. All are ≥ 0; a metric a session lacks counts as 0. */
export function featureRow(unit: UnitRecord, names: readonly string[]): Float64Array {
  const tools = new Set<string>();
  let [calls, changing, errors, refused, repeats, written, read] = [0, 0, 0, 0, 0, 0, 0];
  let [turns, said, announced] = [0, 0, 0];
  let previous = '';
  for (const item of unit.items)
    if (item.type === 'call') {
      calls += 1;
      tools.add(item.tool);
      if (isChanging(item.toolClass)) changing += 1;
      if (item.outcome === 'error') errors += 1;
      if (item.decision === 'deny') refused += 1;
      if (item.tool === previous) repeats += 1;
      previous = item.tool;
      written += sizeOf(item.args);
      read += sizeOf(item.result);
    } else if (item.type === 'say') {
      turns += 1;
      said += item.text?.length ?? 0;
      announced += item.tools.length;
    }
  const totals = metricsOf(unit);
  return Float64Array.from([
    ...names.map((name) => totals.get(name) ?? 0),
    ...[calls, tools.size, changing, errors, refused, repeats, written, read],
    ...[turns, said, announced],
  ]);
}

/** Characters of a value as JSON; 0 for none. */
function sizeOf(value: unknown): number {
  return value === null || value === undefined ? 0 : (JSON.stringify(value)?.length ?? 0);
}
