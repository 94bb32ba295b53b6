/** Text of `check decode`: records, fields, levels, identities, detectors left out. */
import type { Event } from '../model/event.ts';
import type { Account } from '../source/account.ts';
import {
  levelOf,
  levelsOf,
  type RecordTold,
  type SampleTold,
  tierIn,
  tiersOf,
} from './decode-told.ts';
import { count, safe, table } from './output.ts';

const TIER_SAYS = ['none', 'said by itself', 'platform', 'key', 'checked'] as const;
/** Lists are cut here: a sample is looked at, not read through. */
const FIELDS_SHOWN = 80;
const LETTERS_SHOWN = 20;
const DISABLED_SHOWN = 100;
const UNREAD_SHOWN = 16;
const VALUE_SHOWN = 60;

/** Members whose content is not for every screen: their size is shown. */
const CONTENT =
  /^(action\.(args|result|reason)|reasoning\.(text|mandate|intents|claims)|governance\.detail)/;

/** The whole report, for people. */
export function linesOf(told: SampleTold): string[] {
  const lines: string[] = [];
  for (const record of told.records.slice(0, told.shown)) lines.push(...recordLines(record), '');
  const rest = told.records.slice(told.shown);
  const letters = rest.flatMap(({ record, deadLetters }) =>
    deadLetters.map((one) => `record ${record}: ${letterText(one)}`),
  );
  lines.push(...letters.slice(0, LETTERS_SHOWN));
  if (letters.length > LETTERS_SHOWN)
    lines.push(`… and ${count(letters.length - LETTERS_SHOWN, 'more dead letter')}`);
  lines.push(...summaryLines(told), ...disabledLines(told));
  return lines;
}

function recordLines({ record, bytes, events, deadLetters, ignored, accounts }: RecordTold) {
  const parts = [count(events.length, 'event')];
  if (ignored > 0) parts.push(`${ignored} left out`);
  if (deadLetters.length > 0) parts.push(count(deadLetters.length, 'dead letter'));
  const lines = [`record ${record}, ${bytes.toLocaleString('en')} bytes: ${parts.join(', ')}`];
  for (const letter of deadLetters.slice(0, LETTERS_SHOWN)) lines.push(`  ${letterText(letter)}`);
  for (const event of events.slice(0, LETTERS_SHOWN)) lines.push(...eventLines(event));
  if (events.length > LETTERS_SHOWN)
    lines.push(`  … and ${count(events.length - LETTERS_SHOWN, 'more event')}`);
  for (const account of accounts.slice(0, LETTERS_SHOWN)) lines.push(...accountLines(account));
  return lines;
}

const letterText = ({ reason, detail }: { readonly reason: string; readonly detail: string }) =>
  `dead letter ${reason}: ${safe(detail, 256)}`;

function eventLines(event: Event): string[] {
  const { kind, category, agent, time } = event;
  const tier = tierIn(event);
  const who = agent === undefined ? 'no agent' : `agent ${safe(agent.id, 80)} (${TIER_SAYS[tier]})`;
  const at = new Date(time.eventMs).toISOString();
  const head = `  ${kind} ${safe(category, 40)}, ${levelOf(event)}, ${at}, ${who}`;
  const fields = fieldsOf(event).slice(0, FIELDS_SHOWN);
  return [head, ...table(fields.map(([name, value]) => [`    ${name}`, value]))];
}

/** Fields of an event with their values; of content only how much there is. */
function fieldsOf(event: Event): [string, string][] {
  const found: [string, string][] = [];
  const look = (value: unknown, path: string, depth: number): void => {
    if (value === undefined || found.length > FIELDS_SHOWN) return;
    if (CONTENT.test(path)) {
      found.push([safe(path, 80), sizeText(value)]);
      return;
    }
    if (typeof value === 'object' && value !== null && depth < 6) {
      for (const [name, member] of Object.entries(value))
        look(member, path === '' ? name : `${path}.${name}`, depth + 1);
      return;
    }
    found.push([safe(path, 80), safe(String(value), VALUE_SHOWN)]);
  };
  const { session, principal, keys, order, action, reasoning, governance, metric } = event;
  look({ session, principal, keys, order, action, reasoning, governance, metric }, '', 0);
  return found;
}

function sizeText(value: unknown): string {
  if (typeof value === 'string') return count(value.length, 'character');
  if (Array.isArray(value)) return count(value.length, 'item');
  return typeof value === 'object' && value !== null
    ? count(Object.keys(value).length, 'member')
    : 'there';
}

