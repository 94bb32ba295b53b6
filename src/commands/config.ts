/** Configuration: reads the YAML file and the environment, and says every mistake at once. */
import { readText, readYamlDocuments } from '../adapters/files.ts';
import { Config, type SourceConfig } from '../model/config.ts';
import { OperatingError, type Problem } from '../model/errors.ts';
import { schemaProblems } from '../model/schema.ts';
import { parseBudget } from '../score/budget.ts';
import { sinkProblems } from './sinks.ts';

/** The environment a command was started in; only main.ts reads the real one. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Configuration with its problems; use it only where there are none. */
export interface ReadConfig {
  readonly config: Config;
  readonly file: string;
  readonly problems: readonly Problem[];
}

/** The four streams as the documentation names them, in canonical form. */
export const DEFAULT_SOURCES: readonly SourceConfig[] = [
  {
    name: 'governance',
    topic: 'governance',
    decoder: 'canonical',
    trust: 'platform',
    kinds: ['governance'],
  },
  {
    name: 'reasoning',
    topic: 'reasoning',
    decoder: 'canonical',
    trust: 'agent',
    kinds: ['reasoning'],
  },
  { name: 'gateway', topic: 'gateway', decoder: 'canonical', trust: 'gateway', kinds: ['gateway'] },
  { name: 'metrics', topic: 'metrics', decoder: 'canonical', trust: 'runtime', kinds: ['metrics'] },
];

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
  if (config.kafka === undefined && config.jsonl === undefined)
    say(
      [],
      'where do records come from? Give `kafka: { brokers: [host:port] }` or `jsonl: { path: … }`',
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
    [['control', 'webhook', 'secret'], config.control?.webhook.secret],
    [['database', 'url'], config.database?.url],
  ] as const)
    if (secret !== undefined && (secret.env === undefined) === (secret.file === undefined))
      say(at, 'give exactly one of `env` and `file`: secrets are never written inline');
  return problems;
}

/** Value of a secret. Rejects with CONFIG_INVALID, naming the key and never the value. */
export async function secretOf(
  secret: { readonly env?: string; readonly file?: string },
  key: string,
  environment: Environment,
): Promise<string> {
  if (secret.env !== undefined) {
    const value = environment[secret.env];
    if (value !== undefined && value !== '') return value;
    throw new OperatingError(
      'CONFIG_INVALID',
      `${key}: the environment variable ${secret.env} is not set`,
      {
        retryable: false,
      },
    );
  }
  return (await readText(secret.file ?? '')).trim();
}

/** Problems as lines for people. */
export function problemLines(problems: readonly Problem[]): string[] {
  return problems.map(({ file, line, key, message }) => {
    const at = line === null ? file : `${file}:${line}`;
    return key === '' ? `${at}: ${message}` : `${at}: ${key}: ${message}`;
  });
}
