/** Route: the shape of every handler; request data in, response data out, no server in sight. */
import type * as model from '../model/route.ts';

/** See model/route. */
export type ApiRequest = model.ApiRequest;
/** See model/route. */
export type ApiResponse = model.ApiResponse;
/** See model/route. */
export type Route = model.Route;
/** See model/route. */
export type BodyLimits = model.BodyLimits;

/** RFC 9457 problem body; `detail` says what to do. */
export function problem(status: number, title: string, detail: string): ApiResponse {
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: JSON.stringify({ type: 'about:blank', title, status, detail }),
  };
}

/** A JSON answer. */
export function json(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(value),
  };
}