function accountLines({ index, speaks, found, missing, unread, unreadMore }: Account): string[] {
  const lines = [`  item ${index + 1}: ${speaks === null ? 'nothing reads it' : safe(speaks, 80)}`];
  const rows = found
    .slice(0, FIELDS_SHOWN)
    .map(({ field, at, note }) => [
      `    ${safe(field, 80)}`,
      `from ${safe(at, 120)}`,
      note === null ? '' : safe(note, 120),
    ]);
  lines.push(...table(rows));
  for (const { field, at } of missing.slice(0, FIELDS_SHOWN))
    lines.push(`    missing ${safe(field, 80)}${at === '' ? '' : `: looked at ${safe(at, 200)}`}`);
  if (unread.length > 0) {
    const more = unread.length - UNREAD_SHOWN + unreadMore;
    const names = unread.slice(0, UNREAD_SHOWN).map((one) => safe(one, 80));
    lines.push(`    not read: ${names.join(' ')}${more > 0 ? ` and ${more} more` : ''}`);
  }
  return lines;
}

function summaryLines({ records, decoder, form, more }: SampleTold): string[] {
  const events = records.flatMap((one) => one.events);
  const letters = records.reduce((sum, one) => sum + one.deadLetters.length, 0);
  const ignored = records.reduce((sum, one) => sum + one.ignored, 0);
  const lines = [
    `${decoder}, ${form}: ${count(records.length, 'record')}, ${count(events.length, 'event')}, ${ignored} left out, ${count(letters, 'dead letter')}`,
  ];
  if (more > 0) lines.push(`${more.toLocaleString('en')} more records were not looked at`);
  for (const [kind, levels] of Object.entries(levelsOf(events))) {
    const shares = Object.entries(levels).map(([level, n]) => `${level} ${n}`);
    lines.push(`evidence of ${kind}: ${shares.join(', ')}`);
  }
  const tiers = tiersOf(events).map(([tier, n]) => `${TIER_SAYS[tier]} ${n}`);
  if (tiers.length > 0) lines.push(`identity: ${tiers.join(', ')}`);
  return lines;
}

function disabledLines({ disabled, unsure, concerned, records }: SampleTold): string[] {
  if (records.every(({ events }) => events.length === 0)) return [];
  const lines = [
    `detectors that look at such records: ${concerned}; that can conclude nothing from these: ${disabled.length}`,
  ];
  for (const row of table(
    disabled
      .slice(0, DISABLED_SHOWN)
      .map(({ stem, why }) => [`  ${stem}`, safe(why.join('; '), 400)]),
  ))
    lines.push(row);
  if (disabled.length > DISABLED_SHOWN)
    lines.push(`  … and ${disabled.length - DISABLED_SHOWN} more`);
  const byNeed = new Map<string, string[]>();
  for (const { stem, needs, reaches } of unsure) {
    const key = `that ask for an identity by ${needs}, where these records reach tier ${reaches} (${TIER_SAYS[reaches]})`;
    byNeed.set(key, [...(byNeed.get(key) ?? []), stem]);
  }
  for (const [key, stems] of byNeed)
    lines.push(`detectors ${key}: ${stems.length}`, `  ${safe(stems.join(' '), 4000)}`);
  return lines;
}

/** The same for programs. Content of events is left out; fields and sizes are there. */
export function toldOf(told: SampleTold): unknown {
  const { decoder, form, more, records, disabled, unsure, concerned, shown } = told;
  const events = records.flatMap((one) => one.events);
  return {
    ...{ decoder, form, records: records.length, notLookedAt: more, events: events.length },
    ignored: records.reduce((sum, one) => sum + one.ignored, 0),
    deadLetters: records.flatMap(({ record, deadLetters }) =>
      deadLetters.map(({ reason, detail }) => ({ record, reason, detail })),
    ),
    levels: levelsOf(events),
    tiers: Object.fromEntries(tiersOf(events)),
    ...{ concerned, disabled, unsure },
    shown: records.slice(0, shown).map((one) => ({
      ...{ record: one.record, bytes: one.bytes, accounts: one.accounts },
      events: one.events.map((event) => ({
        ...{ kind: event.kind, category: event.category, level: levelOf(event) },
        ...{ agent: event.agent?.id ?? null, tier: tierIn(event) },
        fields: Object.fromEntries(fieldsOf(event)),
      })),
    })),
  };
}
