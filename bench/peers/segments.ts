/** Segments: a peer in Node over files of JSON lines, decoding and evaluation timed apart. */
import { readFileSync, writeFileSync } from 'node:fs';
import { Alerts, linesOf, sumOf } from '../cep-alerts.ts';
import { SLICES_PER_COMMIT } from '../workload.ts';

/** What every peer is given. */
export interface PeerInput {
  /** JSON lines, one file a segment; offsets go on from one to the next. */
  readonly files: readonly string[];
  /** Where all alerts are to be written; null: only their sums are wanted. */
  readonly verify: string | null;
}

/** CPU of the process, garbage collection included, and time on the clock; ns. */
export interface Times {
  readonly cpuNs: number;
  readonly wallNs: number;
}

/** One segment as every peer reports it. */
export interface PeerSegment {
  readonly events: number;
  readonly decode: Times;
  readonly evaluate: Times;
  /** Writing changed state as bytes; zeros where a peer does not. */
  readonly state: Times;
  readonly alerts: number;
  readonly sum: string;
}

/** What every peer answers. */
export interface PeerOutcome {
  readonly segments: readonly PeerSegment[];
  /** What it ran on, in a few words. */
  readonly on: string;
}

/** A peer in Node. `keep` writes what changed, where the peer does that. */
export interface Peer<T> {
  decode(line: Buffer, offset: number): T;
  see(event: T, offset: number, alerts: Alerts): void;
  keep?(): void;
}

/** Events that are decoded before they are evaluated: a slice of the product. */
const BATCH = 500;

/** Runs a peer over all segments. The bytes of a segment, and where its lines end, are there before it is timed. */
export function runSegments<T>({ files, verify }: PeerInput, peer: Peer<T>): PeerOutcome {
  const segments: PeerSegment[] = [];
  let offset = 0;
  let text = '';
  for (const file of files) {
    const bytes = readFileSync(file);
    const ends = endsIn(bytes);
    const alerts = new Alerts();
    segments.push({ ...timed({ bytes, ends, offset }, peer, alerts), ...sums(alerts) });
    offset += ends.length;
    if (verify !== null) text += linesOf(alerts);
  }
  if (verify !== null) writeFileSync(verify, text);
  return { segments, on: `Node ${process.version}` };
}

function sums(alerts: Alerts): Pick<PeerSegment, 'alerts' | 'sum'> {
  return { alerts: alerts.patterns.length, sum: sumOf(alerts) };
}

/** Bytes of a segment, where its lines end, and the offset of the first. */
interface Lines {
  readonly bytes: Buffer;
  readonly ends: Float64Array;
  readonly offset: number;
}

/** Numbers, not a million small buffers: those would be walked by whatever collects garbage while time is taken. */
function endsIn(bytes: Buffer): Float64Array {
  let count = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, end + 1)) count += 1;
  const ends = new Float64Array(count);
  let end = -1;
  for (let at = 0; at < count; at += 1) {
    end = bytes.indexOf(10, end + 1);
    ends[at] = end;
  }
  return ends;
}

function linesOfBatch({ bytes, ends }: Lines, from: number, upto: number): Buffer[] {
  const lines: Buffer[] = [];
  let start = from === 0 ? 0 : (ends[from - 1] as number) + 1;
  for (const end of ends.subarray(from, upto)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

function timed<T>(
  segment: Lines,
  peer: Peer<T>,
  alerts: Alerts,
): Omit<PeerSegment, 'alerts' | 'sum'> {
  const [decode, evaluate, state] = [new Stopwatch(), new Stopwatch(), new Stopwatch()];
  const { length } = segment.ends;
  for (let from = 0; from < length; from += BATCH) {
    const upto = Math.min(from + BATCH, length);
    const lines = linesOfBatch(segment, from, upto);
    const offset = segment.offset + from;
    const events: T[] = [];
    decode.start();
    for (let at = 0; at < lines.length; at += 1)
      events.push(peer.decode(lines[at] as Buffer, offset + at));
    decode.stop();
    evaluate.start();
    for (let at = 0; at < lines.length; at += 1) peer.see(events[at] as T, offset + at, alerts);
    evaluate.stop();
    if (peer.keep === undefined || (upto / BATCH) % SLICES_PER_COMMIT !== 0) continue;
    state.start();
    peer.keep();
    state.stop();
  }
  return {
    events: length,
    ...{ decode: decode.times, evaluate: evaluate.times, state: state.times },
  };
}

/** Adds up what passes between its starts and stops. */
class Stopwatch {
  #cpuUs = 0;
  #wallNs = 0n;
  #cpu = process.cpuUsage();
  #wall = 0n;

  start(): void {
    this.#cpu = process.cpuUsage();
    this.#wall = process.hrtime.bigint();
  }

  stop(): void {
    this.#wallNs += process.hrtime.bigint() - this.#wall;
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#cpuUs += user + system;
  }

  get times(): Times {
    return { cpuNs: this.#cpuUs * 1000, wallNs: Number(this.#wallNs) };
  }
}
