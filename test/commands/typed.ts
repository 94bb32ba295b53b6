/** A command as it is typed, with what it says and how it ends; and small corpora to run it on. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { parse } from '../../src/commands/arguments.ts';
import { readCase, type WrittenCase } from '../../src/commands/case-file.ts';
import type { Command } from '../../src/commands/command.ts';
import { OperatingError } from '../../src/model/errors.ts';
import { encodeEvent } from '../../src/source/canonical.ts';

const YEAR_MS = 365 * 86_400_000;

/** What a typed command left. */
export interface Typed {
  readonly code: number;
  /** What people read, all lines. */
  readonly text: string;
  /** What programs read. */
  readonly json: unknown;
  /** Message of the refusal; null where it ran. */
  readonly refusal: string | null;
}

/** Runs a command in this process. Refusals of configuration end with 2, other operating errors with 1. */
export async function typed(command: Command, ...args: string[]): Promise<Typed> {
  const lines: string[] = [];
  let json: unknown = null;
  const output = {
    isJson: false,
    line: (text = '') => {
      lines.push(text);
    },
    json: (value: unknown) => {
      json = value;
    },
    progress: () => undefined,
  };
  const { signal } = new AbortController();
  try {
    const given = parse(args, command.options);
    const code = await command.run(given, { output, signal, environment: {} });
    return { code, text: lines.join('\n'), json, refusal: null };
  } catch (cause) {
    if (!(cause instanceof OperatingError)) throw cause;
    const code = cause.code === 'CONFIG_INVALID' ? 2 : 1;
    return { code, text: lines.join('\n'), json, refusal: cause.message };
  }
}

/** Runs `work` with a new folder that is gone afterwards. */
export async function inFolder(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(path.join(tmpdir(), 'plumbline-typed-'));
  try {
    await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/**
 * Writes the events of a case, written as cases of detectors are, as a corpus of four gzipped files.
 * `shift`: hours by which it lies later than another one of the same events.
 */
export async function writeCorpus(
  dir: string,
  given: WrittenCase['given'],
  options: { readonly setup?: 'fleet' | 'bare'; readonly shift?: number } = {},
): Promise<void> {
  const { setup = 'fleet', shift = 0 } = options;
  // Cases are set in a time to come; what is recorded lies behind us.
  const backMs = YEAR_MS - shift * 3_600_000;
  const { events } = readCase(dir, { name: 'corpus', why: '', setup, given, expect: [] });
  const lines = new Map<string, string[]>();
  for (const { event, ms } of events) {
    const time = { eventNs: `${ms - backMs}000000` };
    const list = lines.get(event.kind) ?? [];
    list.push(`${encodeEvent({ ...event, time })}\n`);
    lines.set(event.kind, list);
  }
  await mkdir(dir, { recursive: true });
  for (const [kind, list] of lines)
    await writeFile(path.join(dir, `${kind}.jsonl.gz`), gzipSync(list.join('')));
}

/** One line of a labels file. */
export function labelLine(session: string, label: string): string {
  const row = { session_id: session, agent_id: 'agent-1', task: 't', label, tool_calls: 1 };
  return `${JSON.stringify(row)}\n`;
}
