/** SigmaHQ's rules on their own regression records, where the material lies beside the repository. */
import { createMatcher } from '../src/detect/sigma/matcher.ts';
import { recordView } from '../src/detect/sigma/view.ts';
import { readCorpus, readRecords } from '../test/recordings/sigma-corpus.ts';
import { answer, cpuUs, input } from './child.ts';

/** What to do. */
export interface SigmahqInput {
  readonly rounds: number;
  readonly passes: number;
}

/** What was measured, µs of CPU per event in each round. */
export interface SigmahqOutcome {
  readonly rules: number;
  readonly records: number;
  readonly bytes: number;
  readonly routedUs: readonly number[];
  readonly allUs: readonly number[];
  readonly scanUs: readonly number[];
  readonly matchSets: number;
}

const { rounds, passes } = input<SigmahqInput>();
const NOWHERE = { product: null, service: null, category: null };
const rules = readCorpus().flatMap(({ rule }) => (rule === null ? [] : [rule]));
const records = [...readRecords().values()].flat();
const routed = createMatcher(rules);
const all = createMatcher(rules.map((rule) => ({ ...rule, source: NOWHERE })));
// Equal work: the index must say what the scan says, before either is measured.
let matchSets = 0;
for (const { fields } of records) {
  const { missed } = all.check(recordView(fields), NOWHERE);
  if (missed.length > 0) throw new Error('the index missed a rule');
  matchSets += 1;
}
const texts = records.map(({ fields, sources }) => ({ text: JSON.stringify(fields), sources }));
const per = (times: number, work: (one: (typeof texts)[number]) => void): number => {
  const start = cpuUs();
  for (let n = 0; n < times; n += 1) for (const one of texts) work(one);
  return (cpuUs() - start) / (times * texts.length);
};
const parsed = (one: (typeof texts)[number]) => recordView(JSON.parse(one.text) as object);
const outcome = { routedUs: [] as number[], allUs: [] as number[], scanUs: [] as number[] };
for (let round = 0; round <= rounds; round += 1) {
  globalThis.gc?.();
  const routedUs = per(passes, (one) => {
    routed.match(parsed(one), one.sources[0] ?? NOWHERE);
  });
  const allUs = per(passes, (one) => {
    all.match(parsed(one), NOWHERE);
  });
  const scanUs = per(1, (one) => {
    all.scan(parsed(one), NOWHERE);
  });
  // The first round warms the code up and is not counted.
  if (round === 0) continue;
  outcome.routedUs.push(routedUs);
  outcome.allUs.push(allUs);
  outcome.scanUs.push(scanUs);
}
answer({
  ...{ rules: rules.length, records: records.length, matchSets, ...outcome },
  bytes: texts.reduce((sum, { text }) => sum + text.length, 0) / texts.length,
} satisfies SigmahqOutcome);
