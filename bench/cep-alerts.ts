/** Alerts of the a/b/c workload: what identifies one, their sum, and where two sets differ. */
import { readFileSync } from 'node:fs';

/** Pattern of an alert. */
export type Pattern = 'a' | 'b' | 'c';

/** What a peer found, in the order in which it found it. Kept flat: it is filled while time is taken. */
export class Alerts {
  readonly patterns: Pattern[] = [];
  readonly agents: string[] = [];
  readonly triggers: number[] = [];
  /** Offset of the intent; −1 where the pattern has none. */
  readonly intents: number[] = [];

  add(pattern: Pattern, agent: string, trigger: number, intent: number): void {
    this.patterns.push(pattern);
    this.agents.push(agent);
    this.triggers.push(trigger);
    this.intents.push(intent);
  }
}

/** Sum over a set of alerts: 64 bits as two lanes of 32, in hex; whatever the order, the same. */
export function sumOf({ patterns, agents, triggers, intents }: Alerts): string {
  let [high, low] = [0, 0];
  for (let at = 0; at < patterns.length; at += 1) {
    const parts = [
      (patterns[at] as Pattern).charCodeAt(0),
      numberOf(agents[at] as string),
      triggers[at] as number,
      (intents[at] as number) + 1,
    ];
    high = (high + laneOf(0x9e3779b9, parts)) >>> 0;
    low = (low + laneOf(0x243f6a88, parts)) >>> 0;
  }
  return hex(high) + hex(low);
}

/** The same as lines, one an alert, for `differences`. */
export function linesOf({ patterns, agents, triggers, intents }: Alerts): string {
  let text = '';
  for (let at = 0; at < patterns.length; at += 1)
    text += `${patterns[at]} ${numberOf(agents[at] as string)} ${triggers[at]} ${intents[at]}\n`;
  return text;
}

/** Alerts of one set of lines that the other lacks, both ways, the first few of each in time. */
export interface Difference {
  readonly count: number;
  readonly more: readonly string[];
  readonly less: readonly string[];
}

const NAMED_MAX = 5;

/** How `file` differs from `reference`; null where both hold the same set, and nothing twice. */
export function difference(reference: string, file: string): Difference | null {
  const [wanted, found] = [sortedLines(reference), sortedLines(file)];
  if (wanted.length === found.length && wanted.every((line, at) => line === found[at])) return null;
  const [has, hasNot] = [new Set(found), new Set(wanted)];
  const less = wanted.filter((line) => !has.has(line));
  const more = found.filter((line) => !hasNot.has(line));
  return {
    count: Math.max(less.length + more.length, Math.abs(wanted.length - found.length)),
    more: inTime(more),
    less: inTime(less),
  };
}

/** The lines of a file of alerts, sorted. */
export function sortedLines(file: string): string[] {
  return readFileSync(file, 'latin1').split('\n').slice(0, -1).sort();
}

function inTime(lines: readonly string[]): string[] {
  const triggerOf = (line: string) => Number(line.split(' ')[2]);
  return lines.toSorted((one, other) => triggerOf(one) - triggerOf(other)).slice(0, NAMED_MAX);
}

/** `agent-00042` → 42. */
function numberOf(agent: string): number {
  return Number(agent.slice('agent-'.length));
}

function laneOf(seed: number, parts: readonly number[]): number {
  let mixed = seed;
  for (const part of parts) {
    mixed = Math.imul(mixed ^ part, 0x85ebca6b);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0xc2b2ae35);
    mixed ^= mixed >>> 13;
  }
  return mixed >>> 0;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
