/** HTTP client for control targets: no redirects, two time limits, honest about failure. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { OperatingError } from '../model/errors.ts';
import type { Http, HttpFailure, HttpRequest, HttpResponse } from '../model/ports.ts';

/** Limits of the client. */
export interface ControlHttpOptions {
  /** Until the connection (and TLS) stands, ms. Default 2,000; the request's own limit also holds. */
  readonly connectTimeoutMs?: number;
  /** PEM of the only authorities trusted for https. Default: those of Node. */
  readonly ca?: string;
}

const BODY_BYTES_MAX = 64 * 1024;

/**
 * The Http port over node:http and node:https. Rejects with CONTROL_UNREACHABLE, retryable, whose
 * cause is an HttpFailure: `sent` is false only while no connection stood. Every request has a
 * connection of its own: a kept-alive socket that died would turn plain retries into lost replies.
 */
export function createHttp(options: ControlHttpOptions = {}): Http {
  const connectTimeoutMs = options.connectTimeoutMs ?? 2_000;
  return (wanted) =>
    new Promise((resolve, reject) => {
      const exchange = new Exchange(wanted, connectTimeoutMs, options.ca, resolve, reject);
      exchange.begin();
    });
}

/** One request and its answer; settles exactly once and leaves no timer and no socket behind. */
class Exchange {
  #sent = false;
  #over = false;
  #request: ClientRequest | null = null;
  #timers: NodeJS.Timeout[] = [];
  readonly #wanted: HttpRequest;
  readonly #connectTimeoutMs: number;
  readonly #ca: string | undefined;
  readonly #resolve: (response: HttpResponse) => void;
  readonly #reject: (cause: OperatingError) => void;

  constructor(
    wanted: HttpRequest,
    connectTimeoutMs: number,
    ca: string | undefined,
    resolve: (response: HttpResponse) => void,
    reject: (cause: OperatingError) => void,
  ) {
    this.#wanted = wanted;
    this.#connectTimeoutMs = connectTimeoutMs;
    this.#ca = ca;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(): void {
    const { url, method, headers, body, timeoutMs } = this.#wanted;
    try {
      const target = new URL(url);
      const secure = target.protocol === 'https:';
      // Node frames the body of a GET only when told how long it is.
      const framed =
        body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const settings = { method, headers: { ...headers, ...framed }, agent: false as const };
      const request = secure
        ? httpsRequest(target, this.#ca === undefined ? settings : { ...settings, ca: this.#ca })
        : httpRequest(target, settings);
      this.#request = request;
      request.on('error', (cause) => this.#fail(cause));
      request.on('response', (response) => this.#read(response));
      request.on('socket', (socket) => {
        // Request bytes leave as soon as this fires: from here on it may have been received.
        socket.once(secure ? 'secureConnect' : 'connect', () => {
          this.#sent = true;
        });
      });
      this.#after(timeoutMs, () => this.#fail(named('TIMEOUT')));
      this.#after(this.#connectTimeoutMs, () => {
        if (!this.#sent) this.#fail(named('CONNECT_TIMEOUT'));
      });
      request.end(body);
    } catch (cause) {
      // A URL or header Node refuses: thrown before anything was sent.
      this.#fail(cause);
    }
  }

  #read(response: IncomingMessage): void {
    const chunks: Buffer[] = [];
    const most = this.#wanted.replyBytesMax ?? BODY_BYTES_MAX;
    let bytes = 0;
    const finish = () =>
      this.#settle(() =>
        this.#resolve({
          status: response.statusCode ?? 0,
          headers: flatHeaders(response),
          body: Buffer.concat(chunks).subarray(0, most).toString('utf8'),
        }),
      );
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= most) finish();
    });
    response.on('end', () => (response.complete ? finish() : this.#fail(named('CUT_SHORT'))));
    response.on('error', (cause) => this.#fail(cause));
  }

  #after(ms: number, act: () => void): void {
    this.#timers.push(setTimeout(act, ms));
  }

  #fail(cause: unknown): void {
    const code = codeOf(cause);
    const failure: HttpFailure = { sent: this.#sent, code };
    const what = this.#sent ? 'reply lost' : 'not sent';
    const message = `control target ${originOf(this.#wanted.url)}: ${what} (${code}); check that it runs and can be reached from here`;
    this.#settle(() =>
      this.#reject(
        new OperatingError('CONTROL_UNREACHABLE', message, { retryable: true, cause: failure }),
      ),
    );
  }

  #settle(act: () => void): void {
    if (this.#over) return;
    this.#over = true;
    for (const timer of this.#timers) clearTimeout(timer);
    act();
    // Ends the connection in every case; the error listener swallows what that provokes.
    this.#request?.destroy();
  }
}

function named(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function codeOf(cause: unknown): string {
  if (typeof cause === 'object' && cause !== null && 'code' in cause) return String(cause.code);
  return cause instanceof Error ? cause.name : 'UNNAMED';
}

/** Without path and query: a token may hide there, and this goes to a log. */
function originOf(url: string): string {
  return URL.parse(url)?.origin ?? 'with an unreadable URL';
}

function flatHeaders(response: IncomingMessage): Readonly<Record<string, string>> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}
