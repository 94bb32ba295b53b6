/** Cep: three patterns over one stream, ours beside Esper, plain Node and plain Python. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench, BenchOptions } from './bench.ts';
import { difference, sortedLines } from './cep-alerts.ts';
import { figuresOf, outcomeNotes, TIMED } from './cep-figures.ts';
import { type Contest, type Contestant, contest, JAVA_FLAGS, type Rounds } from './cep-peers.ts';
import { DENSITIES, type WrittenStream, writeStream } from './cep-stream.ts';
import { begin, type Result, type Spread } from './measure.ts';
import type { PeerOutcome } from './peers/segments.ts';

const EVENTS = 2_000_000;
/** What a compiler that compiles while it runs needs before it is judged. */
const WARM = 1_000_000;
/** Alerts are compared one by one over the segments that hold so many events. */
const VERIFIED = 400_000;

/** The benchmark. */
export const cep: Bench = {
  name: 'cep',
  claim: 'three patterns over one stream against Esper, Node and Python: ns per event',
  run: async (options) => {
    const folder = mkdtempSync(join(tmpdir(), 'plumbline-cep-'));
    try {
      return await measure(options, folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function measure(options: BenchOptions, folder: string): Promise<Result> {
  const { smoke, pairs, command, say } = options;
  const end = begin('cep', command);
  const { present, absent } = await contest(folder, smoke, say);
  for (const { name, reason } of absent) say(`${name}: not run: ${reason}`);
  const load = loadOf(options);
  const figures: Record<string, Spread | number | string> = {};
  const kept: Record<string, unknown> = {};
  const notes: string[] = [];
  const events = total(load.segments);
  const warm = total(load.segments.slice(0, -TIMED));
  const workload: Record<string, number | string> = {
    ...{ events, 'of these warming up': warm },
    agents: load.agents,
    rounds: pairs,
  };
  for (const density of DENSITIES) {
    const written = writeStream(folder, { density, ...load });
    say(`${density}: ${written.files.length} segments, ${written.spanMs / 1000} s of event time`);
    workload[`bytes per event, ${density}`] = Math.round(written.bytes / events);
    const verified = await verify(folder, written, load.segments, present);
    say(`${density}: equal alerts, one by one: ${verified}`);
    figures[`${density}: alerts compared one by one`] = verified;
    if (!smoke) {
      const rounds = await play(folder, written, present, pairs, (line) =>
        say(`${density}: ${line}`),
      );
      Object.assign(figures, figuresOf(density, rounds));
      notes.push(...outcomeNotes(density, rounds, warm >= WARM));
      kept[density] = Object.fromEntries(rounds);
      for (const [name, [first]] of rounds) workload[name] = first?.on ?? '';
    }
    for (const file of written.files) rmSync(file);
  }
  for (const { name, reason } of absent) figures[name] = `not run: ${reason}`;
  if (!smoke) say(JSON.stringify(figures, null, 1));
  return end({ workload, figures, rounds: kept, notes: [...notes, ...NOTES] });
}

function loadOf({ smoke, events: wanted }: BenchOptions) {
  // Few agents in a slow stream: within few events every window fills, and every deadline passes.
  if (smoke) return { agents: 24, stepMsMax: 40, segments: [2000, 4000] };
  const events = wanted ?? EVENTS;
  const warm = Math.max(events / (TIMED + 1), Math.min(WARM, events / 2));
  const each = Math.max(1, Math.round((events - warm) / TIMED));
  return {
    agents: 10_000,
    stepMsMax: 1,
    segments: Array.from({ length: Math.ceil(warm / each) + TIMED }, () => each),
  };
}

function total(segments: readonly number[]): number {
  return segments.reduce((sum, one) => sum + one, 0);
}

/** Every peer over the first segments; throws where their alerts are not the same. Says how many they are. */
async function verify(
  folder: string,
  { files }: WrittenStream,
  segments: readonly number[],
  present: Contest['present'],
): Promise<string> {
  let count = 0;
  let events = 0;
  while (count < files.length && events < VERIFIED) {
    events += segments[count] as number;
    count += 1;
  }
  const reference = await compared(folder, files.slice(0, count), present);
  const lines = sortedLines(reference);
  const of = (pattern: string) => lines.filter((line) => line.startsWith(pattern)).length;
  return `${of('a')} (a), ${of('b')} (b), ${of('c')} (c) of ${events} events`;
}

/** Compares the peers' alerts over these files with those of plain Node; returns where these lie. */
async function compared(
  folder: string,
  files: readonly string[],
  peers: readonly Contestant[],
): Promise<string> {
  const pathOf = ({ name }: Contestant) => join(folder, `${name.replaceAll(/\W+/g, '-')}.alerts`);
  // Side by side: no time is taken.
  await Promise.all(peers.map((peer) => peer.run({ files, verify: pathOf(peer) })));
  const reference = pathOf(peers.find(({ name }) => name === REFERENCE) as Contestant);
  for (const peer of peers) {
    const differs = difference(reference, pathOf(peer));
    if (differs === null) continue;
    const { count, more, less } = differs;
    throw new Error(
      `${peer.name} and ${REFERENCE} differ in ${count} alerts (pattern, agent, trigger, intent); ` +
        `first of ${peer.name} alone: ${more.join(', ') || 'none'}; first of ${REFERENCE} alone: ${less.join(', ') || 'none'}`,
    );
  }
  return reference;
}

const REFERENCE = 'node';

/** Timed rounds, the order of peers turned round each time; sums of all segments must be the same. */
async function play(
  folder: string,
  { files }: WrittenStream,
  present: Contest['present'],
  pairs: number,
  say: (line: string) => void,
): Promise<Rounds> {
  const rounds = new Map<string, PeerOutcome[]>(present.map(({ name }) => [name, []]));
  for (let round = 0; round < pairs; round += 1) {
    for (const peer of round % 2 === 0 ? present : present.toReversed())
      rounds.get(peer.name)?.push(await peer.run({ files, verify: null }));
    const told = new Map(present.map(({ name }) => [name, sumsOf(rounds.get(name)?.at(-1))]));
    const other = present.find(({ name }) => told.get(name) !== told.get(REFERENCE));
    if (other !== undefined) {
      // Over all of the stream this time, to name what differs.
      const node = present.filter(({ name }) => name === REFERENCE);
      await compared(folder, files, [...node, other]);
      throw new Error(`${other.name} and ${REFERENCE} differ in a timed pass, and not in another`);
    }
    say(`round ${round + 1} of ${pairs}: equal sums of alerts in ${files.length} segments`);
  }
  return rounds;
}

function sumsOf(outcome: PeerOutcome | undefined): string {
  return (outcome?.segments ?? []).map(({ alerts, sum }) => `${alerts} ${sum}`).join(', ');
}

const NOTES: readonly string[] = [
  '(a) a refusal that is at least the third of its agent within 60 s; (b) an intent that is followed within 30 s by a call of the same session with another tool, one alert an intent; (c) a call beyond mean and 4 standard deviations of the last 64 of its agent, itself included. `dense`: tools are drawn independently; `sparse`: a session has one tool and 2 % of its calls deviate',
  "(a) is one alert an episode for every peer, where the handbook says one for every such event: the product's `event_count` fires when its condition becomes true, and again when it was false in between or a timespan has passed, and no setting of a rule makes it fire for every event. Esper reports every such event and its listener folds them by the same rule; Node and Python do so as they count",
  `alerts (pattern, agent, offset of the trigger, offset of the intent) were compared one by one over the first ${VERIFIED.toLocaleString('en')} events, or all where there are fewer, and by a 64-bit sum and their number in every segment of every timed pass, before a time was shown`,
  'each peer is a process of its own that reads the same files: one file a segment, its bytes in memory before time is taken, all but the last five discarded, event time going on from one to the next. CPU is that of the process with all its threads, garbage collection and compilation included. Unless `--events 6000000` is given the stream is shorter than that of the handbook: 1 M events warm up as there, and segments are of 200,000 in place of 1 M',
  'ours: (a) is a Sigma detector file; (b) and (c) are kinds of bench/peers under the contract of kinds, for Sigma can neither say that fields of two events differ nor take a deviation; all three are read, compiled and run by the product. Every alert becomes a detection with id, header, witnesses and sentences; a call that consumes several intents is one detection and as many alerts. Decoding is the product’s, by a mapping file, whole record, and the making of the fact; correlation, baselines and decisions are not part of it. Changed state is taken as bytes every 2,000 events as a commit does, timed apart; no other peer writes its state',
  'node: the three patterns by hand with running sums, JSON.parse of whole records. python: the same in Python 3, orjson where it is installed',
  `esper: 9.0.0, fetched when the benchmark runs and never a part of the product (GPL-2.0); internal timer off, time advanced to each event before it, context partitioned by agent, #ext_timed(ts, 60 sec), #length(64) with stddev, every … where timer:within(30 sec), ${JAVA_FLAGS.join(' ')}. Events as object arrays and as objects with getters, both measured; ratios take the faster. Jackson reads only the fields that the patterns ask for, which is less than the others decode. Its clock of CPU has steps of 10 ms, so it decodes up to 200,000 events before it evaluates them; the others 500`,
];
