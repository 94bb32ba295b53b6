/** Correlating: the correlations of all detectors, fed by rule hits; firings become findings. */
import type { Entity } from '../../model/detection.ts';
import type { Detector } from '../../model/detector.ts';
import type { Problem } from '../../model/errors.ts';
import { KINDS, type Kind } from '../../model/event.ts';
import { eventWitness } from '../../model/event-witness.ts';
import type { EventFact } from '../../model/fact.ts';
import { eventIdOf } from '../../model/ids.ts';
import type { Located } from '../../model/schema.ts';
import type { LogSource } from '../../model/sigma.ts';
import type { Finding } from '../kind.ts';
import { createCorrelations } from './correlation/correlations.ts';
import { type CorrelationRule, readCorrelation } from './correlation/definition.ts';
import type { CorrelationContext, Correlations, Firing, Hit } from './correlation/hit.ts';
import { type LinkBase, linkCorrelations, silentBases } from './correlation/link.ts';
import { ruleKey, scopeOf } from './scope.ts';
import { SHOWN } from './shown.ts';
import type { RuleHit } from './stage.ts';

/** Correlations of a file, linked to its rules. */
export interface LinkedFile {
  readonly rules: readonly CorrelationRule[];
  readonly problems: readonly Problem[];
}

/** Where the documents with `correlation:` lie; the outermost is the last. */
export interface CorrelationText {
  readonly document: unknown;
  readonly where: Located;
}

/** Reads and links the correlations of one detector; every mistake is returned. */
export function linkFile(
  scope: string,
  sigma: { readonly rules: readonly { name: string; id: string | null; source: LogSource }[] },
  texts: readonly CorrelationText[],
): LinkedFile {
  const read = texts.map(({ document, where }) => ({ where, ...readCorrelation(document, where) }));
  const bases: LinkBase[] = sigma.rules.map(({ name, id, source }) => ({
    key: ruleKey(scope, name),
    ...{ name, id, kinds: kindsOf(source) },
  }));
  const documents = read.flatMap(({ rule, where }) => (rule === null ? [] : [{ rule, where }]));
  const linked = linkCorrelations(documents, bases, scope);
  const broken = read.flatMap(({ problems }) => problems);
  // A document with mistakes of its own would only be named again by all that is built on it.
  return { rules: linked.rules, problems: broken.length > 0 ? broken : linked.problems };
}

function kindsOf({ service }: LogSource): readonly Kind[] {
  const kind = KINDS.find((each) => each === service);
  return kind === undefined ? KINDS : [kind];
}

const NOWHERE: Located = { file: '', lineOf: () => null };

/** Correlations of a list of detectors, compiled once for each list. */
export interface CorrelationSet {
  readonly rules: readonly CorrelationRule[];
  /** Detector by the key of the correlation that fires for it. */
  readonly owners: ReadonlyMap<string, Detector>;
}

/** Links the correlations of every detector. Their mistakes were said when they were read. */
export function correlationSet(detectors: readonly Detector[]): CorrelationSet {
  const rules: CorrelationRule[] = [];
  const owners = new Map<string, Detector>();
  for (const detector of detectors) {
    const { sigma } = detector;
    if (sigma === null || sigma.correlations.length === 0) continue;
    const texts = sigma.correlations.map((document) => ({ document, where: NOWHERE }));
    const linked = linkFile(scopeOf(detector), sigma, texts);
    rules.push(...linked.rules);
    const silent = silentBases(linked.rules);
    for (const { key } of linked.rules) if (!silent.has(key)) owners.set(key, detector);
  }
  return { rules, owners };
}

/** Receives a detector's finding. */
export type Found = (detector: Detector, finding: Finding) => void;

/** Correlations at work. */
export interface Correlating
  extends Pick<Correlations, 'nextMs' | 'passTime' | 'gap' | 'restoring' | 'spaces' | 'counters'> {
  take(hit: RuleHit): void;
}

