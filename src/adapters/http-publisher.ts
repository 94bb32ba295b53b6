/** Records to an HTTP endpoint as NDJSON: one request for each stream of a batch. */
import { OperatingError } from '../model/errors.ts';
import type { Http, OutRecord, Publisher } from '../model/ports.ts';

const TIMEOUT_MS = 10_000;
const TRIES = 5;

/**
 * Posts to `<url>/<topic>`. A batch is done when every request was answered 2xx; 429 and 5xx are
 * tried again, anything else rejects with CONTROL_REFUSED.
 */
export function createHttpPublisher(http: Http, url: string): Publisher {
  const base = url.replace(/\/+$/, '');
  return {
    publish: async (records) => {
      const byTopic = new Map<string, OutRecord[]>();
      for (const record of records) {
        const list = byTopic.get(record.topic);
        if (list === undefined) byTopic.set(record.topic, [record]);
        else list.push(record);
      }
      for (const [topic, list] of byTopic)
        await post(http, `${base}/${encodeURIComponent(topic)}`, list);
    },
    close: async () => undefined,
  };
}

async function post(http: Http, url: string, records: readonly OutRecord[]): Promise<void> {
  const body = records.map(({ value }) => `${value.toString()}\n`).join('');
  for (let attempt = 1; ; attempt += 1) {
    const { status } = await http({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/x-ndjson' },
      body,
      timeoutMs: TIMEOUT_MS,
    });
    if (status >= 200 && status < 300) return;
    if ((status === 429 || status >= 500) && attempt < TRIES) continue;
    const message = `${url} answered ${status} to ${records.length} records after ${attempt} tries`;
    throw new OperatingError('CONTROL_REFUSED', message, {
      retryable: status === 429 || status >= 500,
    });
  }
}
