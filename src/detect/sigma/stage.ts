/** The Sigma part of detection: rules of all detectors in one matcher, hits to findings. */
import type { NoticeCode } from '../../model/detection.ts';
import type { Detector } from '../../model/detector.ts';
import { assertNever } from '../../model/errors.ts';
import type { Kind } from '../../model/event.ts';
import { eventWitness } from '../../model/event-witness.ts';
import type { Inventory } from '../../model/expectation.ts';
import type { EventFact } from '../../model/fact.ts';
import type { Clause, SigmaRule } from '../../model/sigma.ts';
import type { Finding } from '../kind.ts';
import { isGenerated } from './correlation/link.ts';
import { explainRule, type RuleExplained, sentenceOf } from './explain.ts';
import { createMatcher, type Matcher, type RoutedRules } from './matcher.ts';
import { ruleKey, scopeOf } from './scope.ts';
import { createViewer, type EventView, HALF_MAX } from './view.ts';

/** A rule and the detector it belongs to. */
export interface OwnedRule {
  readonly rule: SigmaRule;
  readonly detector: Detector;
  /** As correlations name it. */
  readonly key: string;
  /** Does the rule fire by itself? */
  readonly fires: boolean;
  /** Is it the base of a correlation? With `generate` it is both. */
  readonly feeds: boolean;
  /** Does it ask about refusals by our own leases? Every other rule is not shown them. */
  readonly asksForOurs: boolean;
}

/** What a rule found in an event; `view` is good until the next event. */
export interface RuleHit {
  readonly owned: OwnedRule;
  readonly fact: EventFact;
  readonly view: EventView;
}

/** Rules of all detectors over events. */
export interface SigmaStage {
  /**
   * Every rule that matches, in the order of the detectors and of their files. A call that a lease of
   * ours refused is shown only to rules that name `call.ours`: what we did is evidence of nothing else.
   */
  see(fact: EventFact, hit: (hit: RuleHit) => void): void;
}

interface CompiledSet {
  readonly owned: readonly OwnedRule[];
  readonly matcher: Matcher;
}

/**
 * The compiled rules of a list of detectors. A lane is made anew after each crash, and tests make
 * thousands of them: what depends on nothing but the list is compiled once for each list.
 */
const COMPILED = new WeakMap<readonly Detector[], CompiledSet>();

function compiledSet(detectors: readonly Detector[]): CompiledSet {
  const known = COMPILED.get(detectors);
  if (known !== undefined) return known;
  const owned = [...detectors]
    .sort((a, b) => (a.stem < b.stem ? -1 : 1))
    .flatMap((detector) => {
      const correlations = detector.sigma?.correlations ?? [];
      const feeds = correlations.length > 0;
      const scope = scopeOf(detector);
      return (detector.sigma?.rules ?? []).map((rule) => {
        const fires = !feeds || isGenerated(correlations, [rule.name, rule.id]);
        const asksForOurs = clausesOf(rule).some(namesOurs);
        return { rule, detector, key: ruleKey(scope, rule.name), fires, feeds, asksForOurs };
      });
    });
  const made = { owned, matcher: createMatcher(owned.map(({ rule }) => rule)) };
  COMPILED.set(detectors, made);
  return made;
}

const OURS = 'call.ours';

const clausesOf = ({ selections, condition }: SigmaRule): readonly Clause[] => [
  ...selections.map(([, clause]) => clause),
  condition,
];

function namesOurs(clause: Clause): boolean {
  switch (clause.type) {
    case 'and':
    case 'or':
      return clause.items.some(namesOurs);
    case 'not':
      return namesOurs(clause.item);
    case 'match':
      return clause.field === OURS;
    case 'selection':
      return false;
    default:
      return assertNever(clause);
  }
}

/** One event in so many is matched without the index too; which, its content decides. */
const CHECK_EVERY = 10_000;

/** Says what the observer must say of itself. */
export type Notify = (code: NoticeCode, subject: string, detail: string, ms: number) => void;

