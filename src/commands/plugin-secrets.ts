/** Plug-in secrets: values of what the options refer to, read when the plug-in is made. */
import type { SecretReference } from '../model/config/secret.ts';
import { OperatingError } from '../model/errors.ts';
import { type Environment, secretOf } from './config.ts';

/**
 * Values of secrets by the same paths. Rejects with CONFIG_INVALID that names every key without a
 * value, and no value.
 */
export async function readSecrets(
  secrets: ReadonlyMap<string, SecretReference>,
  key: string,
  environment: Environment,
): Promise<ReadonlyMap<string, string>> {
  const values = new Map<string, string>();
  const missing: string[] = [];
  for (const [path, reference] of secrets) {
    const at = `${key}.${path}`;
    try {
      const value = await secretOf(reference, at, environment);
      if (value === '') missing.push(`${at}: the file ${reference.file ?? ''} is empty`);
      else values.set(path, value);
    } catch (cause) {
      if (!(cause instanceof OperatingError)) throw cause;
      missing.push(cause.code === 'CONFIG_INVALID' ? cause.message : `${at}: ${cause.message}`);
    }
  }
  if (missing.length > 0)
    throw new OperatingError('CONFIG_INVALID', missing.join('\n'), { retryable: false });
  return values;
}
