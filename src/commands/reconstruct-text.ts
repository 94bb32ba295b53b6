/** Reconstruct, in words: what is known as of a moment, and, as plainly, what is not. */
import type { AgentState } from '../model/agent-history.ts';
import { MODES } from '../model/decision.ts';
import { KINDS, type Kind } from '../model/event.ts';
import { short } from '../model/ids.ts';
import type { AgentAt, SessionAt } from '../record/agent-at.ts';
import type { CaseAt, LeaseAt } from '../record/agent-conduct.ts';
import { count, safe, timeOf } from './output.ts';

const TOOLS_SHOWN = 40;
const CHANGES_SHOWN = 8;
const UNKNOWN = 'unknown';

/** The agent as lines. Every text that came from outside is escaped. */
export function reconstructText(at: AgentAt): string[] {
  const tenant = at.tenant === '-' ? '' : ` of tenant ${safe(at.tenant)}`;
  return [
    `Agent ${safe(at.agent)}${tenant} at ${timeOf(at.atMs)}`,
    ...reachLines(at),
    '',
    'Who it was',
    ...identityLines(at),
    '',
    'On whose behalf',
    ...sessionLines(at),
    '',
    'What it might do',
    ...grantLines(at),
    ...postureLines(at),
    ...baselineLines(at),
    '',
    'What it did, in the seven days before',
    ...conductLines(at),
    '',
    'What was done about it',
    ...at.cases.map(caseLine),
    ...at.leases.map((lease) => leaseLine(lease, at.atMs)),
    ...(at.cases.length + at.leases.length === 0 ? ['  no case and no lease'] : []),
    '',
    'What could not be seen',
    ...blindLines(at),
  ];
}

/** How far the record reaches: an auditor has to know before anything else. */
function reachLines({ knownSinceMs, cutBeforeMs, atMs }: AgentAt): string[] {
  const lines: string[] = [];
  if (knownSinceMs === null)
    lines.push('  Governance never spoke of it: who it was and what it might do is unknown.');
  else if (knownSinceMs > atMs)
    lines.push(`  Governance first spoke of it at ${timeOf(knownSinceMs)}: later than this.`);
  else lines.push(`  Known from ${timeOf(knownSinceMs)} on.`);
  if (cutBeforeMs !== null)
    lines.push(`  Before ${timeOf(cutBeforeMs)} its history was let go of and is not whole.`);
  return lines;
}

function identityLines({ last, changes }: AgentAt): string[] {
  if (last === null) return [`  ${UNKNOWN}`];
  const { after } = last;
  const shown = changes.slice(0, CHANGES_SHOWN).map((change) => {
    const { actor, source, trust } = change.by;
    const who = actor === null ? '' : ` by ${safe(actor)}`;
    const late = change.late ? ', late' : '';
    return `    ${timeOf(change.timeMs)}  ${change.change}${who}  (${safe(source)}, trust ${trust}${late}; record ${short(change.by.eventId)})`;
  });
  return [
    `  registered: ${registeredText(after)}`,
    `  role: ${orUnknown(after.role)} · model: ${orUnknown(after.model)}`,
    `  instructions: ${digestText(after.systemDigest)} · tools offered: ${digestText(after.offeredToolsDigest)}`,
    `  last review: ${after.reviewedMs === null ? UNKNOWN : timeOf(after.reviewedMs)}`,
    `  what governance had last said of it${changes.length > CHANGES_SHOWN ? ` (the newest ${CHANGES_SHOWN}; --json has more)` : ''}:`,
    ...shown,
  ];
}

function registeredText({ registered, registeredMs }: AgentState): string {
  if (registered === null) return `${UNKNOWN}: governance was not heard from its beginning`;
  if (!registered) return 'no';
  return registeredMs === null ? 'yes' : `yes, since ${timeOf(registeredMs)}`;
}

function digestText(digest: string | null): string {
  return digest === null ? 'never approved by digest' : safe(digest, 80);
}

function orUnknown(text: string | null): string {
  return text === null ? UNKNOWN : safe(text);
}

