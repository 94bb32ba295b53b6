/** Doctor on the machine: Node, disk, secrets, ports, and who answers where we would send. */
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { exists } from '../adapters/files.ts';
import { reach } from '../adapters/reach.ts';
import type { SecretReference } from '../model/config/secret.ts';
import type { Config } from '../model/config.ts';
import { OperatingError } from '../model/errors.ts';
import { type Environment, secretOf } from './config.ts';
import { fail, type Look, ok, warn } from './doctor-text.ts';

const NODE_MIN = 24;
const REACH_MS = 3_000;
const DISK_FAIL = 256 * 1024 * 1024;
const DISK_WARN = 2 * 1024 * 1024 * 1024;

/** Whether this Node can run us. */
export function lookAtNode(version: string): Look {
  const major = Number(version.split('.')[0]);
  if (major >= NODE_MIN) return ok('node', `Node ${version}`);
  return fail('node', `Node ${version}`, `install Node ${NODE_MIN} or newer`);
}

/** How much room there is where we keep what is ours. */
export async function lookAtDisk(config: Config): Promise<Look> {
  const folder = path.resolve(config.dataDir ?? '.plumbline');
  const { bavail, bsize } = await statfs(await nearestFolder(folder));
  const free = bavail * bsize;
  const says = `${gib(free)} GiB free where dataDir lies`;
  if (free < DISK_FAIL) return fail('disk', says, 'make room: a full disk stops the database');
  if (free < DISK_WARN) return warn('disk', says, 'make room, or set journal.keep');
  return ok('disk', says);
}

async function nearestFolder(folder: string): Promise<string> {
  for (let at = folder; ; at = path.dirname(at)) if (await exists(at)) return at;
}

function gib(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(1);
}

/** Every secret that the configuration refers to: whether it is there, never what it is. */
export async function lookAtSecrets(config: Config, environment: Environment): Promise<Look[]> {
  const found: Look[] = [];
  const references = secretsIn(config, '');
  for (const [key, reference] of references) {
    try {
      const value = await secretOf(reference, key, environment);
      if (value === '') found.push(fail('secrets', `${key} is empty`, 'give it a value'));
    } catch (cause) {
      if (!(cause instanceof OperatingError)) throw cause;
      const says = cause.message.startsWith(key) ? cause.message : `${key}: ${cause.message}`;
      found.push(fail('secrets', says, 'set it for the user the daemon runs as'));
    }
  }
  if (found.length > 0 || references.length === 0) return found;
  return [ok('secrets', `${references.length} secrets are there`)];
}

type Referred = readonly [key: string, reference: SecretReference];

/** References are known by their shape: one key, `env` or `file`, and a text. */
function secretsIn(value: unknown, key: string): Referred[] {
  if (typeof value !== 'object' || value === null) return [];
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only !== undefined && typeof only[1] === 'string')
    if (only[0] === 'env' || only[0] === 'file') return [[key, value as SecretReference]];
  return entries.flatMap(([name, one]) => secretsIn(one, key === '' ? name : `${key}.${name}`));
}

/** Whether our ports are ours to take, or are answered by a daemon that runs. */
export async function lookAtPorts(config: Config, daemonRuns: boolean): Promise<Look[]> {
  const looks: Look[] = [];
  const ports = [
    ['control.listener', config.control?.listener, 8443],
    ['telemetry.listener', config.telemetry?.listener, 9464],
  ] as const;
  for (const [key, listener, standard] of ports) {
    if (listener === undefined) continue;
    const { host = '127.0.0.1', port = standard } = listener;
    if (port === 0) continue;
    const isTaken = (await reach(reachable(host), port, REACH_MS)) === null;
    const at = `${key}: port ${port}`;
    if (isTaken && daemonRuns) looks.push(ok('listener', `${at} answers`));
    else if (!isTaken && !daemonRuns) looks.push(ok('listener', `${at} is free`));
    else if (isTaken)
      looks.push(
        fail(
          'listener',
          `${at} is taken, and no daemon of ours runs`,
          'choose another port, or stop what listens there',
        ),
      );
    else
      looks.push(
        warn(
          'listener',
          `${at} does not answer from here, though a daemon runs`,
          'it may run on another machine; else look at its log',
        ),
      );
  }
  return looks;
}

function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

/** Control targets and sinks: whether anybody accepts connections where we would send. */
export async function lookAtTargets(config: Config): Promise<Look[]> {
  const looks: Look[] = [];
  const sections = [
    ['control', 'control.drivers', config.control?.drivers ?? {}],
    ['sinks', 'sinks', config.sinks ?? {}],
  ] as const;
  for (const [area, key, plugins] of sections)
    for (const [name, options] of Object.entries(plugins)) {
      const urls = addressesIn(options);
      const at = `${key}.${name} (${options.type})`;
      if (urls.length === 0)
        looks.push(ok(area, `${at} is configured; it has no address of its own`));
      for (const url of urls) looks.push(await lookAtAddress(area, at, url));
    }
  return looks;
}

async function lookAtAddress(area: string, at: string, url: URL): Promise<Look> {
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const failure = await reach(host, port, REACH_MS);
  const place = `${at}: ${url.hostname}:${port}`;
  if (failure === null) return ok(area, `${place} accepts connections`);
  return fail(
    area,
    `${place} cannot be reached from here (${failure})`,
    'start it, or correct the address; what is due waits and is tried again',
  );
}

/** Addresses in options, by their form; a query may hold a secret and is not looked at. */
function addressesIn(value: unknown): URL[] {
  if (typeof value === 'string')
    return /^https?:\/\//.test(value) && URL.canParse(value) ? [new URL(value)] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) =>
    /url|server|endpoint|address/i.test(name) || typeof one === 'object' ? addressesIn(one) : [],
  );
}
