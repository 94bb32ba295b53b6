/** The files of deployment agree with each other and with the code; no container engine needed. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Compile } from 'typebox/compile';
import { parse } from 'yaml';
import { declaredName, metricsIn } from '../scripts/metric-pages.ts';
import { parse as parseArguments } from '../src/commands/arguments.ts';
import { run } from '../src/commands/run.ts';
import { Config } from '../src/model/config.ts';
import { METRICS, type Metric } from '../src/model/metrics.ts';

const root = new URL('../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly ports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const composeText = read('docker-compose.yml');
const compose = parse(composeText, { merge: true }) as Compose;
const config = parse(read('deploy/plumbline.yaml')) as Config;
const dockerfile = read('deploy/Dockerfile');
const OURS = ['plumbline', 'control-plane', 'fleet'];

function service(name: string): Service {
  const found = compose.services[name];
  assert.ok(found !== undefined, `service ${name}`);
  return found;
}

describe('docker-compose.yml', () => {
  it('has the five services', () => {
    const names = Object.keys(compose.services).sort();
    assert.deepEqual(names, ['control-plane', 'fleet', 'kafka', 'plumbline', 'postgres']);
    assert.equal(service('postgres').image, 'postgres:18');
  });

  it('runs the Kafka that the integration tests run', () => {
    const version = /<kafka\.version>(.+)<\/kafka\.version>/.exec(
      read('test/integration/kafka/pom.xml'),
    )?.[1];
    assert.equal(service('kafka').image, `apache/kafka:${version}`);
  });

  it('gives every variable a default', () => {
    const variables = composeText.match(/\$\{[^}]*\}|\$[A-Za-z_]+/g) ?? [];
    assert.ok(variables.length >= 5);
    for (const variable of variables) assert.match(variable, /^\$\{[A-Z_]+:-[^}]+\}$/);
  });

  it('publishes to this machine only', () => {
    for (const { ports = [] } of Object.values(compose.services)) {
      for (const port of ports) assert.match(port, /^127\.0\.0\.1:/);
    }
  });

  it('gives Kafka the complete set, for one of the set drops all packaged defaults', () => {
    const { environment = {}, healthcheck } = service('kafka');
    const needed = [
      'CLUSTER_ID',
      'KAFKA_NODE_ID',
      'KAFKA_PROCESS_ROLES',
      'KAFKA_CONTROLLER_QUORUM_VOTERS',
      'KAFKA_LISTENERS',
      'KAFKA_ADVERTISED_LISTENERS',
      'KAFKA_LISTENER_SECURITY_PROTOCOL_MAP',
      'KAFKA_CONTROLLER_LISTENER_NAMES',
      'KAFKA_INTER_BROKER_LISTENER_NAME',
      'KAFKA_LOG_DIRS',
      'KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR',
      'KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR',
      'KAFKA_TRANSACTION_STATE_LOG_MIN_ISR',
      'KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR',
      'KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR',
      'KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS',
    ];
    for (const key of needed) assert.ok(environment[key] !== undefined, key);
    const clusterId = /:-([^}]+)\}/.exec(environment['CLUSTER_ID'] ?? '')?.[1] ?? '';
    assert.equal(Buffer.from(clusterId, 'base64url').length, 16, 'a cluster id is 16 bytes');
    assert.ok(healthcheck?.test.some((word) => word.endsWith('kafka-broker-api-versions.sh')));
  });

  it('names each listener of Kafka everywhere it must be named', () => {
    const { environment = {} } = service('kafka');
    const names = (key: string) =>
      (environment[key] ?? '').split(',').map((part) => part.split(':')[0]);
    const listeners = names('KAFKA_LISTENERS').sort();
    assert.deepEqual(listeners, ['CONTROLLER', 'HOST', 'INTERNAL']);
    assert.deepEqual(names('KAFKA_LISTENER_SECURITY_PROTOCOL_MAP').sort(), listeners);
    assert.deepEqual(names('KAFKA_ADVERTISED_LISTENERS').sort(), ['HOST', 'INTERNAL']);
    assert.ok(environment['KAFKA_ADVERTISED_LISTENERS']?.includes('INTERNAL://kafka:19092'));
  });

  it('waits for servers until they are healthy', () => {
    for (const { depends_on: needs = {} } of Object.values(compose.services)) {
      for (const [name, { condition }] of Object.entries(needs)) {
        const wanted = service(name).healthcheck === undefined ? 'started' : 'healthy';
        assert.equal(condition, `service_${wanted}`, name);
      }
    }
    const needs = service('plumbline').depends_on ?? {};
    assert.ok(needs['kafka'] && needs['postgres'] && needs['control-plane']);
  });

  it('starts what exists', () => {
    const commands = OURS.map((name) => service(name).command ?? []);
    for (const [program = ''] of commands) {
      // Every command of ours is main.ts or the example's, and src/commands has one file a command.
      assert.match(program, /^(src|examples\/control-plane)\/main\.ts$/);
      assert.ok(existsSync(new URL(program, root)), program);
    }
    for (const [program, command] of commands) {
      if (program !== 'src/main.ts') continue;
      assert.ok(existsSync(new URL(`src/commands/${command}.ts`, root)), `command ${command}`);
    }
  });

  it('migrates before it observes: a database of our own is empty at first', () => {
    const [, ran, ...options] = service('plumbline').command ?? [];
    assert.equal(ran, 'run');
    assert.ok(service('plumbline').environment?.['DATABASE_URL'] !== undefined);
    assert.ok(options.includes('--migrate'), options.join(' '));
  });

  it('builds our services from one Dockerfile that exists', () => {
    for (const name of OURS) {
      assert.deepEqual(service(name).build, { context: '.', dockerfile: 'deploy/Dockerfile' });
    }
    assert.ok(existsSync(new URL('deploy/Dockerfile', root)));
  });

  it('declares every volume it mounts', () => {
    const mounted = Object.values(compose.services).flatMap(({ volumes = [] }) => volumes);
    const names = mounted.map((text) => text.split(':')[0]).sort();
    assert.deepEqual(names, Object.keys(compose.volumes).sort());
  });

  it('hands the observer and the control plane the same secret, long enough', () => {
    const [one, other] = ['plumbline', 'control-plane'].map(
      (name) => service(name).environment?.['PLUMBLINE_CONTROL_SECRET'],
    );
    assert.equal(one, other);
    const encoded = /:-whsec_([^}]+)\}/.exec(one ?? '')?.[1] ?? '';
    assert.ok(Buffer.from(encoded, 'base64').length >= 24);
  });
});

describe('deploy/plumbline.yaml', () => {
  it('is a valid configuration', () => {
    assert.deepEqual([...Compile(Config).Errors(config)], []);
  });

  it('reads the four topics and reaches the other services by their names', () => {
    const topics = config.sources.map(({ topic }) => topic);
    assert.deepEqual(topics, ['reasoning', 'gateway', 'governance', 'metrics']);
    const [broker = ''] = config.kafka?.brokers ?? [];
    const listeners = service('kafka').environment?.['KAFKA_ADVERTISED_LISTENERS'] ?? '';
    assert.ok(listeners.includes(`INTERNAL://${broker}`));
    const hook = config.control?.drivers['hook'];
    assert.equal(hook?.type, 'webhook');
    const url = new URL(String(hook['url']));
    assert.ok(compose.services[url.hostname] !== undefined);
    assert.ok(service(url.hostname).command?.includes(url.port));
    assert.deepEqual(hook['secret'], { env: 'PLUMBLINE_CONTROL_SECRET' });
  });
});

describe('deploy/Dockerfile', () => {
  it('copies only what exists and is let through to the builder', () => {
    const passes = read('deploy/Dockerfile.dockerignore');
    const copied = dockerfile
      .split('\n')
      .filter((line) => line.startsWith('COPY '))
      .flatMap((line) => line.split(' ').slice(1, -1));
    assert.ok(copied.includes('src') && copied.includes('deploy/plumbline.yaml'));
    for (const path of copied) {
      const name = path.replace(/^\.\//, '');
      assert.ok(existsSync(fileURLToPath(new URL(name, root))), name);
      assert.ok(passes.includes(`!${name}\n`), `${name} in Dockerfile.dockerignore`);
    }
  });

  it('does the same as compose, and names options that there are', () => {
    const [, text = ''] = /^CMD (\[.+\])$/m.exec(dockerfile) ?? [];
    const words = JSON.parse(text) as readonly string[];
    assert.deepEqual(words, service('plumbline').command);
    const options = parseArguments(words.slice(2), run.options);
    assert.ok(options.has('migrate'));
    assert.equal(options.value('config'), 'deploy/plumbline.yaml');
  });

  it('runs on the Node that package.json asks for, as an ordinary user', () => {
    assert.match(dockerfile, /^FROM node:24-slim$/m);
    assert.match(dockerfile, /^USER node$/m);
  });
});

describe('deploy/prometheus-rules.yaml', () => {
  interface Rule {
    readonly alert: string;
    readonly expr: string;
    readonly for?: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }
  const { groups } = parse(read('deploy/prometheus-rules.yaml')) as {
    readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
  };
  const rules = groups.flatMap((group) => group.rules);

  it('names metrics and labels that there are', () => {
    for (const { alert, expr } of rules) {
      for (const name of metricsIn(expr))
        assert.ok(Object.hasOwn(METRICS, declaredName(name)), `${alert}: ${name}`);
      for (const [, name = '', inner = ''] of expr.matchAll(/(plumbline_[a-z_]+)\{([^}]*)\}/g)) {
        const { labels }: Metric = METRICS[declaredName(name) as keyof typeof METRICS];
        for (const [, label = ''] of inner.matchAll(/([a-z]+)=~?"/g))
          assert.ok(labels.includes(label), `${alert}: ${name} has no label ${label}`);
      }
    }
  });

  it('takes rates of counters only, and of every counter a rate or an increase', () => {
    for (const { alert, expr } of rules)
      for (const name of metricsIn(expr)) {
        const { type }: Metric = METRICS[declaredName(name) as keyof typeof METRICS];
        const isRated = new RegExp(`\\b(?:rate|increase)\\(${name}\\b`).test(expr);
        assert.equal(isRated, type === 'counter', `${alert}: ${name}`);
      }
  });

  it('says of each how bad it is and what it means, once, and the page says what to do', () => {
    const page = read('docs/operations.md');
    assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
    for (const { alert, labels, annotations } of rules) {
      assert.ok(['none', 'warn', 'page'].includes(labels['severity'] ?? ''), alert);
      assert.match(annotations['summary'] ?? '', /\.$/, alert);
      assert.ok(page.includes(alert.replace(/^Plumbline/, '')), `${alert} in docs/operations.md`);
    }
  });

  it('has one that always fires', () => {
    const watchdog = rules.find(({ alert }) => alert === 'PlumblineWatchdog');
    assert.equal(watchdog?.expr, 'plumbline_watchdog == 1');
    assert.equal(watchdog.for, undefined);
  });
});

describe('deploy/grafana-dashboard.json', () => {
  interface Panel {
    readonly title: string;
    readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
    readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
  }
  const { panels } = JSON.parse(read('deploy/grafana-dashboard.json')) as {
    readonly panels: readonly Panel[];
  };

  it('asks for metrics and labels that there are', () => {
    assert.ok(panels.length >= 12);
    for (const { title, targets } of panels)
      for (const { expr, legendFormat } of targets) {
        const names = metricsIn(expr);
        assert.ok(names.length > 0, title);
        const labels = names.flatMap((name): readonly string[] => {
          assert.ok(Object.hasOwn(METRICS, declaredName(name)), `${title}: ${name}`);
          return METRICS[declaredName(name) as keyof typeof METRICS].labels;
        });
        for (const [, label = ''] of legendFormat.matchAll(/\{\{([a-z]+)\}\}/g))
          assert.ok(label === 'instance' || labels.includes(label), `${title}: ${label}`);
      }
  });

  it('lays no panel on another, and names each once', () => {
    const places = panels.map(({ gridPos: { x, y } }) => `${x} ${y}`);
    assert.equal(new Set(places).size, panels.length);
    assert.equal(new Set(panels.map(({ title }) => title)).size, panels.length);
  });
});

describe('probes', () => {
  it('of compose ask what the configuration answers', () => {
    const { port, host } = config.telemetry?.listener ?? {};
    const probe = service('plumbline').healthcheck?.test.join(' ') ?? '';
    assert.ok(probe.includes(`127.0.0.1:${port}/readyz`), probe);
    assert.equal(host, '0.0.0.0');
    assert.ok(service('plumbline').ports?.some((one) => one.endsWith(`:${port}`)));
  });
});
