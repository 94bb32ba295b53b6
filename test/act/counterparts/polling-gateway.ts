/** A gateway that polls the posture document and does what it says, by the consumer's rule. */
import type { PostureDocument, PostureRestriction } from '../../../src/api/posture-document.ts';

/** A call that comes to the gateway. */
export interface GatewayCall {
  readonly agent: string;
  readonly session: string;
  readonly tool: string;
}

/** A gateway. */
export interface PollingGateway {
  /** Asks once; says the status. A failure keeps what it has. */
  poll(headers?: Readonly<Record<string, string>>): Promise<number>;
  /** By what it last read, and the time. */
  allows(call: GatewayCall): boolean;
  /** True: it goes on polling and decides by what it remembered until now. */
  serveOn(yes: boolean): void;
  document(): PostureDocument | null;
  etag(): string | null;
}

/** Makes one; `url` is the address of the document. */
export function createPollingGateway(
  url: string,
  token: string,
  nowMs: () => number,
): PollingGateway {
  let document: PostureDocument | null = null;
  let remembered: PostureDocument | null = null;
  let isServing = false;
  let etag: string | null = null;
  return {
    async poll(more = {}) {
      const known = etag === null ? {} : { 'if-none-match': etag };
      const headers = { authorization: `Bearer ${token}`, ...known, ...more };
      const reply = await fetch(url, { headers });
      if (reply.status === 200) {
        document = (await reply.json()) as PostureDocument;
        etag = reply.headers.get('etag');
      } else await reply.arrayBuffer();
      return reply.status;
    },
    allows: (call) => allowedBy(isServing ? remembered : document, call, nowMs()),
    serveOn: (yes) => {
      if (yes) remembered = document;
      isServing = yes;
    },
    document: () => document,
    etag: () => etag,
  };
}

/** Nothing was ever read: open, which is the default of a deployment. */
export function allowedBy(
  document: PostureDocument | null,
  { agent, session, tool }: GatewayCall,
  nowMs: number,
): boolean {
  if (document === null || !Object.hasOwn(document.agents, agent)) return true;
  const entry = document.agents[agent];
  const segments = entry === undefined ? [] : [entry, ...(entry.next ?? [])];
  const now = segments.find(({ until }) => nowMs < Date.parse(until));
  if (now === undefined) return true;
  const own = Object.hasOwn(now.sessions, session) ? now.sessions[session] : undefined;
  return [now, own].every((one) => one === undefined || passes(one, tool));
}

function passes({ level, freezeTools }: PostureRestriction, tool: string): boolean {
  return level !== 'halt' && !freezeTools.includes(tool);
}
