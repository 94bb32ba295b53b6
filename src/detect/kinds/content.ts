/** Kind `content`: what a call sends or changes holds something that should not leave. */
import { type Static, Type } from 'typebox';
import { TOOL_CLASSES } from '../../model/event-governance.ts';
import { eventWitness } from '../../model/event-witness.ts';
import type { EventFact } from '../../model/fact.ts';
import { findPersonalData } from '../content/identifiers.ts';
import { createSecretFinder } from '../content/secrets.ts';
import type { Sighting } from '../content/sighting.ts';
import { ask } from '../derived/asked.ts';
import { fieldReader } from '../derived/fields.ts';
import { argumentTexts, LEAVES_MAX } from '../derived/strings.ts';
import type { AnalyticKind, Finding, KindContext, See } from '../kind.ts';

const Params = Type.Object(
  {
    looksFor: Type.Enum(['secrets', 'personal-data'], {
      description:
        'secrets: keys and tokens by the published rules of secretlint · personal-data: cards and accounts by their checksum, lists of addresses.',
    }),
    classes: Type.Array(Type.Enum(TOOL_CLASSES), {
      minItems: 1,
      maxItems: TOOL_CLASSES.length,
      description: 'Reach of the tools whose arguments are looked at.',
    }),
    onlyOutside: Type.Optional(
      Type.Boolean({
        description: 'Only calls that name a host outside the declared zone. Default false.',
      }),
    ),
  },
  { additionalProperties: false },
);
type Params = Static<typeof Params>;

/** Secretlint's rules are made once: they hold nothing of what they saw. */
const findSecrets = createSecretFinder();
const inZone = fieldReader('call.inZone');

/** The kind. Attempts count too: what was sent to the gateway has left the agent. */
export const content: AnalyticKind = {
  name: 'content',
  claim: 'Arguments of a call hold a secret, or personal data, by patterns that others publish.',
  params: Params,
  facts: ['event'],
  evidence: 'L2',
  bound: 'none of its own',
  compile(params, context): See {
    const rule = params as Params;
    const find = rule.looksFor === 'secrets' ? findSecrets : findPersonalData;
    return (fact) => (fact.type === 'event' ? see(rule, find, fact, context) : null);
  },
};

function see(
  rule: Params,
  find: (text: string) => readonly Sighting[],
  fact: EventFact,
  { inventory, stem, evicted }: KindContext,
): Finding | null {
  const { action } = fact.event;
  if (action === undefined || fact.ours || fact.toolClass === null) return null;
  if (!rule.classes.some((each) => each === fact.toolClass)) return null;
  if (rule.onlyOutside === true && inZone(fact, inventory) !== false) return null;
  const asked = ask(fact, inventory);
  const texts = argumentTexts(asked) ?? [];
  if (asked.memo.left > 0) {
    const detail = `a call holds more than ${LEAVES_MAX} texts: the first and the last were looked at`;
    evicted(stem, detail, fact.event.time.eventMs);
  }
  const found = new Map<string, { count: number; length: number }>();
  // Values that stand in a list each for itself are together a list too.
  const whole = texts.map(({ text }) => text).join('\n');
  for (const { type, length } of find(whole)) {
    const own = found.get(type);
    if (own === undefined) found.set(type, { count: 1, length });
    else own.count += 1;
  }
  return found.size === 0 ? null : findingOf(rule, fact, found);
}

function findingOf(
  rule: Params,
  fact: EventFact,
  found: ReadonlyMap<string, { count: number; length: number }>,
): Finding {
  const { event, session } = fact;
  const witness = eventWitness(fact);
  const kinds = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  const named = kinds
    .slice(0, 5)
    .map(([type, { count, length }]) => `${count} × ${type} (${length} characters)`)
    .join(', ');
  const tool = event.action?.tool ?? null;
  return {
    tenant: fact.tenant,
    agent: session?.agent ?? fact.agent,
    role: fact.role,
    session: session?.id ?? null,
    said: [{ witness, says: `its arguments hold ${named}`.slice(0, 280) }],
    seq: witness.seq,
    tool,
    timeMs: witness.ms,
    decidedMs: witness.ms,
    strength: 'exact',
    late: fact.late,
    explanation: `Arguments of a call that can ${fact.toolClass} hold ${named}.`,
    counterfactual: `silent without ${rule.looksFor} in the arguments, or by a tool of another reach`,
  };
}
