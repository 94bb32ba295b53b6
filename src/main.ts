/** Entry: reads the command line, hands over to a command, turns errors into exit codes. */
import process from 'node:process';
import { COMMON, parse } from './commands/arguments.ts';
import { COMMANDS, usageText } from './commands/commands.ts';
import { createOutput } from './commands/output.ts';
import { OperatingError } from './model/errors.ts';

const EXIT_USAGE = 2;
const EXIT_SOFTWARE = 70;

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === 'help' || name === '--help') {
    process.stdout.write(usageText());
    return name === undefined ? EXIT_USAGE : 0;
  }
  const command = COMMANDS.find((known) => known.name === name);
  if (command === undefined) {
    process.stderr.write(`plumbline: unknown command ${JSON.stringify(name)}\n\n${usageText()}`);
    return EXIT_USAGE;
  }
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    const given = parse(rest, { ...COMMON, ...command.options });
    if (given.has('help')) {
      process.stdout.write(`plumbline ${command.synopsis}\n  ${command.summary}\n`);
      return 0;
    }
    const output = createOutput({ json: given.has('json'), quiet: given.has('quiet') });
    const { env: environment } = process;
    return await command.run(given, { output, environment, signal: stop.signal });
  } catch (cause) {
    return explain(cause);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

function explain(cause: unknown): number {
  if (!(cause instanceof OperatingError)) throw cause;
  process.stderr.write(`plumbline: ${cause.code}: ${cause.message}\n`);
  if (cause.code === 'CONFIG_INVALID' || cause.code === 'MIGRATION_MISMATCH') return EXIT_USAGE;
  return cause.code === 'BROKER_CRASHED' || cause.code === 'BROKER_STUCK' ? EXIT_SOFTWARE : 1;
}

process.exitCode = await main(process.argv.slice(2));
