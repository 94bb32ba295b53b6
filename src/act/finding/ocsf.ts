/** OCSF: a case as Detection Finding 2004; pure, and valid against the released schema. */
import type { Alert, AlertActivity, AlertLease, AlertMatter } from '../../model/alert.ts';
import type { Detection, EvidenceClass, Level, Witness } from '../../model/detection.ts';
import { cut, plain } from '../plain.ts';

/** Versions of OCSF that can be written. The second is not released; nobody gets it unasked. */
export const OCSF_VERSIONS = ['1.8.0', '1.9.0-dev'] as const;
/** One of OCSF_VERSIONS. */
export type OcsfVersion = (typeof OCSF_VERSIONS)[number];

/** How events are written. */
export interface OcsfOptions {
  readonly version: OcsfVersion;
  /** Version of this program, and name of this observer. */
  readonly product: { readonly version: string; readonly instance: string };
  /** Name of what a detector's tag names, and version of the list; null where no list has it. */
  readonly tagOf: (tag: string) => { readonly name: string; readonly version: string } | null;
}

/** An OCSF event. */
export type OcsfEvent = Readonly<Record<string, unknown>>;

// Every event stays below 256 KiB, three bytes a character: a sink that takes less refuses less.
const EVIDENCES_MAX = 24;
const DETECTORS_MAX = 16;
const TAGS_MAX = 32;
const TOOLS_MAX = 16;
const ANOMALIES_MAX = 8;
const TEXT_MAX = 500;
const SAYS_MAX = 300;
const WITHIN_MAX = 128;
const LEASE_TOOLS_MAX = 4;
const NAME_MAX = 256;

/** Severity by level. */
export const SEVERITY: Readonly<Record<Level, readonly [id: number, caption: string]>> = {
  informational: [1, 'Informational'],
  low: [2, 'Low'],
  medium: [3, 'Medium'],
  high: [4, 'High'],
  critical: [5, 'Critical'],
};
const ACTIVITY: Readonly<Record<AlertActivity, readonly [id: number, caption: string]>> = {
  create: [1, 'Create'],
  update: [2, 'Update'],
  close: [3, 'Close'],
};
const STATUS: Readonly<Record<AlertActivity, readonly [id: number, caption: string]>> = {
  create: [1, 'New'],
  update: [2, 'In Progress'],
  close: [4, 'Resolved'],
};
const CONFIDENCE: Readonly<Record<EvidenceClass, readonly [id: number, caption: string]>> = {
  hard: [3, 'High'],
  statistical: [2, 'Medium'],
  content: [1, 'Low'],
};
const ANALYTIC: Readonly<Record<EvidenceClass, readonly [id: number, caption: string]>> = {
  hard: [1, 'Rule'],
  statistical: [3, 'Statistical'],
  content: [7, 'Keyword Match'],
};
const RISK = [
  [100, 4, 'Critical'],
  [60, 3, 'High'],
  [30, 2, 'Medium'],
  [10, 1, 'Low'],
  [Number.NEGATIVE_INFINITY, 0, 'Info'],
] as const;

/** What an OCSF event says of itself. `profiles` name what its attributes are bound to. */
export function metadataOf(
  alert: Omit<Alert, 'event'>,
  options: OcsfOptions,
  profiles: readonly string[],
): OcsfEvent {
  const { version, product } = options;
  return {
    version,
    uid: alert.uid,
    correlation_uid: alert.caseId,
    sequence: alert.sequence,
    tenant_uid: alert.tenant,
    product: {
      ...{ name: 'Plumbline', uid: product.instance, vendor_name: 'Plumbline' },
      version: product.version,
    },
    ...(profiles.length === 0 ? {} : { profiles }),
  };
}

