/** Early: rules that one event decides, asked as it arrives, before its turn in event time. */
import type { Detection } from '../model/detection.ts';
import type { Detector } from '../model/detector.ts';
import { assertNever } from '../model/errors.ts';
import { KINDS, type Kind } from '../model/event.ts';
import type { Inventory } from '../model/expectation.ts';
import type { EventFact } from '../model/fact.ts';
import type { Clause, SigmaRule } from '../model/sigma.ts';
import { derivedField } from './derived/fields.ts';
import { detectionOf } from './detect.ts';
import { createSigmaStage, findingOf } from './sigma/stage.ts';

/** The detectors with `emit: early`, over single events. Keeps nothing of what it saw. */
export interface EarlyDetect {
  /** Does any of them look at this book at all? */
  wants(kind: Kind): boolean;
  /** What they find in an event of which the ledger has said nothing. */
  see(fact: EventFact, found: (detection: Detection, detector: Detector) => void): void;
}

/** Derived fields that are looked up in the library and, where it is silent, in grants. */
const LOOKED_UP_IN_GRANTS: ReadonlySet<string> = new Set([
  ...['ref.tool.known', 'ref.offered.unknown', 'ref.intents.unknown'],
]);

/**
 * Why `emit: early` is no setting for this detector, with what to write instead; null where it is one:
 * hard evidence that one event holds, and an answer that is worth being there before the watermark.
 */
export function whyNotEarly(detector: Detector): string | null {
  const instead = 'write `emit: final`, or leave the line out';
  const { sigma, kind, evidenceClass, response } = detector;
  if (sigma === null)
    return `\`early\` is for rules that one event decides; the kind \`${kind}\` looks at more than one: ${instead}`;
  if (sigma.correlations.length > 0)
    return `\`early\` is for rules that one event decides; a correlation waits for others: ${instead}`;
  if (evidenceClass !== 'hard')
    return `only hard evidence acts, so with evidence_class ${evidenceClass} nothing would come early: ${instead}`;
  if (response === null)
    return `it asks for no response, so nothing would come early: add \`response:\`, or ${instead}`;
  if (response.action === 'escalate')
    return `\`escalate\` counts from what stands when the event is folded: name a rung in \`response.action\`, or ${instead}`;
  const field = sigma.rules.flatMap(fieldsOf).find((name) => !isOfEvent(name));
  if (field === undefined) return null;
  return `\`${field}\` is known from other events, which may still be on their way: ask without it, or ${instead}`;
}

/** Told by an event that names its agent, which is the only kind that is early, and by the library. */
const TOLD_ALL_THE_SAME: ReadonlySet<string> = new Set(['agent.id', 'call.tool']);

function isOfEvent(name: string): boolean {
  if (TOLD_ALL_THE_SAME.has(name)) return true;
  return derivedField(name)?.source !== 'ledger' && !LOOKED_UP_IN_GRANTS.has(name);
}

/** Every field a rule asks about, its filters included. */
function fieldsOf({ selections, condition, filters }: SigmaRule): readonly string[] {
  const clauses = [...selections.map(([, clause]) => clause), condition];
  for (const filter of filters)
    clauses.push(...filter.selections.map(([, clause]) => clause), filter.condition);
  return clauses.flatMap(namesIn);
}

function namesIn(clause: Clause): readonly string[] {
  switch (clause.type) {
    case 'and':
    case 'or':
      return clause.items.flatMap(namesIn);
    case 'not':
      return namesIn(clause.item);
    case 'match': {
      const { field, test } = clause;
      return [...(field === null ? [] : [field]), ...(test.type === 'field' ? [test.other] : [])];
    }
    case 'selection':
      return [];
    default:
      return assertNever(clause);
  }
}

/** Compiles those of the detectors that are early; null where none is. */
export function createEarlyDetect(
  detectors: ReadonlyMap<string, Detector>,
  inventory: Inventory,
): EarlyDetect | null {
  // A filter that was put on a rule may ask what one event does not hold: such a rule waits.
  const early = [...detectors.values()].filter(
    (one) => one.emit === 'early' && whyNotEarly(one) === null,
  );
  if (early.length === 0) return null;
  const services = early.flatMap(({ sigma }) => sigma?.rules ?? []).map(({ source }) => source);
  const wanted = new Set(KINDS.filter((kind) => services.some((one) => isFor(one.service, kind))));
  // What the observer must say of the index and of long values it says when the event is folded.
  const stage = createSigmaStage(early, inventory, () => undefined);
  return {
    wants: (kind) => wanted.has(kind),
    see: (fact, found) =>
      stage.see(fact, (hit) => {
        const detector = detectors.get(hit.owned.detector.stem) as Detector;
        found(detectionOf(detector, findingOf(hit), fact), detector);
      }),
  };
}

function isFor(service: string | null, kind: Kind): boolean {
  return service === null || service.toLowerCase() === kind;
}
