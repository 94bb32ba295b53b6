/** Rules for measuring: detectors as they are written for agents, drawn by seed, in any number. */
import { KINDS_OF_ANALYTIC } from '../src/detect/detect.ts';
import { readDetectorFile } from '../src/detect/detector-file.ts';
import type { Detector } from '../src/model/detector.ts';
import { integer, type Random, stream } from '../src/simulation/random.ts';
import { SEED } from './workload.ts';

/** Names that occur in the events, so that some rules come near to matching. */
export interface Vocabulary {
  readonly tools: readonly string[];
  readonly keys: readonly string[];
  readonly metrics: readonly string[];
}

const STEMS = (
  'vault ledger mail invoice record backup policy cluster node queue export archive token secret payroll ' +
  'customer contract deploy branch index bucket schema table report ticket calendar device sensor'
).split(' ');
const ACTS =
  'read write delete send grant drop copy move share reset rotate list merge purge'.split(' ');

function pick<T>(random: Random, list: readonly T[]): T {
  return list[integer(random, 0, list.length - 1)] as T;
}

/** A name that is mostly made up, now and then one that occurs. */
function tool(random: Random, { tools }: Vocabulary): string {
  if (integer(random, 0, 9) === 0) return pick(random, tools);
  return `${pick(random, ACTS)}_${pick(random, STEMS)}_${integer(random, 1, 400)}`;
}

function words(random: Random, count: number): string[] {
  return Array.from(
    { length: count },
    () => `${pick(random, STEMS)}-${pick(random, ACTS)}-${integer(random, 1, 9999)}`,
  );
}

type Shape = (random: Random, names: Vocabulary) => { service: string; detection: object };

const SHAPES: readonly Shape[] = [
  (random, names) => ({
    service: 'gateway',
    detection: {
      call: {
        'action.tool': [tool(random, names), tool(random, names), tool(random, names)],
        'action.decision': 'allow',
      },
      about: { [`action.args.${pick(random, names.keys)}|contains`]: words(random, 2) },
      exempt: { 'agent.role': words(random, 2) },
      condition: 'call and about and not exempt',
    },
  }),
  (random, names) => ({
    service: 'gateway',
    detection: {
      call: { 'action.tool|startswith': `${tool(random, names)}_`, 'action.outcome': 'ok' },
      content: { [`action.args.${pick(random, names.keys)}|contains`]: words(random, 3) },
      condition: 'call or content',
    },
  }),
  (random, names) => ({
    service: 'gateway',
    detection: {
      sel: {
        [`action.args.${pick(random, names.keys)}|re`]: `^/?(?:srv|home)/${pick(random, STEMS)}${integer(random, 1, 999)}/[a-z]+\\.(?:csv|sql)$`,
      },
      condition: 'sel',
    },
  }),
  (random, names) => ({
    service: 'gateway',
    detection: {
      call: { 'action.tool': tool(random, names), 'ref.tool.reversible': false },
      large: { 'action.bytesOut|gte': integer(random, 1e6, 1e9) },
      window: { 'action.reason|contains|all': words(random, 2) },
      condition: 'call and large and not window',
    },
  }),
  (random, names) => ({
    service: 'reasoning',
    detection: {
      said: { 'reasoning.intents.tool': [tool(random, names), tool(random, names)] },
      text: { 'reasoning.text|contains': words(random, 4) },
      condition: '1 of them',
    },
  }),
  (random, names) => ({
    service: 'metrics',
    detection: {
      sel: {
        'metric.name': pick(random, [...names.metrics, ...words(random, 3)]),
        'metric.value|gt': 1e12,
      },
      condition: 'sel',
    },
  }),
  (random) => ({
    service: 'governance',
    detection: {
      sel: {
        'governance.change': pick(random, ['policy.changed', 'key.issued', 'flag.changed']),
        'governance.actor|endswith': `@${words(random, 1)[0]}.example`,
      },
      condition: 'sel',
    },
  }),
  (random) => ({
    service: 'gateway',
    detection: {
      addresses: { 'action.resource.uri|cidr': `10.${integer(random, 0, 255)}.0.0/16` },
      condition: 'addresses',
    },
  }),
];

/** Detectors in shadow, so that what they find is recorded and nothing else is done about it. */
export function loadOf(count: number, names: Vocabulary): readonly Detector[] {
  const random = stream(SEED, 'rules');
  return Array.from({ length: count }, (_, at) => {
    const shape = SHAPES[at % SHAPES.length] as Shape;
    const { service, detection } = shape(random, names);
    const document = {
      title: `Rule number ${at} of the load`,
      id: `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`,
      name: `load_${at}`,
      taxonomy: 'plumbline',
      status: 'experimental',
      date: '2026-11-29',
      logsource: { product: 'ai_agent', service },
      detection,
      falsepositives: ['None of these is about anything.'],
      level: 'low',
      tags: ['atlas.t0053'],
      plumbline: {
        format: 1,
        maturity: 'shadow',
        evidence_class: 'content',
        needs: { sources: [service], evidence: 'L0' },
        entity: ['agent.id'],
        why: 'To be measured, and nothing else.',
        misses: 'Everything that matters to people.',
        triage: 'There is nothing to be done here.',
      },
    };
    const file = `scope/load-${at}.yaml`;
    const read = readDetectorFile([{ file, document, lineOf: () => null }], KINDS_OF_ANALYTIC);
    if (read.detector === null) throw new Error(JSON.stringify(read.problems));
    return read.detector;
  });
}