/** The case as Detection Finding. */
export function detectionFinding(
  alert: Omit<Alert, 'event'>,
  matter: AlertMatter,
  options: OcsfOptions,
): OcsfEvent {
  const { case: one } = matter;
  const [activity_id, activity_name] = ACTIVITY[alert.activity];
  const [severity_id, severity] = SEVERITY[alert.level];
  const [status_id, status] = STATUS[alert.activity];
  const standing = matter.detections.filter(({ retracted }) => !retracted);
  const detections = standing.map(({ detection }) => detection);
  return {
    ...{ activity_id, activity_name, category_uid: 2, category_name: 'Findings' },
    ...{ class_uid: 2004, class_name: 'Detection Finding', type_uid: 200_400 + activity_id },
    type_name: `Detection Finding: ${activity_name}`,
    ...{ severity_id, severity, status_id, status },
    time: whole(alert.activity === 'create' ? one.openedMs : alert.lastSeenMs),
    start_time: whole(alert.firstSeenMs),
    end_time: whole(alert.lastSeenMs),
    metadata: metadataOf(alert, options, ['security_control', 'incident']),
    message: alert.summary,
    count: whole(one.count),
    is_alert: alert.activity === 'create',
    ...confidenceOf(detections),
    ...riskOf(one.risk),
    ...responseOf(matter.leases),
    ...(alert.why.includes('test') ? TEST : verdictOf(matter)),
    finding_info: findingInfo(alert, matter, detections, options),
    ...list('evidences', evidencesOf(detections, alert, options)),
    ...list('resources', toolsOf(detections)),
    ...list('anomaly_analyses', anomaliesOf(detections, alert)),
    observables: [
      { name: 'unmapped.agent', type_id: 99, type: 'agent', value: alert.agent },
      ...(alert.session === null
        ? []
        : [{ name: 'unmapped.session', type_id: 99, type: 'session', value: alert.session }]),
    ],
    unmapped: {
      ...{ agent: alert.agent, role: alert.role, session: alert.session, tenant: alert.tenant },
      ...{ why: alert.why, maturity: one.maturity, folds: one.folds.length },
      leases: matter.leases.slice(0, TOOLS_MAX).map(leaseOf),
      ruled_out: ruledOut(matter),
    },
  };
}

function findingInfo(
  alert: Omit<Alert, 'event'>,
  matter: AlertMatter,
  detections: readonly Detection[],
  options: OcsfOptions,
): OcsfEvent {
  const { case: one } = matter;
  const analytics = analyticsOf(detections, alert.detector);
  const witnesses = detections.flatMap((detection) => detection.witnesses);
  const ids = [...new Set(witnesses.map(({ eventId }) => eventId))];
  const tags = [...new Set(detections.flatMap((detection) => detection.tags))].slice(0, TAGS_MAX);
  return {
    uid: alert.caseId,
    title: alert.title,
    desc: alert.description,
    ...list('types', [...new Set(detections.map(({ family }) => family))]),
    created_time: whole(one.openedMs),
    modified_time: whole(alert.lastSeenMs),
    first_seen_time: whole(alert.firstSeenMs),
    last_seen_time: whole(alert.lastSeenMs),
    analytic: analytics[0] ?? { uid: alert.detector, name: alert.detector, type_id: 0 },
    ...list('related_analytics', analytics.slice(1)),
    ...list(
      'attacks',
      tags.flatMap((tag) => attackOf(tag, options)),
    ),
    ...list('tags', categoriesOf(tags)),
    ...list(
      'related_events',
      ids.slice(0, EVIDENCES_MAX).map((uid) => ({ uid: plain(uid, NAME_MAX) })),
    ),
    related_events_count: one.folds.reduce((sum, fold) => sum + fold.evidenceTotal, 0),
    ...list('data_sources', [...new Set(witnesses.map(({ kind }) => kind))]),
    ...(alert.link === null ? {} : { src_url: alert.link }),
  };
}

/** Each detector version once, the one that opened the case first. */
function analyticsOf(detections: readonly Detection[], opener: string): OcsfEvent[] {
  const seen = new Map<string, OcsfEvent>();
  const first = (one: Detection) => (one.detector === opener ? 0 : 1);
  for (const one of [...detections].sort((a, b) => first(a) - first(b))) {
    if (seen.has(one.detector) || seen.size >= DETECTORS_MAX) continue;
    const [type_id, type] = ANALYTIC[one.evidenceClass];
    const [state_id, state] = one.maturity === 'shadow' ? [3, 'Experimental'] : [1, 'Active'];
    const name = plain(one.detector, NAME_MAX);
    seen.set(one.detector, {
      ...{ uid: name, name, version: plain(one.version, NAME_MAX) },
      ...{ category: one.family, type_id, type, state_id, state },
    });
  }
  return [...seen.values()];
}

