/** A small Alertmanager v2, built from its OpenAPI file and the rules its documentation states. */
import { alertmanager } from '../conformance/published.ts';
import { type Answer, type HttpCounterpart, type Received, startCounterpart } from './server.ts';

const fitsAlerts = alertmanager('postableAlerts');
const fitsSilence = alertmanager('postableSilence');
const fitsSilences = alertmanager('gettableSilences');

interface Posted {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
}

interface Held extends Posted {
  times: number;
}

/** A running Alertmanager. */
export interface AlertmanagerCounterpart extends HttpCounterpart {
  /** Alerts by label set, as they stand by its clock. */
  alerts(): readonly (Held & { readonly active: boolean })[];
  /** Every request body that was taken, in order. */
  readonly taken: Posted[][];
  readonly refused: string[];
  /** How often silences were asked for. */
  asked(): number;
  /** Puts a silence in force until then. */
  silence(matchers: readonly object[], endsMs: number): string;
}

/** Starts one with a clock of its own. */
export async function startAlertmanager(nowMs: () => number): Promise<AlertmanagerCounterpart> {
  const held = new Map<string, Held>();
  const taken: Posted[][] = [];
  const refused: string[] = [];
  const silences: { readonly id: string; readonly endsMs: number; readonly given: object }[] = [];
  let asked = 0;
  const refuse = (why: string): Answer => {
    refused.push(why);
    return { status: 400, body: why };
  };
  const post = ({ headers, body }: Received): Answer => {
    if (headers['content-type'] !== 'application/json') return { status: 415 };
    const given: unknown = JSON.parse(body);
    const fits = fitsAlerts(given);
    if (!fits.ok) return refuse(fits.why);
    for (const one of given as Posted[]) {
      const names = Object.entries({ ...one.labels, ...one.annotations });
      for (const [name, value] of names)
        if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) || value === '' || !value.isWellFormed())
          return refuse(`label or annotation ${name}`);
      if (Number.isNaN(Date.parse(one.startsAt)) || Number.isNaN(Date.parse(one.endsAt)))
        return refuse('a time is none');
      if (Date.parse(one.startsAt) >= Date.parse(one.endsAt))
        return refuse('start time must be before end time');
    }
    for (const one of given as Posted[]) {
      const key = JSON.stringify(Object.entries(one.labels).sort());
      held.set(key, { ...one, times: (held.get(key)?.times ?? 0) + 1 });
    }
    taken.push(given as Posted[]);
    return { status: 200 };
  };
  const list = (path: string): Answer => {
    asked += 1;
    const wanted = new URL(path, 'http://x').searchParams;
    const all = silences.map(({ id, endsMs, given }) => ({
      ...given,
      id,
      updatedAt: new Date(0).toISOString(),
      status: { state: endsMs > nowMs() ? 'active' : 'expired' },
    }));
    const shown = all.filter(({ status }) => wanted.get(status.state) !== 'false');
    const fits = fitsSilences(shown);
    if (!fits.ok) throw new Error(`the counterpart lists silences wrongly: ${fits.why}`);
    return { status: 200, body: shown };
  };
  const server = await startCounterpart((received) => {
    const path = received.path.split('?')[0];
    if (received.method === 'POST' && path === '/api/v2/alerts') return post(received);
    if (received.method === 'GET' && path === '/api/v2/silences') return list(received.path);
    return { status: 404 };
  });
  return Object.assign(server, {
    alerts: () =>
      [...held.values()].map((one) => ({ ...one, active: Date.parse(one.endsAt) > nowMs() })),
    taken,
    refused,
    asked: () => asked,
    silence: (matchers: readonly object[], endsMs: number) => {
      const id = `s-${silences.length + 1}`;
      const given = {
        matchers,
        startsAt: new Date(nowMs() - 1000).toISOString(),
        endsAt: new Date(endsMs).toISOString(),
        ...{ createdBy: 'anna', annotations: {} },
        comment: 'planned work',
      };
      const fits = fitsSilence(given);
      if (!fits.ok) throw new Error(`no silence: ${fits.why}`);
      silences.push({ id, endsMs, given });
      return id;
    },
  });
}
