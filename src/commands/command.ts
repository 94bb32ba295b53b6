/** Command: what every command states and receives. */
import type { Given, OptionSpec } from './arguments.ts';
import type { Environment } from './config.ts';
import type { Output } from './output.ts';

/** What a command may use of the process. */
export interface CommandContext {
  readonly output: Output;
  readonly environment: Environment;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** One command of the command line. */
export interface Command {
  readonly name: string;
  /** Other names it answers to. */
  readonly aliases?: readonly string[];
  /** How it is called. */
  readonly synopsis: string;
  /** What it does, one line. */
  readonly summary: string;
  readonly options: OptionSpec;
  /** How many words it takes besides its options. Default: none. */
  readonly words?: number;
  /** Exit code: 0 done · 1 something was found wrong · 2 usage or configuration. */
  run(given: Given, context: CommandContext): Promise<0 | 1 | 2>;
}