function sessionLines({ sessions, sessionsOpen }: AgentAt): string[] {
  if (sessions.length === 0) return ['  no session that governance opened is known'];
  const more = sessionsOpen - sessions.length;
  const head =
    sessionsOpen === 0
      ? '  no session was open; the last one before:'
      : `  ${count(sessionsOpen, 'session')} open${more > 0 ? `, the newest ${sessions.length} shown` : ''}:`;
  return [head, ...sessions.flatMap(oneSession)];
}

function oneSession({ opened, closedMs, chain, brokenAt, origin }: SessionAt): string[] {
  const ended = closedMs === null ? '' : ` to ${timeOf(closedMs)}`;
  const facts = [
    opened.taskType === null ? null : `task ${safe(opened.taskType, 80)}`,
    opened.mode === null ? null : `mode ${safe(opened.mode, 40)}`,
    opened.mandated ? 'mandate stated' : 'no mandate stated',
    opened.by.actor === null ? null : `opened by ${safe(opened.by.actor)}`,
  ].filter((fact) => fact !== null);
  const lines = [
    `  session ${safe(opened.session)}, from ${timeOf(opened.timeMs)}${ended}: ${facts.join(', ')}`,
  ];
  for (const above of chain)
    lines.push(
      `    spawned by session ${safe(above.session)} of ${safe(above.agent)}, from ${timeOf(above.timeMs)}`,
    );
  if (brokenAt !== null)
    lines.push(
      `    spawned by session ${safe(brokenAt)}, which the record does not hold: the origin is ${UNKNOWN}`,
    );
  else if (origin === null)
    lines.push(`    for whom: ${UNKNOWN}: governance named nobody when the root was opened`);
  else lines.push(`    for ${safe(origin)}, as governance said when the root was opened`);
  return lines;
}

function grantLines({ grants, last, atMs }: AgentAt): string[] {
  if (last === null) return [`  grants: ${UNKNOWN}`];
  if (grants === null) return ['  grants: governance had never listed its tools'];
  const tools = Object.entries(grants).sort(([a], [b]) => (a < b ? -1 : 1));
  const shown = tools.slice(0, TOOLS_SHOWN).map(([tool, grant]) => {
    const facts = [grant.class, grant.tier].filter((fact) => fact !== null);
    if (grant.quorum !== undefined) facts.push(`quorum ${grant.quorum}`);
    if (grant.toMs !== undefined)
      facts.push(
        grant.toMs < atMs ? `RUN OUT ${timeOf(grant.toMs)}` : `until ${timeOf(grant.toMs)}`,
      );
    return `    ${safe(tool, 80)}${facts.length === 0 ? '' : `  ${safe(facts.join(', '))}`}`;
  });
  const left = tools.length - shown.length;
  return [
    `  grants: ${count(tools.length, 'tool')}`,
    ...shown,
    ...(left > 0 ? [`    … and ${left} more (--json)`] : []),
  ];
}

function postureLines(at: AgentAt): string[] {
  const postures = at.leases.filter(
    ({ verb, stood }) => verb === 'posture' && stood === 'standing',
  );
  const lines = [
    postures.length === 0
      ? '  posture: free, as far as we are concerned'
      : `  posture: conservative by lease ${postures.map(({ id }) => short(id)).join(', ')}`,
  ];
  const { settings, last } = at;
  if (settings === null) lines.push(`  mode: ${UNKNOWN}: no settings were recorded by then`);
  else {
    const mode = modeIn(settings.body['roles'], last?.after.role ?? null);
    lines.push(`  mode: ${mode}, by the settings of ${timeOf(settings.atMs)}`);
  }
  for (const { scope, target, by, atMs } of at.paused)
    lines.push(
      `  paused: ${scope}${target === '' ? '' : ` ${safe(target)}`}, by ${safe(by)} at ${timeOf(atMs)}: no new lease`,
    );
  return lines;
}

function modeIn(roles: unknown, role: string | null): string {
  if (typeof roles !== 'object' || roles === null) return UNKNOWN;
  const named = role !== null && Object.hasOwn(roles, role) ? role : 'default';
  const mode = (roles as Record<string, { readonly mode?: unknown } | undefined>)[named]?.mode;
  return MODES.find((one) => one === mode) ?? 'observe';
}

