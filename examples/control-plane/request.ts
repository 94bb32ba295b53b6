/** Reads what a control request asks for; anything unexpected is refused by name. */
import type { ControlRequest, LeaseSubject } from './leases.ts';

const STEPS = {
  'plumbline.control.requested.v1': 'requested',
  'plumbline.control.renewed.v1': 'renewed',
  'plumbline.control.released.v1': 'released',
} as const;
const VERBS = ['posture', 'freeze_tool', 'revoke_session', 'suspend_agent'];

type Fields = Readonly<Record<string, unknown>>;

/** The request in a CloudEvent whose id is `key`, or what is wrong with it. */
export function readControlRequest(body: string, key: string): ControlRequest | string {
  const event = parseObject(body);
  if (event === null) return 'the body is not a JSON object';
  if (event['id'] !== key) return 'id and webhook-id differ';
  const type = String(event['type']);
  if (!Object.hasOwn(STEPS, type)) return 'type is unknown';
  const step = STEPS[type as keyof typeof STEPS];
  const data = asObject(event['data']);
  if (data === null) return 'data is missing';
  const leaseId = asText(data['leaseId']);
  const verb = asText(data['verb']);
  const subject = readSubject(data['subject']);
  if (leaseId === null) return 'data.leaseId is missing';
  if (verb === null || !VERBS.includes(verb)) return 'data.verb is unknown';
  if (subject === null) return 'data.subject is unreadable';
  const expiresAt = data['expiresAt'] ?? null;
  if (
    expiresAt !== null &&
    (typeof expiresAt !== 'string' || Number.isNaN(Date.parse(expiresAt)))
  ) {
    return 'data.expiresAt is not a time';
  }
  return { step, leaseId, verb, subject, expiresAt };
}

/** A JSON object, or null. */
export function parseObject(text: string): Fields | null {
  try {
    return asObject(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
}

function readSubject(value: unknown): LeaseSubject | null {
  const subject = asObject(value);
  const agent = asText(subject?.['agent']);
  if (subject === null || agent === null) return null;
  const session = subject['session'] === undefined ? null : asText(subject['session']);
  const tools = subject['tools'] ?? [];
  if (subject['session'] !== undefined && session === null) return null;
  if (!Array.isArray(tools) || tools.length > 1_000) return null;
  if (!tools.every((tool): tool is string => asText(tool) !== null)) return null;
  return { tenant: asText(subject['tenant']) ?? '', agent, session, tools };
}

function asObject(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : null;
}

function asText(value: unknown): string | null {
  return typeof value === 'string' && value.length > 0 && value.length <= 1_024 ? value : null;
}