/** Compiles the rules of the detectors that are written in Sigma. */
export function createSigmaStage(
  detectors: readonly Detector[],
  inventory: Inventory,
  notice: Notify,
): SigmaStage {
  const { owned, matcher } = compiledSet(detectors);
  if (owned.length === 0) return { see: () => undefined };
  const viewOf = createViewer(inventory);
  const routes = new EventRoutes(matcher);
  return {
    see(fact, hit) {
      const { event } = fact;
      const rules = routes.of(event.kind, event.category);
      if (rules.isEmpty) return;
      const view = viewOf(fact);
      const matches =
        event.contentHash % CHECK_EVERY === 0 ? checked(view, rules, fact) : rules.match(view);
      const detail = unseen(view);
      if (detail !== null) notice('event.oversize', event.src.name, detail, event.time.eventMs);
      for (const at of matches) {
        const one = owned[at] as OwnedRule;
        if (!fact.ours || one.asksForOurs) hit({ owned: one, fact, view });
      }
    },
  };

  function checked(view: EventView, rules: RoutedRules, { event }: EventFact): readonly number[] {
    const { matches, missed } = rules.check(view);
    if (missed.length > 0) {
      const names = missed.slice(0, 8).map((at) => (owned[at] as OwnedRule).rule.name);
      const detail = `the index missed ${names.join(', ')}; this log source is scanned in full from now on`;
      notice('index.unsound', event.kind, detail, event.time.eventMs);
    }
    return matches;
  }
}

/** What of an event was not looked at, in words; null where all was. */
function unseen({ oversized, leftOut }: EventView): string | null {
  const said: string[] = [];
  if (oversized > 0)
    said.push(
      `${oversized} values longer than ${2 * HALF_MAX} characters: head and tail were looked at`,
    );
  if (leftOut > 0)
    said.push(`${leftOut} values more than are looked at: the first and the last ones were`);
  return said.length === 0 ? null : said.join('; ');
}

/** Categories are what records say: so many of a book are remembered. */
const CATEGORIES_MAX = 1024;

/** The rules for events of a book and a category. */
class EventRoutes {
  readonly #matcher: Matcher;
  readonly #known: Readonly<Record<Kind, Map<string | null, RoutedRules>>> = {
    reasoning: new Map(),
    gateway: new Map(),
    governance: new Map(),
    metrics: new Map(),
  };

  constructor(matcher: Matcher) {
    this.#matcher = matcher;
  }

  of(kind: Kind, category: string | null): RoutedRules {
    const known = this.#known[kind];
    let rules = known.get(category);
    if (rules === undefined) {
      rules = this.#matcher.routed({ product: 'ai_agent', service: kind, category });
      if (known.size < CATEGORIES_MAX) known.set(category, rules);
    }
    return rules;
  }
}

const TEXT_MAX = 900;
const SAYS_MAX = 280;

/** The finding of a rule that fires by itself: one for each event it matches. */
export function findingOf({ owned, fact, view }: RuleHit): Finding {
  const { event, session } = fact;
  const explained = explainRule(owned.rule, view);
  const explanation = sentenceOf(explained).slice(0, TEXT_MAX);
  const witness = eventWitness(fact);
  return {
    tenant: fact.tenant,
    agent: session?.agent ?? fact.agent,
    role: fact.role,
    session: session?.id ?? null,
    said: [{ witness, says: explanation.slice(0, SAYS_MAX) }],
    seq: witness.seq,
    tool: event.action?.tool ?? null,
    timeMs: witness.ms,
    decidedMs: witness.ms,
    strength: 'exact',
    late: fact.late,
    explanation,
    counterfactual: counterfactualOf(explained),
  };
}

function counterfactualOf({ counterfactual }: RuleExplained): string {
  const text = `silent ${counterfactual.join(', and ')}`;
  return text.slice(0, TEXT_MAX);
}
