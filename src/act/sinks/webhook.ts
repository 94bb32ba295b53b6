/** Signed webhook: the OCSF event as it is, under Standard Webhooks headers. */
import { type Static, Type } from 'typebox';
import type { Alert } from '../../model/alert.ts';
import { Secret } from '../../model/config/secret.ts';
import { exchange } from '../reply.ts';
import { parseWebhookSecret, signWebhook } from '../signature.ts';
import type { SinkCapabilities, SinkType } from '../sink.ts';
import { parseTarget } from '../target.ts';

const Options = Type.Object(
  {
    type: Type.Literal('webhook'),
    url: Type.String({ pattern: '^https?://', description: 'Where events are posted.' }),
    secret: Secret,
    previousSecret: Type.Optional(Secret),
  },
  {
    additionalProperties: false,
    description: 'OCSF JSON, signed; `previousSecret` signs too while receivers change over.',
  },
);
type Options = Static<typeof Options>;

const CAPABILITIES: SinkCapabilities = {
  type: 'webhook',
  kinds: ['finding', 'action'],
  notifies: false,
  resendMs: null,
  pauseMs: 0,
  bytesMax: 256 * 1024,
};

/** The type. */
export const WEBHOOK_SINK: SinkType = {
  options: Options,
  problems: (given) => {
    const address = parseTarget((given as Options).url, 'it');
    return address.ok ? [] : [{ key: 'url', message: address.problem }];
  },
  create: ({ http, clock, timeoutMs }, given, secrets) => {
    const { url } = given as Options;
    const keys: Buffer[] = [];
    for (const key of ['secret', 'previousSecret']) {
      const text = secrets.get(key);
      if (text === undefined) continue;
      const parsed = parseWebhookSecret(text);
      if (!parsed.ok) return { ok: false, problem: { key, message: parsed.problem } };
      keys.push(parsed.bytes);
    }
    const headersOf = (alert: Alert, body: string) => {
      const seconds = Math.floor(clock.nowMs() / 1000);
      return {
        'content-type': 'application/json',
        'webhook-id': alert.uid,
        'webhook-timestamp': String(seconds),
        'webhook-signature': keys
          .map((bytes) => signWebhook(bytes, alert.uid, seconds, body))
          .join(' '),
      };
    };
    const shown = URL.parse(url);
    return {
      ok: true,
      sink: {
        capabilities: () => CAPABILITIES,
        render: (alert) => [
          {
            to: `${shown?.origin ?? ''}${shown?.pathname ?? ''}`,
            body: JSON.stringify(alert.event),
          },
        ],
        send: (alert) => {
          const body = JSON.stringify(alert.event);
          const headers = headersOf(alert, body);
          const request = { method: 'POST', url, headers, body, timeoutMs } as const;
          return exchange(http, request, clock.nowMs);
        },
      },
    };
  },
};
