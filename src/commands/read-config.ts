/** Reads the configuration file, and says every mistake at once, before anything is opened. */
import { readYamlDocuments } from '../adapters/files.ts';
import { Config } from '../model/config.ts';
import type { Problem } from '../model/errors.ts';
import { schemaProblems } from '../model/schema.ts';
import { parseBudget } from '../score/budget.ts';
import { DEFAULT_SOURCES } from './config.ts';
import { controlProblems } from './control.ts';
import { ingestProblems, sentTo } from './ingest-options.ts';
import { kafkaProblems } from './kafka-access.ts';
import { listenerProblems } from './listener-options.ts';
import { signalProblems } from './signals.ts';
import { sinkProblems } from './sinks.ts';

/** Configuration with its problems; use it only where there are none. */
export interface ReadConfig {
  readonly config: Config;
  readonly file: string;
  readonly problems: readonly Problem[];
}

/** Reads a configuration file. Never throws for what the file says. */
export async function readConfig(file: string): Promise<ReadConfig> {
  const read = await readYamlDocuments(file);
  const [document, second] = read.file.documents;
  const problems = [...read.problems];
  const none: Config = { sources: [...DEFAULT_SOURCES] };
  if (document === undefined) {
    if (problems.length === 0)
      problems.push({ file, line: null, key: '', message: 'the file is empty' });
    return { config: none, file, problems };
  }
  if (second !== undefined)
    problems.push({
      file,
      line: null,
      key: '',
      message: 'one document only, please: found several',
    });
  const where = { file, lineOf: document.lineOf };
  problems.push(...schemaProblems(Config, document.value, where));
  if (problems.length > 0) return { config: none, file, problems };
  const config = document.value as Config;
  const meant = meaningProblems(config, file, document.lineOf);
  return { config, file, problems: [...meant, ...sinkProblems(config, where)] };
}

function meaningProblems(
  config: Config,
  file: string,
  lineOf: (path: readonly (string | number)[]) => number | null,
): Problem[] {
  const problems: Problem[] = [];
  const say = (path: readonly (string | number)[], message: string) =>
    problems.push({ file, line: lineOf(path), key: path.join('.'), message });
  if (config.kafka === undefined && config.jsonl === undefined && sentTo(config).length === 0)
    say(
      [],
      'where do records come from? Give `kafka: { brokers: [host:port] }`, `jsonl: { path: … }`, or sources `http: { sha256: [...] }`',
    );
  if (config.kafka !== undefined && config.jsonl !== undefined)
    say(['jsonl'], 'one of `kafka` and `jsonl`, not both: a lane reads one log');
  const names = new Set<string>();
  config.sources.forEach((source, at) => {
    if (names.has(source.name))
      say(['sources', at, 'name'], `a second source is called ${source.name}`);
    names.add(source.name);
  });
  for (const [rung, words] of Object.entries(config.budgets ?? {})) {
    const budget = parseBudget(words);
    if ('problem' in budget) say(['budgets', rung], budget.problem);
  }
  for (const [at, secret] of [
    [['database', 'url'], config.database?.url],
    [['journal', 'signingKey'], config.journal?.signingKey],
  ] as const)
    if (secret !== undefined && (secret.env === undefined) === (secret.file === undefined))
      say(at, 'give exactly one of `env` and `file`: secrets are never written inline');
  problems.push(...kafkaProblems(config, { file, lineOf }));
  problems.push(...controlProblems(config, { file, lineOf }));
  problems.push(...listenerProblems(config, { file, lineOf }));
  problems.push(...ingestProblems(config, { file, lineOf }));
  problems.push(...signalProblems(config, { file, lineOf }));
  return problems;
}
