/** Dispatch: from the words of a command line to a command and its exit code. */
import { nearest } from '../detect/sigma/text.ts';
import { OperatingError } from '../model/errors.ts';
import { COMMON, parse, UsageError, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { COMMANDS, helpText, usageText } from './commands.ts';
import type { Environment } from './config.ts';
import { createOutput } from './output.ts';

const SYNOPSIS_MAX = 160;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** The platform under us cannot heal by itself: a supervisor should start us again. */
const EXIT_SOFTWARE = 70;

/** What a process lends to its commands. */
export interface Process {
  readonly environment: Environment;
  readonly signal: AbortSignal;
  stdout(text: string): void;
  stderr(text: string): void;
}

/**
 * Runs the command that `args` name and resolves to its exit code. Operating errors become one line
 * with code and advice; anything else is a fault of the program and rejects.
 */
export async function dispatch(args: readonly string[], io: Process): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || name === '--help') {
    io.stdout(usageText());
    return name === undefined ? EXIT_USAGE : 0;
  }
  const command = COMMANDS.find(
    (known) => known.name === name || known.aliases?.includes(name) === true,
  );
  if (command === undefined) {
    const near = nearest(
      name,
      COMMANDS.map((known) => known.name),
    );
    const said = `plumbline: unknown command ${JSON.stringify(name)}`;
    // One near name is what somebody wants to read, not the list of all.
    io.stderr(near === null ? `${said}\n\n${usageText()}` : `${said}; did you mean ${near}?\n`);
    return EXIT_USAGE;
  }
  try {
    const given = parse(rest, { ...COMMON, ...command.options });
    if (given.has('help')) {
      io.stdout(helpText(command));
      return 0;
    }
    const extra = given.words[command.words ?? 0];
    if (extra !== undefined)
      throw usage(`${JSON.stringify(extra)} is one word too many; options begin with --`);
    const output = createOutput({ json: given.has('json'), quiet: given.has('quiet') });
    return await command.run(given, { output, environment: io.environment, signal: io.signal });
  } catch (cause) {
    if (!(cause instanceof OperatingError)) throw cause;
    const isUsage = cause instanceof UsageError;
    const advice = isUsage ? `${adviceOf(command)}\n` : '';
    io.stderr(`plumbline: ${isUsage ? '' : `${cause.code}: `}${cause.message}\n${advice}`);
    return exitCodeOf(cause);
  }
}

/** How it is called, where that is short; else where to read it, so that the mistake stays in sight. */
function adviceOf({ name, synopsis }: Command): string {
  const long = `usage: npm run -s plumbline -- ${name} --help tells how it is called`;
  return synopsis.length > SYNOPSIS_MAX ? long : `usage: ${synopsis}`;
}

function exitCodeOf({ code }: OperatingError): number {
  if (code === 'CONFIG_INVALID' || code === 'MIGRATION_MISMATCH') return EXIT_USAGE;
  return code === 'BROKER_CRASHED' || code === 'BROKER_STUCK' ? EXIT_SOFTWARE : EXIT_FAILED;
}
