/** Runs the unit tests in processes side by side, for one uses one core only. */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import process from 'node:process';

const FILES = ['test/*.test.ts', 'test/!(integration|recordings)/**/*.test.ts'];
/** Parts that take about as long as all that is in none of them; the machine shares its cores among them. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  detectors: ['test/detectors.test.ts'],
  'lanes in simulation': [
    ...['test/pipeline.test.ts', 'test/pipeline/early.test.ts'],
    ...['test/sim/chaos.test.ts', 'test/sim/flood.test.ts', 'test/sim/hop.test.ts'],
  ],
};

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
  const parted = new Set(Object.values(PARTS).flat());
  const others = all.filter((file) => !parted.has(file));
  const missing = [...parted].filter((file) => !all.includes(file));
  if (missing.length > 0) throw new Error(`there is no ${missing.join(', ')}`);
  // What the parts say comes when the others have said all: their lines would not be told apart.
  const aside = Object.entries(PARTS).map(([name, files]) => {
    const texts: string[] = [];
    return { name, texts, code: run(files, (text) => texts.push(text)) };
  });
  let code = await run(others, 'inherit');
  for (const part of aside) {
    process.stdout.write(`\n${part.name}, beside the others until now:\n`);
    const own = await part.code;
    code = Math.max(code, own);
    process.stdout.write(part.texts.join(''));
  }
  process.exitCode = code;
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
