/** The lane under measurement: every detector of the package, observe mode, documented defaults. */
import { laneOptions } from '../src/commands/lane.ts';
import { ROOT, readLibrary } from '../src/commands/library.ts';
import type { SourceConfig } from '../src/model/config/source.ts';
import type { Config } from '../src/model/config.ts';
import { KINDS, type Kind, type Trust } from '../src/model/event.ts';
import type { PartitionLag } from '../src/model/ports.ts';
import type { PipelineOptions } from '../src/pipeline/options.ts';
import { PARTITIONS } from './workload.ts';

const TRUST: Readonly<Record<Kind, Trust>> = {
  reasoning: 'agent',
  gateway: 'gateway',
  governance: 'policy',
  metrics: 'runtime',
};

/** Four canonical sources, one a book, whose topics are `<prefix><book>`. */
export function sourcesOf(prefix: string): SourceConfig[] {
  return KINDS.map((kind) => ({
    name: kind,
    topic: `${prefix}${kind}`,
    decoder: 'canonical',
    trust: TRUST[kind],
    kinds: [kind],
  }));
}

/** Options of the core. Rejects where the package's own files have a problem. */
export async function benchLane(): Promise<PipelineOptions> {
  const library = await readLibrary(`${ROOT}detectors`);
  const config: Config = { sources: sourcesOf('') };
  const lane = laneOptions(config, library, { file: 'bench', digestKey: 'bench' });
  const problems = [...library.problems, ...lane.problems];
  if (problems.length > 0) throw new Error(problems.map((one) => one.message).join('\n'));
  return lane.options;
}

/** Every partition, empty or not, as a broker would name them at the start. */
export function partitionLags(ends: ReadonlyMap<string, number>): PartitionLag[] {
  const lags: PartitionLag[] = [];
  for (const topic of KINDS)
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      lags.push({ topic, partition, low: 0, next: 0, end: ends.get(`${topic}/${partition}`) ?? 0 });
  return lags;
}
