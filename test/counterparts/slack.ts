/** A small Slack chat.postMessage: its limits, its answers of 200, and what mark-up would do. */
import { type Answer, type HttpCounterpart, type Received, startCounterpart } from './server.ts';

/** A message as it stands in the channel. */
export interface Message {
  readonly ts: string;
  /** Time stamp of the message it answers; null at the top. */
  readonly thread: string | null;
  readonly text: string;
  readonly uid: string;
  readonly broadcast: boolean;
}

/** A running Slack. */
export interface SlackCounterpart extends HttpCounterpart {
  readonly messages: Message[];
  readonly refused: string[];
  /** Mentions, links and formatting that text of agents brought about: there must be none. */
  readonly rendered: string[];
}

type Block = Record<string, unknown>;

/** Starts one with one bot in one channel. */
export async function startSlack(token: string, channel: string): Promise<SlackCounterpart> {
  const messages: Message[] = [];
  const refused: string[] = [];
  const rendered: string[] = [];
  const fail = (error: string): Answer => {
    refused.push(error);
    return { status: 200, body: { ok: false, error } };
  };
  const take = ({ headers, body }: Received): Answer => {
    if (headers['authorization'] !== `Bearer ${token}`) return fail('invalid_auth');
    if (!headers['content-type']?.startsWith('application/json')) return fail('invalid_form_data');
    const given = JSON.parse(body) as Record<string, unknown>;
    if (given['channel'] !== channel) return fail('channel_not_found');
    const text = given['text'];
    if (typeof text !== 'string' || text === '') return fail('no_text');
    if (text.length > 40_000) return fail('msg_too_long');
    const blocks = given['blocks'];
    if (!Array.isArray(blocks) || blocks.length > 50) return fail('invalid_blocks');
    for (const block of blocks as Block[]) {
      const problem = blockProblem(block, rendered);
      if (problem !== null) return fail(problem);
    }
    // The fallback text is read as mark-up unless told otherwise; mentions are read even then.
    for (const match of text.matchAll(/<[@#!][^>]*>|<https?:[^>]*>/g)) rendered.push(match[0]);
    if (given['mrkdwn'] !== false && /\*[^*]+\*/.test(text)) rendered.push('bold');
    const thread = given['thread_ts'] ?? null;
    if (thread !== null && !messages.some(({ ts }) => ts === thread))
      return fail('thread_not_found');
    const ts = `${1_700_000_000 + messages.length}.000100`;
    const payload = (given['metadata'] as { event_payload?: { uid?: unknown } } | undefined)
      ?.event_payload;
    messages.push({
      ...{ ts, thread: thread as string | null, text, uid: String(payload?.uid) },
      broadcast: given['reply_broadcast'] === true,
    });
    return { status: 200, body: { ok: true, channel, ts } };
  };
  const server = await startCounterpart((received) =>
    received.method === 'POST' && received.path === '/api/chat.postMessage'
      ? take(received)
      : { status: 404 },
  );
  return Object.assign(server, { messages, refused, rendered });
}

function blockProblem(block: Block, rendered: string[]): string | null {
  const { type, text, fields, elements } = block;
  const limit = type === 'header' ? 150 : 3000;
  if (!['header', 'section', 'context', 'divider'].includes(String(type))) return 'invalid_blocks';
  if (type === 'section' && text === undefined && fields === undefined) return 'invalid_blocks';
  if (Array.isArray(fields) && fields.length > 10) return 'invalid_blocks';
  if (Array.isArray(elements) && elements.length > 10) return 'invalid_blocks';
  const texts: readonly (readonly [unknown, number])[] = [
    ...(text === undefined ? [] : ([[text, limit]] as const)),
    ...((fields ?? []) as unknown[]).map((one) => [one, 2000] as const),
    ...((elements ?? []) as unknown[]).map((one) => [one, 3000] as const),
  ];
  for (const [one, max] of texts) {
    const { type: kind, text: value } = one as Block;
    if (type === 'header' && kind !== 'plain_text') return 'invalid_blocks';
    if (typeof value !== 'string' || value.length < 1 || value.length > max)
      return 'invalid_blocks';
    if (kind === 'mrkdwn') rendered.push(value);
    else if (kind !== 'plain_text') return 'invalid_blocks';
  }
  return null;
}
