/** Plumbline as its users meet it: real processes, their output, their exit codes. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const LOOK_MS = 100;
/** How long anything is waited for. No promise: the machine may be busy. */
const PATIENCE_MS = 180_000;

/** Where and with what a process runs. */
export interface Surroundings {
  readonly cwd: string;
  /** Added to nothing but PATH: what the tests themselves were given does not leak in. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What a finished process left. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process under way. */
export interface Launched {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  readonly finished: Promise<Finished>;
  /** Sends a signal and waits for the end. */
  end(signal?: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<Finished>;
}

/** Starts a command and does not wait. */
export function launch(args: readonly string[], where: Surroundings): Launched {
  // biome-ignore lint/style/noProcessEnv: a child needs the PATH, and nothing else of ours
  const PATH = process.env['PATH'] ?? '';
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: where.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH, ...where.env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    finished,
    end: async (signal = 'SIGTERM') => {
      child.kill(signal);
      return await finished;
    },
  };
}

/** Types a command and waits for its end. */
export async function type(args: readonly string[], where: Surroundings): Promise<Finished> {
  return await launch(args, where).finished;
}

/** Types a command with --json, which must succeed, and reads what it says. */
export async function ask<T>(args: readonly string[], where: Surroundings): Promise<T> {
  const { code, stdout, stderr } = await type([...args, '--json'], where);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

/** Asks until there is an answer. Null and undefined are none. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined> | T | null | undefined,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const endMs = Date.now() + patienceMs;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined) return found;
    if (Date.now() > endMs) throw new Error(`waited in vain for ${what}`);
    await sleep(LOOK_MS);
  }
}

/** The same for something that has to become true; a process that ends first is shown. */
export async function untilTrue(
  what: string,
  look: () => Promise<boolean> | boolean,
  running?: Launched,
): Promise<void> {
  await until(what, async () => {
    if (await look()) return true;
    if (running !== undefined && running.child.exitCode !== null)
      throw new Error(`${what}: the process ended first: ${running.stderr().slice(-3000)}`);
    return null;
  });
}
