/** Runs the unit tests in two processes side by side, for one uses one core only. */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import process from 'node:process';

const FILES = ['test/*.test.ts', 'test/!(integration|recordings)/**/*.test.ts'];
/** What takes about as long as all others together. */
const LONG = ['test/detectors.test.ts'];

const flags = process.argv.slice(2).filter((word) => word.startsWith('-'));
const said = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const children: { kill(signal: NodeJS.Signals): boolean }[] = [];
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    for (const child of children) child.kill(signal);
  });

if (said.length > 0) process.exitCode = await run(said, 'inherit');
else {
  const all = globSync(FILES).sort();
  const long = all.filter((file) => LONG.includes(file));
  const others = all.filter((file) => !LONG.includes(file));
  if (long.length !== LONG.length) throw new Error(`not all of ${LONG.join(', ')} are there`);
  // What the one says comes when the other has said all: their lines would not be told apart.
  const texts: string[] = [];
  const aside = run(long, (text) => texts.push(text));
  const code = await run(others, 'inherit');
  process.stdout.write(`\n${long.join(', ')}, beside the others until now:\n`);
  const asideCode = await aside;
  process.stdout.write(texts.join(''));
  process.exitCode = Math.max(code, asideCode);
}

/** Resolves to the exit code; 1 where a signal ended it. */
async function run(
  files: readonly string[],
  output: 'inherit' | ((text: string) => void),
): Promise<number> {
  const stdout = output === 'inherit' ? 'inherit' : 'pipe';
  const args = ['--test', '--test-isolation=none', '--test-reporter=spec', ...flags, ...files];
  const child = spawn(process.execPath, args, { stdio: ['ignore', stdout, stdout] });
  children.push(child);
  if (output !== 'inherit')
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', output);
  return await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}
