/** A strict reader of the XML that reports are made of: anything else than well-formed text throws. */

/** An element as read: texts and attributes with their entities resolved. */
export interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: Element[];
  text: string;
}

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';
const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};
/** What XML 1.0 may hold at all (production 2). */
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

/** Reads a document. Elements, attributes, text and named entities only: reports need no more. */
export function readXml(document: string): Element {
  if (!document.isWellFormed()) throw new Error('lone surrogates');
  const bad = FORBIDDEN.exec(document);
  if (bad !== null) throw new Error(`a character XML cannot hold at ${bad.index}`);
  if (!document.startsWith(DECLARATION)) throw new Error('no declaration');
  let at = DECLARATION.length;
  const open: Element[] = [];
  const roots: Element[] = [];
  const tag = /<(\/?)([A-Za-z][\w.-]*)((?:\s+[\w.-]+="[^"<]*")*)\s*(\/?)>/y;
  while (at < document.length) {
    const next = document.indexOf('<', at);
    const text = document.slice(at, next < 0 ? document.length : next);
    const holder = open.at(-1);
    if (holder !== undefined) holder.text += resolved(text);
    else if (text.trim() !== '') throw new Error(`text outside the root at ${at}`);
    if (next < 0) break;
    tag.lastIndex = next;
    const match = tag.exec(document);
    if (match === null) throw new Error(`no tag at ${next}: ${document.slice(next, next + 40)}`);
    const [whole, slash, name = '', list = '', closed] = match;
    at = next + whole.length;
    if (slash === '/') {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes nothing`);
      continue;
    }
    const element: Element = { name, attributes: attributesOf(list), children: [], text: '' };
    (holder?.children ?? roots).push(element);
    if (closed !== '/') open.push(element);
  }
  const [root, second] = roots;
  if (open.length > 0 || root === undefined || second !== undefined)
    throw new Error('not exactly one root, closed');
  return root;
}

function attributesOf(list: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, name = '', value = ''] of list.matchAll(/([\w.-]+)="([^"]*)"/g)) {
    if (found.has(name)) throw new Error(`the attribute ${name} stands twice`);
    found.set(name, resolved(value));
  }
  return found;
}

function resolved(text: string): string {
  if (text.includes(']]>')) throw new Error(']]> in text');
  return text.replace(/&([^;\s]*;?)/g, (_whole, name: string) => {
    const value = name.endsWith(';') ? NAMED[name.slice(0, -1)] : undefined;
    if (value === undefined) throw new Error(`no such entity: &${name}`);
    return value;
  });
}
