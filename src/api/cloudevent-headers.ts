/** CloudEvents in binary mode over HTTP: attributes are headers, the body is the data. */

const NAME = /^ce-[a-z0-9]{1,40}$/;
const ATTRIBUTES_MAX = 40;
const VALUE_MAX = 1024;

/**
 * Attributes of a CloudEvent in binary mode, as headers; null where the request is none: it bears no
 * `ce-specversion`, or says that its body is a CloudEvent itself. A text where they are too many (more
 * than forty) or one is too long (more than 1,024 characters): which, for the sender.
 */
export function cloudEventHeaders(
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | string | null {
  const type = (headers['content-type'] ?? '').trim().toLowerCase();
  if (headers['ce-specversion'] === undefined || type.startsWith('application/cloudevents'))
    return null;
  const own = Object.entries(headers).filter(([name]) => NAME.test(name));
  if (own.length > ATTRIBUTES_MAX)
    return `${own.length} ce- headers; at most ${ATTRIBUTES_MAX} are read`;
  const long = own.find(([, value]) => value.length > VALUE_MAX);
  if (long !== undefined) return `${long[0]}: at most ${VALUE_MAX} characters`;
  return Object.fromEntries(own);
}
