/** Finding: the one alert object of a case or of a step of containment, for every sink alike. */
import type { Alert, AlertMatter } from '../../model/alert.ts';
import type { DueAlert } from '../../model/alert-log.ts';
import type { Announced } from '../../model/decision.ts';
import { assertNever } from '../../model/errors.ts';
import { cut, plain } from '../plain.ts';
import { detectionFinding, type OcsfOptions } from './ocsf.ts';
import { remediationActivity, stepSummary } from './remediation.ts';

/** How alerts are rendered. */
export interface FindingOptions extends OcsfOptions {
  /** Address of a case for people; `{case}` stands for its id. Null: none. */
  readonly link: string | null;
}

/** Longest strings of an alert, UTF-16 units. */
const NAME_MAX = 256;
const SUMMARY_MAX = 512;
const DESCRIPTION_MAX = 4000;
const TOLD_MAX = 5;

/**
 * Renders an alert. Pure: the same record gives the same bytes. Null where the case is not in the
 * record, or an action names no lease of it.
 */
export function renderAlert(due: DueAlert, options: FindingOptions): Alert | null {
  const { matter, step } = due;
  if (matter === null) return null;
  const lease = step === null ? null : matter.leases.find(({ id }) => id === step.leaseId);
  if (step !== null && (lease === null || lease === undefined)) return null;
  const { case: one } = matter;
  const { tenant, agent, role, session } = one.entity;
  const name = (text: string) => plain(text, NAME_MAX);
  const about = {
    ...{ uid: due.uid, kind: due.kind, activity: due.activity, caseId: due.caseId },
    ...{ sequence: due.sequence, why: due.why, level: due.level },
    ...{ tenant: name(tenant), agent: name(agent) },
    role: role === null ? null : name(role),
    session: session === null ? null : name(session),
    detector: name(detectorOf(matter)),
    firstSeenMs: one.openedMs,
    lastSeenMs: Math.max(one.openedMs, one.lastMs),
    link: options.link?.replaceAll('{case}', encodeURIComponent(due.caseId)) ?? null,
  };
  if (step !== null && lease !== null && lease !== undefined) {
    const summary = cut(stepSummary(step, lease), SUMMARY_MAX);
    const alert = { ...about, title: `Containment: ${lease.verb}`, summary, description: summary };
    return { ...alert, event: remediationActivity(alert, step, lease, options) };
  }
  const alert = {
    ...about,
    title: name(one.title),
    summary: summaryOf(due, matter),
    description: descriptionOf(due, matter),
  };
  return { ...alert, event: detectionFinding(alert, matter, options) };
}

/** The detector that opened the case: it does not change, so it may be a label. */
function detectorOf({ case: one, detections }: AlertMatter): string {
  const [first] = one.folds;
  return first?.detector ?? detections[0]?.detection.detector ?? 'unknown';
}

function summaryOf(due: DueAlert, matter: AlertMatter): string {
  const { case: one } = matter;
  const said = due.why.map(causeInWords).join(', ');
  const times = one.count === 1 ? '1 detection' : `${one.count} detections`;
  const first = due.says.map((text) => `${plain(text, 160)} · `).join('');
  return cut(
    `${first}${plain(one.title, NAME_MAX)} (${due.level}; ${said}; ${times})`,
    SUMMARY_MAX,
  );
}

/** Why a sink is told, in words. A cause that gets a name in the model gets one here. */
const WORDS: Readonly<Record<Announced | 'folded' | 'withdrawn' | 'test', string>> = {
  opened: 'opened',
  detector: 'another detector joined',
  level: 'severity rose',
  maturity: 'a detector of higher maturity joined',
  entity: 'another agent joined',
  reopened: 'came back',
  repeat: 'goes on',
  fleet: 'many agents of a role at once',
  resolved: 'quiet for an hour',
  approval: 'an action waits for a person to agree: plumbline approvals',
  breaker: 'the fleet breaker stopped further action: a person is to look',
  leaking: 'a lease leaks: calls still go through',
  folded: 'a fleet case tells it',
  withdrawn: 'judged to be nothing, or taken back',
  test: 'a test',
};

/** A cause in words; one without a name is shown as it is. */
export function causeInWords(why: string): string {
  return Object.hasOwn(WORDS, why) ? WORDS[why as keyof typeof WORDS] : plain(why, 64);
}

/** What was seen by whom, and what was done about it. */
function descriptionOf({ says }: DueAlert, matter: AlertMatter): string {
  const standing = matter.detections.filter(({ retracted }) => !retracted);
  const told = standing
    .slice(0, TOLD_MAX)
    .map(
      ({ detection }) => `${plain(detection.detector, 128)}: ${plain(detection.explanation, 600)}`,
    );
  const more = standing.length - told.length;
  if (more > 0) told.push(`And ${more} more.`);
  told.push(done(matter));
  // What people are to do comes first: nobody reads to the end of a page.
  return cut([...says.map((one) => plain(one, 300)), ...told].join('\n'), DESCRIPTION_MAX);
}

/** What was done, in one sentence. */
function done({ leases }: AlertMatter): string {
  const parts = leases.slice(0, 8).map(({ verb, subject, state, verification }) => {
    const tools = subject.tools.map((tool) => plain(tool, 64)).slice(0, 4);
    const on = tools.length === 0 ? '' : ` on ${tools.join(', ')}`;
    return `${verb}${on} ${stateInWords(state)}, at the gateway ${verification}`;
  });
  if (parts.length === 0) return 'Nothing was done about it: it is for a person to look at.';
  const more = leases.length > parts.length ? ` and ${leases.length - parts.length} more` : '';
  return `Done: ${parts.join('; ')}${more}.`;
}

function stateInWords(state: AlertMatter['leases'][number]['state']): string {
  switch (state) {
    case 'awaiting':
      return 'waits for a person to agree';
    case 'requested':
      return 'asked for';
    case 'accepted':
      return 'stands';
    case 'releasing':
      return 'is being released';
    case 'refused':
    case 'failed':
    case 'lapsed':
    case 'released':
    case 'expired':
      return state;
    default:
      return assertNever(state);
  }
}