/** Techniques of ATLAS and ATT&CK; other lists are tags. */
function attackOf(tag: string, options: OcsfOptions): OcsfEvent[] {
  const match = /^(atlas|attack)\.(t[0-9]{4})(\.[0-9]{3})?$/.exec(tag);
  if (match === null) return [];
  const [, list_, technique = '', sub] = match;
  const prefix = list_ === 'atlas' ? 'AML.' : '';
  const uid = `${prefix}${technique.toUpperCase()}`;
  const own = options.tagOf(`${list_}.${technique}`);
  const full = options.tagOf(tag);
  return [
    {
      technique: { uid, ...(own === null ? {} : { name: own.name }) },
      ...(sub === undefined
        ? {}
        : {
            sub_technique: { uid: `${uid}${sub}`, ...(full === null ? {} : { name: full.name }) },
          }),
      ...(full === null ? {} : { version: full.version }),
    },
  ];
}

function categoriesOf(tags: readonly string[]): OcsfEvent[] {
  const byList = new Map<string, string[]>();
  for (const tag of tags) {
    const dot = tag.indexOf('.');
    const name = tag.slice(0, Math.max(0, dot));
    if (name === '' || name === 'atlas' || name === 'attack') continue;
    byList.set(name, [...(byList.get(name) ?? []), plain(tag.slice(dot + 1).toUpperCase(), 64)]);
  }
  return [...byList].map(([name, values]) => ({ name: plain(name, 64), values }));
}

function evidencesOf(
  detections: readonly Detection[],
  alert: Omit<Alert, 'event'>,
  { version }: OcsfOptions,
): OcsfEvent[] {
  const evidences: OcsfEvent[] = [];
  const seen = new Set<string>();
  for (const detection of detections)
    for (const witness of detection.witnesses) {
      if (seen.has(witness.eventId) || evidences.length >= EVIDENCES_MAX) continue;
      seen.add(witness.eventId);
      evidences.push(evidenceOf(witness, detection, alert, version));
    }
  return evidences;
}

function evidenceOf(
  witness: Witness,
  detection: Detection,
  alert: Omit<Alert, 'event'>,
  version: OcsfVersion,
): OcsfEvent {
  const { topic, partition, offset } = witness.position;
  const tool = detection.tool === null ? null : plain(detection.tool, WITHIN_MAX);
  const agent = plain(detection.entity.agent, WITHIN_MAX);
  return {
    uid: plain(witness.eventId, WITHIN_MAX),
    name: `${witness.kind} record`,
    actor: { app_name: agent },
    ...(tool === null ? {} : { api: { operation: tool } }),
    ...(version === '1.9.0-dev' ? { ai_agent: { uid: agent, ...roleOf(alert) } } : {}),
    data: {
      ...{ witness: witness.kind, detector: plain(detection.detector, WITHIN_MAX), tool },
      position: { topic: plain(topic, WITHIN_MAX), partition, offset },
      ...{ time: witness.timeMs, seq: witness.seq, says: plain(witness.says, SAYS_MAX) },
    },
  };
}

function roleOf({ role }: Omit<Alert, 'event'>): OcsfEvent {
  return role === null ? {} : { type: role };
}

function toolsOf(detections: readonly Detection[]): OcsfEvent[] {
  const names = detections.flatMap(({ tool }) => (tool === null ? [] : [plain(tool, NAME_MAX)]));
  return [...new Set(names)].slice(0, TOOLS_MAX).map((uid) => ({ uid, name: uid, type: 'tool' }));
}

