/** A scraper: reads the text format of Prometheus 0.0.4, and refuses whatever it does not allow. */

/** One sample. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric with all its samples. */
export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped';
  readonly help: string;
  readonly samples: readonly Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const NUMBER = /^(?:[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?Inf|NaN)$/;
const TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped'] as const;

interface Open {
  name: string;
  type: Family['type'] | null;
  help: string | null;
  samples: Sample[];
}

/**
 * Families in the order written. Throws where a line is none, where a family is torn apart or told
 * twice, where HELP or TYPE is missing or late, where a series stands twice, and where the buckets of a
 * histogram do not grow, do not end with +Inf or do not agree with its count.
 */
export function scraped(text: string): ReadonlyMap<string, Family> {
  const families = new Map<string, Family>();
  const at: { open: Open | null } = { open: null };
  const close = () => {
    const { open } = at;
    if (open === null) return;
    const { name, type, help, samples } = open;
    if (type === null || help === null) throw new Error(`${name}: HELP or TYPE is missing`);
    if (families.has(name)) throw new Error(`${name}: the family is told twice`);
    if (type === 'counter' && !name.endsWith('_total')) throw new Error(`${name}: no _total`);
    const family = { name, type, help, samples };
    checkSamples(family);
    families.set(name, family);
    at.open = null;
  };
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  for (const line of text.slice(0, -1).split('\n')) {
    const said = /^# (HELP|TYPE|UNIT) (\S+)(?: (.*))?$/.exec(line);
    if (line === '' || line.startsWith('# UNIT ')) continue;
    if (line.startsWith('#')) {
      if (said === null) throw new Error(`no comment of the format: ${line}`);
      const [, word, name = '', rest = ''] = said;
      if (!NAME.test(name)) throw new Error(`no name: ${name}`);
      if (at.open?.name !== name) {
        close();
        at.open = { name, type: null, help: null, samples: [] };
      }
      const { open } = at;
      if (open.samples.length > 0) throw new Error(`${name}: ${word} after its samples`);
      if (word === 'HELP') open.help = rest;
      else {
        const type = TYPES.find((one) => one === rest);
        if (type === undefined) throw new Error(`${name}: no type ${rest}`);
        open.type = type;
      }
      continue;
    }
    const sample = sampleOf(line);
    const { open } = at;
    if (open === null || !belongs(sample.name, open)) throw new Error(`of no family: ${line}`);
    open.samples.push(sample);
  }
  close();
  return families;
}

function belongs(name: string, { name: family, type }: Open): boolean {
  if (type !== 'histogram') return name === family;
  return ['_bucket', '_sum', '_count'].some((end) => name === `${family}${end}`);
}

function sampleOf(line: string): Sample {
  const at = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
  if (at === null) throw new Error(`no sample: ${line}`);
  const [, name = '', inner = '', number = ''] = at;
  if (!NUMBER.test(number)) throw new Error(`no number: ${line}`);
  const value = Number(number.replace('Inf', 'Infinity'));
  return { name, labels: labelsOf(inner, line), value };
}

function labelsOf(inner: string, line: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  const one = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;
  while (one.lastIndex < inner.length) {
    const match = one.exec(inner);
    if (match === null) throw new Error(`labels cannot be read: ${line}`);
    const [, name = '', value = ''] = match;
    if (Object.hasOwn(labels, name)) throw new Error(`a label stands twice: ${line}`);
    labels[name] = value.replace(/\\(["\\n])/g, (_all, c: string) => (c === 'n' ? '\n' : c));
  }
  return labels;
}

function checkSamples({ name, type, samples }: Family): void {
  const seen = new Set<string>();
  for (const sample of samples) {
    const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (seen.has(key)) throw new Error(`a series stands twice: ${key}`);
    seen.add(key);
    if (type === 'counter' && !(sample.value >= 0)) throw new Error(`${key}: below 0`);
  }
  if (type === 'histogram') checkBuckets(name, samples);
}

function checkBuckets(name: string, samples: readonly Sample[]): void {
  const groups = Map.groupBy(samples, ({ labels: { le: _le, ...rest } }) =>
    JSON.stringify(Object.entries(rest).sort()),
  );
  for (const [key, group] of groups) {
    const of = (end: string) => group.filter((one) => one.name === `${name}${end}`);
    const buckets = of('_bucket').map(({ labels, value }) => ({
      le: Number((labels['le'] ?? '').replace('Inf', 'Infinity')),
      value,
    }));
    const [count] = of('_count');
    if (count === undefined || of('_sum').length !== 1) throw new Error(`${name}${key}: no sum`);
    if (buckets.at(-1)?.le !== Number.POSITIVE_INFINITY) throw new Error(`${name}${key}: no +Inf`);
    if (buckets.at(-1)?.value !== count.value) throw new Error(`${name}${key}: count differs`);
    for (const [at, bucket] of buckets.entries()) {
      const before = buckets[at - 1];
      if (before !== undefined && !(bucket.le > before.le && bucket.value >= before.value))
        throw new Error(`${name}${key}: buckets do not grow`);
    }
  }
}
