/** `tokens`: makes the token of a consumer of the listener, and the line that lets it in. */
import { SCOPES } from '../model/route.ts';
import { usage } from './arguments.ts';
import type { Command } from './command.ts';
import { newToken, tokenDigest } from './token.ts';

/** The command. It touches neither database nor configuration: people put the line in themselves. */
export const tokens: Command = {
  name: 'tokens',
  synopsis: 'tokens new NAME [--scopes posture.read,…] [--source]',
  summary: 'make a token for whoever reads from the listener, or sends to a source over HTTP',
  options: { scopes: 'value', source: 'flag' },
  words: 2,
  run: async (given, { output }) => {
    const [verb, name] = given.words;
    if (verb !== 'new') throw usage('write `tokens new NAME`');
    if (name === undefined || !/^[a-z0-9][a-z0-9_-]{0,63}$/.test(name))
      throw usage('NAME is of small letters, digits, - and _, 64 at most');
    const isSource = given.has('source');
    if (isSource && given.value('scopes') !== undefined)
      throw usage('a token of a source sends to it, and has no scopes: leave --scopes away');
    const scopes = isSource ? ['ingest'] : scopesIn(given.value('scopes') ?? 'posture.read');
    const token = newToken();
    const sha256 = tokenDigest(token);
    const line = isSource
      ? `http: { sha256: [${sha256}] }`
      : `${name}: { sha256: ${sha256}, scopes: [${scopes.join(', ')}] }`;
    const [whom, where] = isSource
      ? ['sender', `In the source ${name} of the configuration`]
      : ['consumer', 'Under control.listener.consumers of the configuration'];
    output.line(`The token, shown this once; give it to the ${whom} as a secret:`);
    output.line(`\n  ${token}\n`);
    output.line(`${where}:`);
    output.line(`\n  ${line}\n`);
    output.line(
      'The hash is no secret: nobody can ask with it. To revoke the token remove the line.',
    );
    output.json({ name, token, sha256, scopes });
    return 0;
  },
};

function scopesIn(text: string): readonly (typeof SCOPES)[number][] {
  const given = text.split(',').map((one) => one.trim());
  for (const one of given)
    if (!SCOPES.some((scope) => scope === one))
      throw usage(`no scope ${JSON.stringify(one)}; there are ${SCOPES.join(', ')}`);
  return given as (typeof SCOPES)[number][];
}
