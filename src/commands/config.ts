/** Configuration: the default streams, values of secrets, and problems in words. */
import { readText } from '../adapters/files.ts';
import type { SourceConfig } from '../model/config/source.ts';
import { OperatingError, type Problem } from '../model/errors.ts';

/** The environment a command was started in; only main.ts reads the real one. */
export type Environment = Readonly<Record<string, string | undefined>>;

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
