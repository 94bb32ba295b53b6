/** A small PagerDuty Events API v2: takes events, keeps incidents by their key. */
import { type Answer, type HttpCounterpart, type Received, startCounterpart } from './server.ts';

/** An incident. */
export interface Incident {
  readonly key: string;
  state: 'triggered' | 'resolved';
  severity: string;
  /** Deduplication values of what came, in order. */
  readonly seen: string[];
  /** How often it rang: each time it was opened. */
  rang: number;
}

/** A running PagerDuty. */
export interface PagerdutyCounterpart extends HttpCounterpart {
  readonly incidents: ReadonlyMap<string, Incident>;
  readonly refused: string[];
}

const SEVERITIES = ['critical', 'error', 'warning', 'info'];
const BYTES_MAX = 512 * 1024;

/** Starts one that knows one integration key. */
export async function startPagerduty(key: string): Promise<PagerdutyCounterpart> {
  const incidents = new Map<string, Incident>();
  const refused: string[] = [];
  const refuse = (why: string): Answer => {
    refused.push(why);
    return { status: 400, body: { status: 'invalid event', message: why, errors: [why] } };
  };
  const take = ({ body }: Received): Answer => {
    if (Buffer.byteLength(body) > BYTES_MAX) return { status: 413 };
    const event = JSON.parse(body) as Record<string, unknown>;
    const { routing_key, event_action, dedup_key, payload } = event;
    if (routing_key !== key) return refuse("'routing_key' is invalid");
    if (typeof dedup_key !== 'string' || dedup_key === '' || dedup_key.length > 255)
      return refuse("'dedup_key' is missing or too long");
    const done: Answer = {
      status: 202,
      body: { status: 'success', message: 'Event processed', dedup_key },
    };
    const known = incidents.get(dedup_key);
    if (event_action === 'resolve') {
      if (known !== undefined) known.state = 'resolved';
      return done;
    }
    if (event_action !== 'trigger') return refuse("'event_action' is invalid");
    const problem = payloadProblem(payload);
    if (problem !== null) return refuse(problem);
    const { severity, custom_details } = payload as { severity: string; custom_details?: unknown };
    const incident: Incident = known ?? {
      ...{ key: dedup_key, state: 'resolved', severity, seen: [], rang: 0 },
    };
    if (incident.state === 'resolved') incident.rang += 1;
    incident.state = 'triggered';
    incident.severity = severity;
    incident.seen.push(String((custom_details as { dedupe?: unknown } | undefined)?.dedupe));
    incidents.set(dedup_key, incident);
    return done;
  };
  const server = await startCounterpart((received) =>
    received.method === 'POST' && received.path === '/v2/enqueue'
      ? take(received)
      : { status: 404 },
  );
  return Object.assign(server, { incidents, refused });
}

function payloadProblem(payload: unknown): string | null {
  if (typeof payload !== 'object' || payload === null) return "'payload' is missing";
  const { summary, source, severity, timestamp } = payload as Record<string, unknown>;
  if (typeof summary !== 'string' || summary === '') return "'payload.summary' is missing";
  if (summary.length > 1024) return "'payload.summary' is too long";
  if (typeof source !== 'string' || source === '') return "'payload.source' is missing";
  if (!SEVERITIES.includes(String(severity))) return "'payload.severity' is invalid";
  if (timestamp !== undefined && Number.isNaN(Date.parse(String(timestamp))))
    return "'payload.timestamp' is invalid";
  return null;
}
