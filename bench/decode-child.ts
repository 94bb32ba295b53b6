/** Decode: rounds of decoding records of each JSON format in one process, beside JSON.parse. */
import type { SourceConfig } from '../src/model/config/source.ts';
import { KINDS } from '../src/model/event.ts';
import { createDecode } from '../src/source/source.ts';
import { MAPPED } from '../test/source/mapped-records.ts';
import { bytesOf, fixtures, shippedMappings } from '../test/source/mapping-fixtures.ts';
import { answer, cpuUs, input } from './child.ts';
import { fleetEvents } from './workload.ts';

/** What to do. */
export interface DecodeInput {
  readonly records: number;
  readonly rounds: number;
}

/** What one format cost, by round. */
export interface DecodeRow {
  readonly name: string;
  readonly bytesPerRecord: number;
  readonly cpuUs: readonly number[];
  /** The same records through JSON.parse alone. */
  readonly parseUs: readonly number[];
  readonly events: number;
  readonly deadLetters: number;
}

const given = input<DecodeInput>();
const { mappings } = await shippedMappings();

/** The first fixture of a format, as so many records of five hundred agents. */
function variants(first: Buffer): Buffer[] {
  const text = first.toString('utf8');
  return Array.from({ length: given.records }, (_, n) =>
    Buffer.from(text.replaceAll('billing', `billing-${n % 500}`)),
  );
}

async function corpora(): Promise<Map<string, readonly Buffer[]>> {
  const events = fleetEvents(given.records).map(({ value }): Buffer => Buffer.from(value));
  const found = new Map<string, readonly Buffer[]>([['canonical', events]]);
  for (const [name, cases] of await fixtures()) {
    const plain = cases.find(
      ({ source, headers, text }) => source === undefined && !headers && text === undefined,
    );
    if (plain !== undefined) found.set(name, variants(bytesOf(plain)));
  }
  const calls = (MAPPED['recorded-runs/1'] ?? []).filter((one) => one.includes('"decision"'));
  const [call] = calls;
  if (call !== undefined) found.set('recorded-runs/1', variants(call));
  return found;
}

function measure(decoder: string, records: readonly Buffer[]): DecodeRow {
  const source: SourceConfig = {
    ...{ name: 's', topic: 't', decoder, trust: 'gateway', kinds: [...KINDS] },
  };
  const { decode } = createDecode([source], mappings);
  const at = { topic: 't', partition: 0, offset: 0, timestampMs: 4e12, key: null };
  const rounds: number[] = [];
  const floors: number[] = [];
  let events = 0;
  let deadLetters = 0;
  let parsed = 0;
  for (let round = 0; round <= given.rounds; round += 1) {
    events = 0;
    deadLetters = 0;
    globalThis.gc?.();
    const start = cpuUs();
    for (const value of records) {
      const made = decode({ ...at, value });
      events += made.events.length;
      deadLetters += made.deadLetters.length;
    }
    const took = cpuUs() - start;
    globalThis.gc?.();
    const floorStart = cpuUs();
    for (const value of records) parsed += JSON.parse(value.toString('utf8')) === null ? 0 : 1;
    if (round === 0) continue;
    rounds.push(took);
    floors.push(cpuUs() - floorStart);
  }
  if (parsed === 0) throw new Error('nothing was parsed');
  const bytes = records.reduce((sum, one) => sum + one.length, 0);
  return {
    ...{ name: decoder, bytesPerRecord: bytes / records.length },
    ...{ cpuUs: rounds, parseUs: floors, events, deadLetters },
  };
}

const rows = [...(await corpora())].map(([name, records]) => measure(name, records));
answer({ rows });
