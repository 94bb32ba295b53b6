/** Peers of the a/b/c workload: who can run here, each as a process of its own, and who cannot. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { start } from './child.ts';
import type { PeerInput, PeerOutcome } from './peers/segments.ts';

const execute = promisify(execFile);
const PEERS = fileURLToPath(new URL('./peers/', import.meta.url));
const BUILD_MS_MAX = 600_000;
/** All a peer says is one line; a segment is some 300 bytes of it. */
const ANSWER_BYTES_MAX = 1 << 24;

/** Java of every run of Esper. */
export const JAVA_FLAGS = ['-XX:+UseParallelGC', '-Xms3g', '-Xmx3g'];

/** A peer that can run. */
export interface Contestant {
  readonly name: string;
  run(given: PeerInput): Promise<PeerOutcome>;
}

/** Who can run, and why the others cannot. */
export interface Contest {
  readonly present: readonly Contestant[];
  readonly absent: readonly { readonly name: string; readonly reason: string }[];
}

/** What every peer measured, by name, a round each. */
export type Rounds = ReadonlyMap<string, readonly PeerOutcome[]>;

/** Looks for every peer; what must be built for one is built in `folder`. */
export async function contest(
  folder: string,
  smoke: boolean,
  say: (line: string) => void,
): Promise<Contest> {
  const present: Contestant[] = [
    { name: 'ours', run: (given) => start<PeerOutcome>('peers/ours.ts', given).answer },
    { name: 'node', run: (given) => start<PeerOutcome>('peers/node.ts', given).answer },
  ];
  const absent: { name: string; reason: string }[] = [];
  if (await answers('python3', ['--version']))
    present.push({
      name: 'python',
      run: (given) => spoken('python3', [join(PEERS, 'cep.py'), JSON.stringify(given)]),
    });
  else absent.push({ name: 'python', reason: 'no python3' });
  const why = smoke ? 'smoke' : await buildEsper(folder, say);
  for (const [name, form] of ESPER)
    if (why === null) present.push({ name, run: (given) => esper(folder, form, given) });
    else absent.push({ name, reason: why });
  return { present, absent };
}

/** Both ways of giving events to Esper. */
const ESPER = [
  ['esper, arrays', 'array'],
  ['esper, objects', 'pojo'],
] as const;

/** Is this peer Esper, in whichever form? */
export function isEsper(name: string): boolean {
  return ESPER.some(([own]) => own === name);
}

function esper(folder: string, form: string, { files, verify }: PeerInput): Promise<PeerOutcome> {
  const path = `${join(folder, 'classes')}:${join(folder, 'lib')}/*`;
  return spoken('java', [...JAVA_FLAGS, '-cp', path, 'Cep', form, verify ?? '-', ...files]);
}

/** Fetches Esper and compiles its harness; says why it cannot, or null. Addresses stay on the terminal. */
async function buildEsper(folder: string, say: (line: string) => void): Promise<string | null> {
  if (!(await answers('java', ['-version']))) return 'no java';
  if (!(await answers('mvn', ['-v']))) return 'no mvn';
  const pom = join(PEERS, 'esper', 'pom.xml');
  const given = ['-q', '-B', '-f', pom, `-Dcep.build=${folder}`, 'compile'];
  try {
    await execute('mvn', given, { timeout: BUILD_MS_MAX, maxBuffer: ANSWER_BYTES_MAX });
    return null;
  } catch (cause) {
    const { stdout = '', message } = cause as Error & { readonly stdout?: string };
    say(stdout === '' ? message : stdout.trim());
    return 'Maven could not fetch or compile it';
  }
}

async function answers(command: string, flags: readonly string[]): Promise<boolean> {
  try {
    await execute(command, flags);
    return true;
  } catch {
    return false; // whatever the reason: it cannot be used
  }
}

/** What a foreign process answers on its last line. */
async function spoken(command: string, given: readonly string[]): Promise<PeerOutcome> {
  const { stdout } = await execute(command, given, { maxBuffer: ANSWER_BYTES_MAX });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as PeerOutcome;
}
