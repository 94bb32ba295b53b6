/** Kafka access: where the cluster is and who we are to it, secrets read. */
import type { KafkaAccess, KafkaTls } from '../adapters/kafka-face.ts';
import type { KafkaConfig } from '../model/config/kafka.ts';
import type { Config } from '../model/config.ts';
import { OperatingError, type Problem } from '../model/errors.ts';
import { type Located, problemAt } from '../model/schema.ts';
import { brokersOf, type Given } from './arguments.ts';
import { type Environment, secretOf } from './config.ts';

const PEM = ['ca', 'cert', 'key'] as const;

/** Every mistake in it that no schema can see. */
export function kafkaProblems({ kafka }: Config, where: Located): Problem[] {
  const { tls, sasl } = kafka ?? {};
  const found: Problem[] = [];
  const say = (path: readonly string[], message: string) =>
    found.push(problemAt(where, ['kafka', ...path], message));
  const secrets = [
    ...PEM.map((name) => [['tls', name], tls?.[name]] as const),
    [['sasl', 'password'], sasl?.password] as const,
  ];
  for (const [path, secret] of secrets)
    if (secret !== undefined && (secret.env === undefined) === (secret.file === undefined))
      say(path, 'give exactly one of `env` and `file`: secrets are never written inline');
  if (tls !== undefined && (tls.cert === undefined) !== (tls.key === undefined))
    say(['tls'], '`cert` and `key` belong together: give both, or neither');
  if (sasl?.mechanism === 'plain' && tls === undefined)
    say(
      ['sasl', 'mechanism'],
      'plain sends the password as it is: give `tls`, or take scram-sha-512 or scram-sha-256',
    );
  return found;
}

/** The cluster of the configuration. Rejects with CONFIG_INVALID, naming the key and no secret. */
export async function kafkaAccess(
  { brokers, tls, sasl }: KafkaConfig,
  environment: Environment,
): Promise<KafkaAccess> {
  return {
    brokers,
    ...(tls === undefined ? {} : { tls: await tlsOf(tls, environment) }),
    ...(sasl === undefined
      ? {}
      : {
          sasl: {
            ...{ mechanism: sasl.mechanism, username: sasl.username },
            password: await secretOf(sasl.password, 'kafka.sasl.password', environment),
          },
        }),
  };
}

/**
 * The cluster a command is told of: that of the configuration, at other addresses where `--brokers` names
 * some; null where there is neither.
 */
export async function kafkaGiven(
  given: Given,
  config: Config | null,
  environment: Environment,
): Promise<KafkaAccess | null> {
  const named = given.value('brokers');
  const access = config?.kafka === undefined ? null : await kafkaAccess(config.kafka, environment);
  return named === undefined ? access : { ...access, brokers: brokersOf(named) };
}

async function tlsOf(
  { servername, ...files }: NonNullable<KafkaConfig['tls']>,
  environment: Environment,
): Promise<KafkaTls> {
  const texts: { ca?: string; cert?: string; key?: string } = {};
  for (const name of PEM) {
    const reference = files[name];
    if (reference === undefined) continue;
    const key = `kafka.tls.${name}`;
    const text = await secretOf(reference, key, environment);
    if (!text.includes('-----BEGIN '))
      throw new OperatingError('CONFIG_INVALID', `${key}: holds no PEM text`, { retryable: false });
    texts[name] = text;
  }
  return { ...texts, ...(servername === undefined ? {} : { servername }) };
}
