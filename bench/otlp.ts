/** OTLP: what a span costs from the bytes of a record to an event, in both encodings. */
import type { Bench } from './bench.ts';
import { start } from './child.ts';
import { begin, type Spread, spread } from './measure.ts';
import type { OtlpInput, OtlpRow } from './otlp-child.ts';

const SPANS = 512;

/** The benchmark. */
export const otlp: Bench = {
  name: 'otlp',
  claim: 'OTLP traces to events, 512 spans a record: spans/s per core, protobuf and JSON',
  run: async ({ smoke, events: wanted, pairs, command, say }) => {
    const end = begin('otlp', command);
    const spans = wanted ?? (smoke ? 2048 : 102_400);
    const given: OtlpInput = {
      records: Math.max(1, Math.round(spans / SPANS)),
      spans: SPANS,
      rounds: smoke ? 1 : pairs,
    };
    const { rows } = await start<{ rows: OtlpRow[] }>('otlp-child.ts', given, ['--expose-gc'])
      .answer;
    const total = given.records * SPANS;
    for (const { name, events } of rows)
      if (events !== total) throw new Error(`${name}: ${events} of ${total} spans`);
    const outcomes = new Set(rows.flatMap(({ outcome }) => outcome ?? []));
    if (outcomes.size !== 2) throw new Error('the encodings do not give the same events');
    const figures = Object.fromEntries(rows.flatMap((row) => figuresOf(row, total)));
    say(JSON.stringify(figures));
    return end({
      workload: { spans: total, 'spans per record': SPANS, rounds: given.rounds },
      figures,
      rounds: rows,
      notes: [
        'CPU is user and system time of one process, garbage collection included; from the bytes of a record to checked events, digests of the items included; both encodings gave the same events',
        'half of the spans are model calls, half tool calls; `with content` has messages and arguments in them, which are JSON inside a value and are read too',
      ],
    });
  },
};

function figuresOf(row: OtlpRow, total: number): [string, Spread | number][] {
  return [
    [`${row.name}: spans/s per core`, spread(row.cpuUs.map((us) => (1e6 * total) / us))],
    [`${row.name}: µs CPU per span`, spread(row.cpuUs.map((us) => us / total))],
    [`${row.name}: bytes per span`, row.bytesPerSpan],
  ];
}
