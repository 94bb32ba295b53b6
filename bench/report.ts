/** docs/benchmarks.md, made from bench/results: never edited by hand. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { kept, type Result, type Spread } from './measure.ts';

const DOCUMENT = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));
const COSTS = fileURLToPath(new URL('./costs.md', import.meta.url));

const TITLES: Readonly<Record<string, string>> = {
  e2e: 'End to end: the daemon against a bare consumer',
  core: 'The core alone: what an event costs, and where',
  stream: 'A stream that lasts: the core, from memory',
  rules: 'Rules: what detectors in Sigma cost, by their number',
  correlations: 'Correlations: what a hit costs each type',
  scoring: 'Scoring: what baselines and evidence cost',
  memory: 'Memory and stored state',
  recovery: 'Recovery',
  'scale-out': 'Scale-out: one, two, four members, and members that come and go',
  otlp: 'OTLP: what a span costs',
  decode: 'Decoding JSON: what a record of each format costs',
  journal: 'The journal: verifying an export offline',
  telemetry: 'Telemetry: what observing ourselves costs',
  latency: 'Latency: from a hostile call in Kafka to a control call received',
  cep: 'Complex events: three patterns, ours beside Esper, Node and Python',
  containment: 'Containment: from a hostile call in Kafka to a lease that holds',
};

/** Rewrites the document. */
export function writeReport(): void {
  const results = kept();
  const parts = [
    '# Benchmarks',
    'Made by `npm run bench -- report` from `bench/results/*.json`, which hold every round; do not edit. There is **no target yet**: these are figures, not ' +
      'promises. They come from small shared machines, so read CPU time, not wall time, and nothing below a factor of 1.4 as a difference. Values are ' +
      'medians, with the least and the most in brackets.',
  ];
  for (const [name, title] of Object.entries(TITLES)) {
    const result = results.get(name);
    parts.push(`## ${title}`);
    if (result === undefined) parts.push('Not run.');
    else parts.push(...sectionOf(result));
  }
  if (existsSync(COSTS)) parts.push(readFileSync(COSTS, 'utf8').trim());
  writeFileSync(DOCUMENT, `${parts.join('\n\n')}\n`);
}

function sectionOf({ command, at, machine, workload, figures, notes }: Result): string[] {
  const { commit, node, cpu, cores, memoryGiB, kernel, loadBefore, loadAfter } = machine;
  const rows = Object.entries(figures).map(([name, value]) => `| ${name} | ${shown(value)} |`);
  const { fleet: _fleet, ...work } = workload;
  return [
    `\`${command}\` · ${at.slice(0, 10)} · commit ${String(commit).slice(0, 12)}${String(commit).slice(40)} · Node ${node} · ${cores} × ${cpu}, ${memoryGiB} GiB, Linux ${kernel} · ` +
      `load average before ${list(loadBefore)}, after ${list(loadAfter)} · ${list(Object.entries(work).map(([key, value]) => `${key} ${String(value)}`))}`,
    ['| figure | value |', '|---|--:|', ...rows].join('\n'),
    notes.map((note) => `- ${note}.`).join('\n'),
  ];
}

function list(values: unknown): string {
  return (values as readonly unknown[]).join(', ');
}

function shown(value: Spread | number | string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return number(value);
  return `${number(value.median)} (${number(value.min)}–${number(value.max)})`;
}

function number(value: number): string {
  if (!Number.isFinite(value)) return 'not measured';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}