function baselineLines({ baselines }: AgentAt): string[] {
  if (baselines.length === 0) return ['  baseline: none was in force for it'];
  return baselines.map(({ level, subject, hash, fromMs, approvedBy }) => {
    const of = level === 'fleet' ? 'fleet' : `${level} ${safe(subject)}`;
    const by = approvedBy.length === 0 ? '' : `, approved by ${safe(approvedBy.join(', '))}`;
    return `  baseline of ${of}: ${safe(hash, 90)}, in force since ${timeOf(fromMs)}${by}`;
  });
}

function conductLines({ usage, detections, underLease }: AgentAt): string[] {
  const lines = usage.map(({ dayMs, sessions, turns, calls, failures, denials, tokens }) => {
    const parts = [count(sessions, 'session'), count(turns, 'turn'), count(calls, 'call')];
    parts.push(`${failures} failed`, `${denials} denied`, count(tokens, 'token'));
    return `  ${timeOf(dayMs).slice(0, 10)}: ${parts.join(', ')}`;
  });
  if (usage.length === 0)
    lines.push('  no usage is recorded (the day of the moment counts as a whole)');
  for (const { detector, maturity, count: times } of detections)
    lines.push(`  ${safe(detector)} fired ${count(times, 'time')} (${maturity})`);
  if (detections.length === 0) lines.push('  no detector fired');
  const { allowed, refused } = underLease;
  if (allowed + refused > 0)
    lines.push(`  under our leases: ${count(refused, 'call')} refused, ${allowed} let through`);
  return lines;
}

function caseLine({ id, title, level, detections, openedMs, lastTold }: CaseAt): string {
  const told = lastTold === null ? 'nobody was told' : `last told: ${lastTold}`;
  return `  case ${short(id)} · ${level} · ${safe(title, 100)}: ${count(detections, 'detection')} by then, opened ${timeOf(openedMs)}; ${told}`;
}

function leaseLine(lease: LeaseAt, atMs: number): string {
  const { id, verb, stood, issuedMs, acceptedMs, endedMs, expiresMs, cause, verifiedMs } = lease;
  const tools = lease.tools.length === 0 ? '' : ` (${safe(lease.tools.join(', '), 80)})`;
  const ran = expiresMs === null ? 'without an end' : `to ${timeOf(expiresMs)}`;
  const state = {
    standing: `stood since ${timeOf(acceptedMs ?? issuedMs)}, ${ran}`,
    asked: `asked for at ${timeOf(issuedMs)}, not accepted yet`,
    over:
      endedMs === null
        ? `ran out ${timeOf(expiresMs ?? atMs)}`
        : `ended ${timeOf(endedMs)}${cause === null ? '' : ` (${safe(cause, 40)})`}`,
  }[stood];
  const shown =
    verifiedMs === null ? 'not shown to work by then' : `shown to work ${timeOf(verifiedMs)}`;
  return `  lease ${short(id)} · ${verb}${tools} · ${state}; ${shown}: ${safe(lease.reason, 120)}`;
}

function blindLines({ blind, settings }: AgentAt): string[] {
  const lines = blind.map(
    ({ source, kind, fromMs, toMs, reason }) =>
      `  ${safe(source)} (${kind}) from ${timeOf(fromMs)}${toMs === null ? '' : ` to ${timeOf(toMs)}`}: ${safe(reason)}`,
  );
  if (blind.length === 0) lines.push('  no book is known to have been blind at that moment');
  const sources = settings?.body['sources'];
  const carried = Array.isArray(sources)
    ? sources.flatMap(({ kinds }: { readonly kinds: readonly Kind[] }) => kinds)
    : null;
  const without = carried === null ? [] : KINDS.filter((kind) => !carried.includes(kind));
  if (carried === null) lines.push(`  which books had a source at all: ${UNKNOWN}`);
  for (const kind of without) lines.push(`  ${kind}: no source was configured for this book`);
  return lines;
}
