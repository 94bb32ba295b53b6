/** The generated part of operations.md: every metric, and the rules that rest on it. */
import { METRICS, type Metric } from '../src/model/metrics.ts';

/** A rule as the file of rules has it. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
}

/** Names of metrics in an expression. */
export function metricsIn(expression: string): readonly string[] {
  return expression.match(/\bplumbline_[a-z_]+/g) ?? [];
}

/** The name a metric is declared by: those of a histogram have endings. */
export function declaredName(name: string): string {
  return Object.hasOwn(METRICS, name) ? name : name.replace(/_(?:bucket|sum|count)$/, '');
}

/** One table: name, type, labels, what it says, and which rules ask for it. */
export function metricTable(rules: readonly AlertRule[]): string {
  const rows = (Object.entries(METRICS) as [string, Metric][]).map(([name, metric]) => {
    const asking = rules
      .filter(({ expr }) => metricsIn(expr).map(declaredName).includes(name))
      .map(({ alert }) => alert.replace(/^Plumbline/, ''));
    const labels = metric.labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${metric.type} | ${labels} | ${metric.help} | ${asking.join(', ')} |`;
  });
  return ['| metric | type | labels | says | rules |', '|---|---|---|---|---|', ...rows].join('\n');
}
