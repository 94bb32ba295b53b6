/** Arguments: one strict parser for every command; mistakes are said with what is possible. */
import { parseArgs } from 'node:util';
import { nearest } from '../detect/sigma/text.ts';
import { durationMs } from '../model/duration.ts';
import { OperatingError } from '../model/errors.ts';

/** Option names and whether each takes a value. */
export type OptionSpec = Readonly<Record<string, 'flag' | 'value'>>;

/** What was given. */
export interface Given {
  readonly words: readonly string[];
  has(name: string): boolean;
  value(name: string): string | undefined;
  /** A whole number of at least `least`. */
  count(name: string, least: number): number | undefined;
}

/** Options every command has. */
export const COMMON: OptionSpec = { json: 'flag', quiet: 'flag', config: 'value', help: 'flag' };

/** Parses; rejects an unknown option with the list of known ones (CONFIG_INVALID: exit 2). */
export function parse(args: readonly string[], spec: OptionSpec): Given {
  const known = { ...COMMON, ...spec };
  const options: Record<string, { type: 'boolean' | 'string' }> = {};
  for (const [name, kind] of Object.entries(known))
    options[name] = { type: kind === 'flag' ? 'boolean' : 'string' };
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options,
      allowPositionals: true,
      strict: true,
    });
    return {
      words: positionals,
      has: (name) => values[name] === true,
      value: (name) => {
        const value = values[name];
        return typeof value === 'string' ? value : undefined;
      },
      count: (name, least) => countOf(name, values[name], least),
    };
  } catch (cause) {
    const names = Object.keys(known).map((name) => `--${name}`);
    const said = cause instanceof Error ? cause.message.split('. To specify')[0] : 'bad arguments';
    const typed = /'--([^'\s]+)/.exec(said ?? '')?.[1] ?? '';
    const near = typed in known ? null : nearest(typed, Object.keys(known));
    if (near !== null) throw usage(`${said}; did you mean --${near}?`, cause);
    throw usage(`${said}. Known options: ${names.join(' ')}`, cause);
  }
}

/** A mistake in how a command was called; the command line shows its synopsis beside it. */
export class UsageError extends OperatingError {
  constructor(message: string, cause?: unknown) {
    super('CONFIG_INVALID', message, { retryable: false, cause });
    this.name = 'UsageError';
  }
}

/** A mistake in how a command was called: exit 2. */
export function usage(message: string, cause?: unknown): OperatingError {
  return new UsageError(message, cause);
}

/** Milliseconds of a length of time as people write it: 30s, 10m, 2h. CONFIG_INVALID otherwise. */
export function lengthOfTime(text: string): number {
  try {
    return durationMs(text);
  } catch (cause) {
    throw usage(`a length of time is written 30s, 10m, 2h; not ${JSON.stringify(text)}`, cause);
  }
}

/** Addresses of brokers as people list them: host:port,host:port. CONFIG_INVALID otherwise. */
export function brokersOf(text: string): string[] {
  const brokers = text.split(',').map((each) => each.trim());
  for (const broker of brokers)
    if (!/^[^\s:]+:[0-9]{1,5}$/.test(broker))
      throw usage(`--brokers lists host:port, separated by commas; not ${JSON.stringify(broker)}`);
  return brokers;
}

function countOf(name: string, value: unknown, least: number): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < least)
    throw usage(
      `--${name} takes a whole number of at least ${least}, not ${JSON.stringify(value)}`,
    );
  return number;
}
