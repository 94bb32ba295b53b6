/** Output: what people and programs read on stdout; every foreign text is escaped here. */
import { stderr, stdout } from 'node:process';

/** Where a command writes. */
export interface Output {
  /** One line for people; nothing with --json. */
  line(text?: string): void;
  /** The result for programs; nothing without --json. */
  json(value: unknown): void;
  /** Progress of long work, on stderr; nothing with --quiet. */
  progress(text: string): void;
  readonly isJson: boolean;
}

/** Makes the output of one command. */
export function createOutput(options: { readonly json: boolean; readonly quiet: boolean }): Output {
  return {
    isJson: options.json,
    line: (text = '') => {
      if (!options.json) stdout.write(`${text}\n`);
    },
    json: (value) => {
      if (options.json) stdout.write(`${jsonText(value)}\n`);
    },
    progress: (text) => {
      if (!options.quiet) stderr.write(`${text}\n`);
    },
  };
}

/**
 * Text of agents, safe for a terminal: control characters (so also ANSI escapes and newlines), bidi
 * marks and lone surrogates become visible escapes; cut at `most` characters.
 */
export function safe(text: string, most = 200): string {
  const cut = text.length > most ? `${text.slice(0, most - 1)}…` : text;
  return cut
    .toWellFormed()
    .replace(
      /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
      (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
    );
}

/** The same value as JSON without a raw control character: a terminal may be what reads it. */
export function jsonText(value: unknown): string {
  return (JSON.stringify(value) ?? 'null').replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    let escaped = '';
    for (let at = 0; at < character.length; at += 1)
      escaped += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
    return escaped;
  });
}

/** A time for people: UTC, to the second. */
export function timeOf(ms: number): string {
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return '-';
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** Seconds, minutes or hours, rounded. */
export function lengthOf(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 100) / 10} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 6000) / 10} min`;
  return `${Math.round(ms / 360_000) / 10} h`;
}

/** `1 case`, `2 cases`: for words whose plural ends in s. */
export function count(n: number, word: string): string {
  return `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`;
}

/** A command as people type it in a checkout. */
export function typed(command: string): string {
  return `npm run -s plumbline -- ${command}`;
}

/** Rows as columns, each as wide as its widest cell. The last column is not padded. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, at) => {
      widths[at] = Math.max(widths[at] ?? 0, cell.length);
    });
  return rows.map((row) =>
    row
      .map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
