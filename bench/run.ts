/** `npm run bench -- <name> [--smoke]`: runs a benchmark, keeps its result, rewrites the document. */
import { parseArgs } from 'node:util';
import type { Bench } from './bench.ts';
import { cep } from './cep.ts';
import { containment } from './containment.ts';
import { core } from './core.ts';
import { correlations } from './correlations.ts';
import { decode } from './decode.ts';
import { e2e } from './e2e.ts';
import { journal } from './journal.ts';
import { latency } from './latency.ts';
import { keep } from './measure.ts';
import { memory } from './memory.ts';
import { otlp } from './otlp.ts';
import { recovery } from './recovery.ts';
import { writeReport } from './report.ts';
import { rules } from './rules.ts';
import { scaleOut } from './scale-out.ts';
import { scoring } from './scoring.ts';
import { stream } from './stream.ts';
import { telemetry } from './telemetry.ts';

const BENCHES: readonly Bench[] = [
  e2e,
  core,
  stream,
  rules,
  correlations,
  scoring,
  memory,
  recovery,
  journal,
  containment,
  latency,
  otlp,
  telemetry,
  decode,
  scaleOut,
  cep,
];
const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      smoke: { type: 'boolean', default: false },
      events: { type: 'string' },
      pairs: { type: 'string' },
      rate: { type: 'string' },
      seconds: { type: 'string' },
    },
  });
  const [name] = positionals;
  if (name === 'report') {
    writeReport();
    return 0;
  }
  const chosen = BENCHES.filter((bench) => bench.name === name || name === 'all');
  if (chosen.length === 0) {
    say(
      'usage: npm run bench -- <name>|all|report [--smoke] [--events N] [--pairs N] [--rate N] [--seconds N]',
    );
    for (const bench of BENCHES) say(`  ${bench.name.padEnd(9)} ${bench.claim}`);
    return 2;
  }
  for (const bench of chosen) {
    const extra = [
      values.events && `--events ${values.events}`,
      values.pairs && `--pairs ${values.pairs}`,
      values.rate && `--rate ${values.rate}`,
      values.seconds && `--seconds ${values.seconds}`,
    ]
      .filter((part) => typeof part === 'string')
      .join(' ');
    const result = await bench.run({
      smoke: values.smoke,
      events: values.events === undefined ? null : Number(values.events),
      pairs: values.pairs === undefined ? (values.smoke ? 1 : 5) : Number(values.pairs),
      rate: values.rate === undefined ? null : Number(values.rate),
      seconds: values.seconds === undefined ? null : Number(values.seconds),
      command: `npm run bench -- ${bench.name}${extra === '' ? '' : ` ${extra}`}`,
      say,
    });
    if (values.smoke) {
      say(`${bench.name}: equal work done; a smoke run keeps no figures`);
      continue;
    }
    keep(result);
    writeReport();
    say(`${bench.name}: kept in bench/results/${bench.name}.json; docs/benchmarks.md rewritten`);
  }
  return 0;
}

try {
  process.exitCode = await main();
} catch (cause) {
  process.stderr.write(`${cause instanceof Error ? cause.stack : String(cause)}\n`);
  process.exitCode = 1;
}
