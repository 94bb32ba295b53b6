/** Listener: assembles the routes that enforcement points and receivers read, and serves them. */
import { type HttpServer, startHttpServer } from '../adapters/http-server.ts';
import type { Config } from '../model/config.ts';
import type { Clock, Log } from '../model/ports.ts';
import type { Route } from '../model/route.ts';
import type { Environment } from './config.ts';
import { serverOptions } from './listener-options.ts';
import type { Store } from './store.ts';

/** What a listener is made of. */
export interface ListenerParts {
  readonly config: Config;
  readonly store: Pick<Store, 'db'>;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Every route there is. A new family of routes adds its line here; test/commands/listener.test.ts
 * demands a scope of each that is not public by its standard.
 */
export function routesOf(_parts: ListenerParts): readonly Route[] {
  return [];
}

/**
 * Starts the listener where one is configured. It serves as long as the process lives, standby or not:
 * what it serves stands in the database.
 */
export async function openListener(parts: ListenerParts): Promise<HttpServer | null> {
  const { config, environment, clock, log } = parts;
  const listener = config.control?.listener;
  if (listener === undefined) return null;
  const options = await serverOptions(listener, environment);
  const server = await startHttpServer(routesOf(parts), options, clock, log);
  log.info({ url: server.url, consumers: options.consumers.length }, 'listening');
  return server;
}