/** Makes the correlations of a set over slots. */
export function createCorrelating(
  { rules, owners }: CorrelationSet,
  context: Omit<CorrelationContext, 'fire'>,
  found: Found,
): Correlating {
  const titles = new Map(rules.map((rule) => [rule.key, rule]));
  const correlations = createCorrelations(rules, {
    ...context,
    fire: (firing) => {
      const detector = owners.get(firing.correlation);
      const rule = titles.get(firing.correlation);
      if (detector !== undefined && rule !== undefined) found(detector, findingOf(firing, rule));
    },
  });
  // An event often hits many rules: what all of its hits have in common is made once.
  let common: { readonly fact: EventFact; readonly hit: Omit<Hit, 'rule'> } | null = null;
  return {
    take(hit) {
      const { key } = hit.owned;
      if (!correlations.wants(key)) return;
      if (common?.fact !== hit.fact) common = { fact: hit.fact, hit: commonOf(hit) };
      correlations.hit({ ...common.hit, rule: key });
    },
    spaces: correlations.spaces,
    counters: correlations.counters,
    nextMs: () => correlations.nextMs(),
    passTime: (ms) => correlations.passTime(ms),
    gap: (book, fromMs, toMs, decidedMs) => correlations.gap(book, fromMs, toMs, decidedMs),
    restoring: () => correlations.restoring(),
  };
}

function commonOf({ fact, view }: RuleHit): Omit<Hit, 'rule'> {
  const { event, session, tenant } = fact;
  const entity: Entity = {
    tenant,
    agent: session?.agent ?? fact.agent,
    role: fact.role,
    session: session?.id ?? null,
  };
  return {
    eventId: eventIdOf(event.src.topic, event.nativeId),
    ms: event.time.eventMs,
    late: fact.late,
    tenant,
    field: (path) => view.get(path),
    witness: eventWitness(fact),
    entity,
  };
}

const TEXT_MAX = 900;

function findingOf(firing: Firing, rule: CorrelationRule): Finding {
  const { entity, evidence } = firing;
  const last = evidence.at(-1)?.witness;
  return {
    ...entity,
    said: evidence.map(({ witness, rule: key }) => ({
      witness,
      says: `${nameOf(key)}${witness.tool === '' ? '' : `: ${witness.tool}`}`.slice(0, 280),
    })),
    seq: last?.seq ?? null,
    tool: last === undefined || last.tool === '' ? null : last.tool,
    timeMs: firing.timeMs,
    decidedMs: firing.decidedMs,
    // Hard evidence needs a sure order; power is capped where clocks cannot tell it.
    strength: firing.orderUncertain ? 'weak' : 'exact',
    late: firing.late,
    evidenceKey: firing.id,
    explanation: explanationOf(firing, rule).slice(0, TEXT_MAX),
    counterfactual: firing.counterfactual.slice(0, TEXT_MAX),
    ...(firing.retracts === null ? {} : { retracts: firing.retracts.reason }),
  };
}

/** `denied` of `bypass@ab12/denied`. */
function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

function explanationOf(firing: Firing, rule: CorrelationRule): string {
  const { measured, by, absent, orderUncertain, approximate, total, evidence } = firing;
  const groups = Object.entries(by).map(([field, value]) =>
    SHOWN.has(field) ? `${field} ${JSON.stringify(value.slice(0, 64))}` : `one ${field}`,
  );
  const parts = [
    `${rule.title}: ${measured}, by ${groups.join(', ')}`,
    ...(absent.length === 0 ? [] : [`and no ${absent.map(nameOf).join(', no ')}`]),
    ...(total > evidence.length ? [`the newest ${evidence.length} of ${total} are named`] : []),
    ...(orderUncertain ? ['clocks of the sources do not tell the order for certain'] : []),
    ...(approximate ? ['a bound was reached, the figure may be less exact'] : []),
  ];
  return `${parts.join('; ')}.`;
}
