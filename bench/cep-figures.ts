/** Figures of the a/b/c workload: ns per event of each peer, and how Esper compares with us. */
import { isEsper, type Rounds } from './cep-peers.ts';
import type { Density } from './cep-stream.ts';
import { type Spread, spread } from './measure.ts';
import type { PeerSegment, Times } from './peers/segments.ts';

/** What of a segment is looked at. */
type Part = (segment: PeerSegment) => number;

const PARTS: readonly (readonly [name: string, of: (segment: PeerSegment) => readonly Times[]])[] =
  [
    ['without decode', ({ evaluate }) => [evaluate]],
    ['with decode', ({ decode, evaluate }) => [decode, evaluate]],
  ];
const CLOCKS = [
  ['CPU', 'cpuNs'],
  ['wall', 'wallNs'],
] as const;
/** Segments that are timed, the last ones; those before warm up. */
export const TIMED = 5;
/** Esper ÷ ours must not be less. */
const FLOOR = 1.5;

/** Rows of the document for one density. */
export function figuresOf(density: Density, rounds: Rounds): Record<string, Spread | string> {
  const figures: Record<string, Spread | string> = {};
  const [node] = rounds.get('node') ?? [];
  const all = (node?.segments ?? []).slice(-TIMED);
  const alerts = all.reduce((sum, one) => sum + one.alerts, 0);
  const events = all.reduce((sum, one) => sum + one.events, 0);
  const sum = all.reduce((total, one) => total + BigInt(`0x${one.sum}`), 0n);
  figures[`${density}: alerts in timed segments`] =
    `${alerts} of ${events} events, sum ${BigInt.asUintN(64, sum).toString(16).padStart(16, '0')}`;
  for (const name of rounds.keys())
    for (const [part, of] of PARTS)
      for (const [clock, key] of CLOCKS)
        figures[`${density}, ${name}: ns ${clock} per event, ${part}`] = spread(
          perEvent(rounds, name, (segment) => total(of(segment), key)),
        );
  figures[`${density}, ours: ns CPU per event, state as bytes`] = spread(
    perEvent(rounds, 'ours', ({ state }) => state.cpuNs),
  );
  const esper = fasterEsper(rounds);
  if (esper === null) return figures;
  for (const [part, of] of PARTS)
    for (const [clock, key] of CLOCKS)
      figures[`${density}: Esper ÷ ours, ${clock}, ${part}`] = spread(
        ratios(rounds, esper, (segment) => total(of(segment), key)),
      );
  return figures;
}

/** What came of it, in words: the floor, and by how much it was met or missed. */
export function outcomeNotes(density: Density, rounds: Rounds, isWarm: boolean): string[] {
  const esper = fasterEsper(rounds);
  if (esper === null) return [`${density}: Esper did not run, so there is nothing to compare with`];
  const medians = PARTS.map(([part, of]) => {
    const { median } = spread(ratios(rounds, esper, (one) => total(of(one), 'cpuNs')));
    const faster = median >= 1 ? 'less' : 'more';
    const factor = Math.max(median, 1 / median).toFixed(2);
    return `${part} ours takes ${factor} times ${faster} CPU${isWarm ? `: floor ${median >= FLOOR ? 'met' : 'missed'}` : ''}`;
  });
  return [
    `${density}: Esper (${esper}) is to take ${FLOOR} times the CPU of ours; ${medians.join('; ')}${isWarm ? '' : '; too few events warmed up for a verdict, the JVM compiles on while it is timed'}`,
  ];
}

function total(times: readonly Times[], key: keyof Times): number {
  return times.reduce((sum, one) => sum + one[key], 0);
}

/** ns an event, of every timed segment of every round. */
function perEvent(rounds: Rounds, name: string, part: Part): number[] {
  return (rounds.get(name) ?? []).flatMap(({ segments }) =>
    segments.slice(-TIMED).map((segment) => part(segment) / segment.events),
  );
}

/** Of the same segment in the same round. */
function ratios(rounds: Rounds, esper: string, part: Part): number[] {
  const ours = perEvent(rounds, 'ours', part);
  return perEvent(rounds, esper, part).map((ns, at) => ns / (ours[at] as number));
}

/** The form of Esper that took less CPU; null where it did not run. */
function fasterEsper(rounds: Rounds): string | null {
  const taken = [...rounds.keys()].filter(isEsper).map((name) => ({
    name,
    ns: spread(perEvent(rounds, name, ({ evaluate }) => evaluate.cpuNs)).median,
  }));
  return taken.sort((one, other) => one.ns - other.ns)[0]?.name ?? null;
}
