/** CloudEvents in binary mode over HTTP: attributes are headers, the body is the data. */

const NAME = /^ce-[a-z0-9]{1,40}$/;
const ATTRIBUTES_MAX = 40;
const VALUE_MAX = 1024;

/**
 * Attributes of a CloudEvent in binary mode, as headers; null where the request is none: it bears no
 * `ce-specversion`, or says that its body is a CloudEvent itself. More than forty, and those that are
 * longer than 1,024 characters, are left out: who needs them finds them missing.
 */
export function cloudEventHeaders(
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | null {
  const type = (headers['content-type'] ?? '').trim().toLowerCase();
  if (headers['ce-specversion'] === undefined || type.startsWith('application/cloudevents'))
    return null;
  const own = Object.entries(headers).filter(
    ([name, value]) => NAME.test(name) && value.length <= VALUE_MAX,
  );
  return Object.fromEntries(own.slice(0, ATTRIBUTES_MAX));
}