function anomaliesOf(detections: readonly Detection[], alert: Omit<Alert, 'event'>): OcsfEvent[] {
  return detections
    .filter(({ evidenceClass }) => evidenceClass === 'statistical')
    .slice(0, ANOMALIES_MAX)
    .map((one) => ({
      analysis_targets: [{ name: alert.agent, type: 'agent' }],
      anomalies: [
        {
          observation_parameter: plain(one.detector, NAME_MAX),
          observed_pattern: plain(one.explanation, TEXT_MAX),
          observations: [{ value: `not expected; would be ${plain(one.counterfactual, 500)}` }],
        },
      ],
    }));
}

/** The best evidence there is. */
function confidenceOf(detections: readonly Detection[]): OcsfEvent {
  const best = (['hard', 'statistical', 'content'] as const).find((wanted) =>
    detections.some(({ evidenceClass }) => evidenceClass === wanted),
  );
  if (best === undefined) return { confidence_id: 0, confidence: 'Unknown' };
  const [confidence_id, confidence] = CONFIDENCE[best];
  return { confidence_id, confidence };
}

function riskOf(points: number): OcsfEvent {
  const risk = Number.isFinite(points) ? points : 0;
  const [, risk_level_id, risk_level] = RISK.find(([from]) => risk >= from) ?? RISK[4];
  const risk_details = 'Points of the agent, halved every six hours: they order attention only.';
  return { risk_score: whole(risk), risk_level_id, risk_level, risk_details };
}

/** What we did: the strongest lease that stands. */
function responseOf(leases: readonly AlertLease[]): OcsfEvent {
  const stand = leases.filter(({ state }) => state === 'accepted' || state === 'releasing');
  const verbs = new Set(stand.map(({ verb }) => verb));
  if (verbs.has('revoke_session')) return response(2, 'Denied', 24, 'Access Revoked');
  if (verbs.has('suspend_agent') || verbs.has('freeze_tool'))
    return response(2, 'Denied', 4, 'Isolated');
  if (verbs.has('posture')) return response(4, 'Modified', 4, 'Isolated');
  return response(3, 'Observed', 15, 'Detected');
}

function response(
  action_id: number,
  action: string,
  disposition_id: number,
  disposition: string,
): OcsfEvent {
  return { action_id, action, disposition_id, disposition };
}

const TEST: OcsfEvent = { verdict_id: 6, verdict: 'Test' };

/** What people said of it, where they agree. */
function verdictOf({ verdicts }: AlertMatter): OcsfEvent {
  const [first] = verdicts;
  if (first === undefined || verdicts.some(({ verdict }) => verdict !== first.verdict)) return {};
  switch (first.verdict) {
    case 'false_positive':
      return { verdict_id: 1, verdict: 'False Positive' };
    case 'true_positive':
      return { verdict_id: 2, verdict: 'True Positive' };
    case 'benign_true_positive':
      return { verdict_id: 5, verdict: 'Benign' };
    default:
      return first.verdict satisfies never;
  }
}

function leaseOf(lease: AlertLease): OcsfEvent {
  return {
    ...{ uid: lease.id, verb: lease.verb, state: lease.state, verification: lease.verification },
    tools: lease.subject.tools.slice(0, LEASE_TOOLS_MAX).map((tool) => plain(tool, WITHIN_MAX)),
    ...{
      tools_total: lease.subject.tools.length,
      leaked_calls: lease.leakedCalls,
      expires: lease.expiresMs,
    },
  };
}

/** Innocent explanations that the last decision tested, with the result of each. */
function ruledOut({ decisions }: AlertMatter): OcsfEvent[] {
  const last = decisions.at(-1);
  return (last?.falsification ?? []).slice(0, TOOLS_MAX).map(({ explanation, verdict, data }) => ({
    ...{ explanation: plain(explanation, NAME_MAX), verdict },
    data: cut(plain(data, 300), 300),
  }));
}

/** Times and counts are whole numbers in OCSF. */
export function whole(value: number): number {
  return Number.isFinite(value) ? Math.trunc(value) : 0;
}

function list(name: string, entries: readonly unknown[]): OcsfEvent {
  return entries.length === 0 ? {} : { [name]: entries };
}
