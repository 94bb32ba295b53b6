/** Slack chat.postMessage: one thread a case; what agents wrote is plain text, nothing else. */
import { type Static, Type } from 'typebox';
import type { Alert, ToldCase } from '../../model/alert.ts';
import type { SendOutcome } from '../../model/alert-log.ts';
import { Secret } from '../../model/config/secret.ts';
import type { HttpResponse } from '../../model/ports.ts';
import { cut } from '../plain.ts';
import { exchange, MENDING_MS } from '../reply.ts';
import type { SinkCapabilities, SinkType } from '../sink.ts';
import { objectOf, parseTarget } from '../target.ts';

const Options = Type.Object(
  {
    type: Type.Literal('slack'),
    token: Secret,
    channel: Type.String({
      minLength: 1,
      maxLength: 80,
      description: 'Id of the channel, for example C0123456789; the bot must be in it.',
    }),
    url: Type.Optional(
      Type.String({
        pattern: '^https?://',
        default: 'https://slack.com/api/chat.postMessage',
        description: 'Another only behind a proxy.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Slack, with a bot token (scope chat:write).' },
);
type Options = Static<typeof Options>;

const ENDPOINT = 'https://slack.com/api/chat.postMessage';
const HEADER_MAX = 150;
const SECTION_MAX = 3000;
const FIELD_MAX = 2000;
const TEXT_MAX = 1000;

const CAPABILITIES: SinkCapabilities = {
  type: 'slack',
  kinds: ['finding'],
  notifies: true,
  resendMs: null,
  // About one message a second and channel; more is answered by 429.
  pauseMs: 1_000,
  bytesMax: 40 * 1024,
};

/** Our fault: the same message will never be taken. */
const REFUSED: ReadonlySet<string> = new Set([
  'invalid_blocks',
  'invalid_blocks_format',
  'invalid_arguments',
  'invalid_metadata_format',
  'msg_too_long',
  'msg_blocks_too_long',
  'no_text',
  'too_many_attachments',
]);

/** The type. */
export const SLACK: SinkType = {
  options: Options,
  problems: (given) => {
    const address = parseTarget((given as Options).url ?? ENDPOINT, 'it');
    return address.ok ? [] : [{ key: 'url', message: address.problem }];
  },
  create: ({ http, clock, timeoutMs }, given, secrets) => {
    const token = secrets.get('token') ?? '';
    if (!/^xox[a-z]-[A-Za-z0-9-]+$/.test(token)) {
      const message = 'is no bot token: it begins with xoxb-; an incoming webhook cannot thread';
      return { ok: false, problem: { key: 'token', message } };
    }
    const { channel, url = ENDPOINT } = given as Options;
    return {
      ok: true,
      sink: {
        capabilities: () => CAPABILITIES,
        render: (alert, told) => [
          { to: url, body: JSON.stringify(messageOf(alert, told, channel)) },
        ],
        send: (alert, told) =>
          exchange(
            http,
            {
              method: 'POST',
              url,
              headers: {
                'content-type': 'application/json; charset=utf-8',
                authorization: `Bearer ${token}`,
              },
              body: JSON.stringify(messageOf(alert, told, channel)),
              timeoutMs,
            },
            clock.nowMs,
            outcomeOf,
          ),
      },
    };
  },
};

/** What is shown in the channel as well, although its thread has it. */
const SEEN: ReadonlySet<string> = new Set(['level', 'reopened', 'approval', 'breaker', 'leaking']);

/** The message; in the case's thread from the second on, and seen in the channel if it is worse. */
function messageOf(alert: Alert, told: ToldCase | null, channel: string): object {
  const thread = told?.thread ?? null;
  const isWorse = alert.why.some((why) => SEEN.has(why));
  const text = escaped(`${alert.level.toUpperCase()}: ${alert.summary}`, TEXT_MAX);
  return {
    channel,
    // Shown in notifications and by screen readers. It would be read as mark-up: escaped, and off.
    text,
    mrkdwn: false,
    parse: 'none',
    link_names: false,
    unfurl_links: false,
    unfurl_media: false,
    ...(thread === null ? {} : { thread_ts: thread, reply_broadcast: isWorse }),
    blocks: blocksOf(alert),
    metadata: {
      event_type: 'plumbline_alert',
      event_payload: { uid: alert.uid, case: alert.caseId, activity: alert.activity },
    },
  };
}

function blocksOf(alert: Alert): object[] {
  const fields: readonly (readonly [string, string | null])[] = [
    ['Agent', alert.agent],
    ['Role', alert.role],
    ['Session', alert.session],
    ['Detector', alert.detector],
    ['Tenant', alert.tenant],
    ['Case', alert.caseId.slice(0, 12)],
  ];
  const state = alert.activity === 'close' ? 'Over' : alert.level.toUpperCase();
  return [
    { type: 'header', text: plainText(`${state}: ${alert.title}`, HEADER_MAX) },
    { type: 'section', text: plainText(alert.description, SECTION_MAX) },
    {
      type: 'section',
      fields: fields
        .filter(([, value]) => value !== null)
        .map(([name, value]) => plainText(`${name}: ${value}`, FIELD_MAX)),
    },
    ...(alert.link === null
      ? []
      : [{ type: 'context', elements: [plainText(alert.link, FIELD_MAX)] }]),
  ];
}

function plainText(text: string, max: number): object {
  return { type: 'plain_text', text: cut(text === '' ? '-' : text, max), emoji: false };
}

/** `&`, `<` and `>` as Slack wants them; cut before, so that no escape is cut in two. */
function escaped(text: string, max: number): string {
  return cut(text, max).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Slack answers 200 to everything and says in the body whether it did it. */
function outcomeOf(reply: HttpResponse): SendOutcome {
  const body = objectOf(reply.body);
  if (body === null)
    return { type: 'unknown', detail: 'the answer is no JSON', afterMs: MENDING_MS };
  if (body['ok'] === true) {
    const { ts } = body;
    const isStamp = typeof ts === 'string' && /^[0-9.]{1,32}$/.test(ts);
    return { type: 'sent', detail: 'ok', ...(isStamp ? { thread: ts } : {}) };
  }
  const error = typeof body['error'] === 'string' ? body['error'] : 'unnamed';
  const shown = /^[a-z_]{1,64}$/.test(error) ? error : 'unnamed';
  if (REFUSED.has(shown)) return { type: 'refused', detail: `Slack: ${shown}` };
  return { type: 'retry', detail: `Slack: ${shown}`, afterMs: MENDING_MS };
}
