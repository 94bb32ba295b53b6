/** A listener of a test broker that is encrypted and asks who one is. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './kafka-probe.ts';

const run = promisify(execFile);
const STORE_PASSWORD = 'only-for-tests';

/** Who may come in. */
export const USER = { username: 'observer', password: 'a password of the tests' } as const;

/** What a broker needs for it, and what clients do. */
export interface Secured {
  readonly port: number;
  /** Lines of its properties. */
  readonly properties: string;
  /** What its log is formatted with besides. */
  readonly format: readonly string[];
  /** The certificate that signed its own: itself. PEM. */
  readonly ca: string;
}

/** Makes a certificate for 127.0.0.1 in `dir`, with the tool that comes with Java. */
export async function secure(dir: string): Promise<Secured> {
  const port = await freePort();
  const store = join(dir, 'broker.p12');
  const common = ['-alias', 'broker', '-keystore', store, '-storepass', STORE_PASSWORD];
  await run('keytool', [
    ...['-genkeypair', ...common, '-storetype', 'PKCS12', '-keyalg', 'EC', '-validity', '2'],
    ...['-dname', 'CN=plumbline-test', '-ext', 'SAN=ip:127.0.0.1'],
  ]);
  const { stdout: ca } = await run('keytool', ['-exportcert', '-rfc', ...common]);
  const { username, password } = USER;
  const scram = `[name=${username},password=${password}]`;
  return {
    ...{ port, ca },
    format: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((name) => ['-S', `${name}=${scram}`]),
    properties: `
sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN
listener.name.secured.ssl.keystore.location=${store}
listener.name.secured.ssl.keystore.password=${STORE_PASSWORD}
listener.name.secured.ssl.keystore.type=PKCS12
listener.name.secured.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secured.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secured.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";
`,
  };
}
