/** Decode: what a JSON record costs from its bytes to checked events, against JSON.parse. */
import type { Bench } from './bench.ts';
import { start } from './child.ts';
import type { DecodeInput, DecodeRow } from './decode-child.ts';
import { begin, type Spread, spread } from './measure.ts';

/** The benchmark. */
export const decode: Bench = {
  name: 'decode',
  claim: 'JSON records of each format to checked events, as a multiple of JSON.parse',
  run: async ({ smoke, events: wanted, pairs, command, say }) => {
    const end = begin('decode', command);
    const given: DecodeInput = {
      records: wanted ?? (smoke ? 200 : 20_000),
      rounds: smoke ? 1 : pairs,
    };
    const { rows } = await start<{ rows: DecodeRow[] }>('decode-child.ts', given, ['--expose-gc'])
      .answer;
    for (const { name, events, deadLetters } of rows)
      if (events < given.records || deadLetters > 0)
        throw new Error(`${name}: ${events} events and ${deadLetters} dead letters`);
    const figures = Object.fromEntries(rows.flatMap((row) => figuresOf(row, given.records)));
    say(JSON.stringify(figures));
    return end({
      workload: { 'records per format': given.records, rounds: given.rounds },
      figures,
      rounds: rows,
      notes: [
        'CPU is user and system time of one process, garbage collection included; the floor is `JSON.parse(bytes.toString())` of the same records in the same round, and nothing else',
        'a record is one event, but of LiteLLM, where a call of a model is four; presets are mapping files, read by the same closures as yours',
        'decoding includes what parsing does not give: limits, names given twice, the digest of the record, the schema of the event',
      ],
    });
  },
};

function figuresOf(row: DecodeRow, records: number): [string, Spread | number][] {
  const { name, cpuUs, parseUs } = row;
  return [
    [`${name}: × JSON.parse`, spread(cpuUs.map((us, at) => us / (parseUs[at] as number)))],
    [`${name}: µs CPU per record`, spread(cpuUs.map((us) => us / records))],
    [`${name}: bytes per record`, row.bytesPerRecord],
  ];
}
