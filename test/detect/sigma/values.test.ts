/** Values against records: what each kind of value and modifier matches, and what it does not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matches, mistakes, placeholders } from './rules.ts';

const yes = (selection: string, ...records: object[]) => {
  for (const record of records)
    assert.ok(matches(selection, record), `${selection} on ${JSON.stringify(record)}`);
};
const no = (selection: string, ...records: object[]) => {
  for (const record of records)
    assert.ok(!matches(selection, record), `${selection} on ${JSON.stringify(record)}`);
};

describe('plain values', () => {
  it('ignore case unless cased', () => {
    yes('{ f: Abc }', { f: 'aBC' });
    no('{ f|cased: Abc }', { f: 'abc' });
    yes('{ f|cased: Abc }', { f: 'Abc' });
    yes("{ f|cased|contains: 'Bc' }", { f: 'aBcd' });
    no("{ f|cased|contains: 'Bc' }", { f: 'abcd' });
  });

  it('match wholly, with wildcards where they are written', () => {
    yes("{ f: 'a*' }", { f: 'ABC' });
    yes("{ f: '*c' }", { f: 'abc' });
    yes("{ f: 'a?c' }", { f: 'abc' });
    no('{ f: ab }', { f: 'abc' }, { g: 'ab' }, {});
    yes("{ f: 'a\\*' }", { f: 'a*' });
    no("{ f: 'a\\*' }", { f: 'abc' });
  });

  it('compare numbers with numeric texts, either way round', () => {
    yes('{ f: 4625 }', { f: 4625 }, { f: '4625' }, { f: '4625.0' }, { f: '04625' });
    yes("{ f: '4625' }", { f: 4625 }, { f: '4625' });
    no('{ f: 4625 }', { f: '46250' }, { f: '4625 ' }, { f: 'x4625' }, { f: true }, { f: '0x1211' });
    no("{ f: '4625.0' }", { f: 4625 });
    yes('{ f: -0.5 }', { f: '-0.5' }, { f: -0.5 });
    yes('{ f: true }', { f: true }, { f: 'True' });
    no('{ f: 1 }', { f: true });
  });

  it('never take texts beyond 2^53 for numbers', () => {
    no('{ f: 9007199254740991 }', { f: '9007199254740993' }, { f: '9007199254740992' });
    yes("{ f: '9007199254740993' }", { f: '9007199254740993' });
    no("{ f: '9007199254740993' }", { f: '9007199254740992' });
    assert.match(
      mistakes('sel: { f: 9007199254740993 }\ncondition: sel').join(),
      /write it in quotes/,
    );
  });

  it('tell null, missing, empty and present apart', () => {
    yes('{ f: null }', { f: null }, {}, { f: ['a', null] });
    no('{ f: null }', { f: '' }, { f: 0 }, { f: false }, { f: [] });
    yes("{ f: '' }", { f: '' });
    no("{ f: '' }", {}, { f: null }, { f: 'a' });
    yes("{ f: '*' }", { f: '' }, { f: 'a' }, { f: 0 });
    no("{ f: '*' }", {}, { f: null });
    yes('{ f|exists: true }', { f: null }, { f: '' }, { f: {} }, { f: [] });
    no('{ f|exists: true }', {}, { g: 1 });
    yes('{ f|exists: false }', {}, { g: 1 });
    no('{ f|exists: false }', { f: null });
    yes("{ f|exists: 'yes' }", { f: 1 });
  });

  it('look at own properties only', () => {
    no('{ constructor: x }', {});
    no('{ constructor|exists: true }', {});
    no('{ __proto__|exists: true }', {});
    no('{ a.constructor|exists: true }', { a: {} });
    no('{ a.length|exists: true }', { a: ['x'] }, { a: 'x' });
    yes('{ constructor: x }', JSON.parse('{"constructor":"x"}') as object);
    yes('{ __proto__.a: x }', JSON.parse('{"__proto__":{"a":"x"}}') as object);
  });

  it('look for the dotted key first, then along the path, and into every element', () => {
    yes('{ a.b: x }', { 'a.b': 'x' }, { a: { b: 'x' } }, { a: [{ b: 'y' }, { b: 'x' }] });
    no('{ a.b: x }', { 'a.b': 'y', a: { b: 'x' } });
    yes('{ a.b.c: x }', { a: { 'b.c': 'x' } });
    yes('{ f: x }', { f: ['y', 'x'] }, { f: [['x']] });
    no('{ f: x }', { f: { x: 1 } }, { f: ['xy'] });
  });
});

describe('lists and maps', () => {
  it('OR values, AND keys, OR maps', () => {
    yes('{ f: [a, b] }', { f: 'b' });
    no('{ f: [a, b] }', { f: 'c' });
    no('{ f: a, g: b }', { f: 'a' });
    yes('{ f: a, g: b }', { f: 'a', g: 'b' });
    yes('[{ f: a }, { g: b }]', { g: 'b' });
    no('[{ f: a }, { g: b }]', { g: 'a' });
  });

  it('`all` lets different elements hold different values', () => {
    yes("{ f|all: ['*a*', '*b*'] }", { f: 'xaxb' }, { f: ['a', 'b'] });
    no('{ f|contains|all: [a, b] }', { f: 'xa' }, { f: ['a', 'c'] });
  });

  it('`neq` is NOT of the whole list, and a missing field is not equal', () => {
    yes('{ f|neq: [a, b] }', { f: 'c' }, {}, { f: null });
    no('{ f|neq: [a, b] }', { f: 'A' }, { f: 'b' }, { f: ['c', 'a'] });
    yes('{ f|contains|all|neq: [a, b] }', { f: 'a' });
    no('{ f|contains|all|neq: [a, b] }', { f: 'ab' });
    yes('{ f|neq: 5 }', { f: 6 });
    no('{ f|neq: 5 }', { f: '5' });
  });
});

describe('keywords', () => {
  it('look into every text of the event', () => {
    yes('[secret, other]', { a: { b: ['x', 'a SECRET thing'] } });
    no('[secret]', { secret: 'x' }, {});
    yes("{ '|all': [one, two] }", { a: 'one', b: 'TWO' });
    no("{ '|all': [one, two] }", { a: 'one' });
    yes("['a*c']", { f: 'xx abc xx' });
    yes("{ '|re': '^a.c$' }", { f: 'abc' });
    no("{ '|cased': [Secret, x1] }", { f: 'secret' });
    yes("{ '|startswith': [sec, xxx] }", { f: 'secret' });
    no("{ '|startswith': [ret, xxx] }", { f: 'secret' });
    yes('4625', { f: 'code 4625' }, { f: 4625 });
  });
});

describe('texts', () => {
  it('contains, startswith, endswith', () => {
    yes('{ f|contains: b }', { f: 'aBc' }, { f: ['x', 'b'] });
    yes('{ f|startswith: a }', { f: 'Abc' });
    no('{ f|startswith: b }', { f: 'abc' });
    yes('{ f|endswith: c }', { f: 'abC' });
    yes("{ f|contains: 'a*c' }", { f: 'xabcx' });
    yes("{ f|contains: '' }", { f: 'x' }, { f: '' });
    yes('{ f|contains: 62 }', { f: 4625 });
  });

  it('windash puts every dash for a dash before a word, and for no other', () => {
    for (const dash of ['-', '/', '–', '—', '―'])
      yes("{ f|contains|windash: ' -enc ' }", { f: `x ${dash}ENC y` });
    yes("{ f|windash|contains: '-a -b' }", { f: '/a -b' }, { f: '—a /b' });
    no("{ f|windash: 'a-b' }", { f: 'a/b' });
    yes("{ f|windash: 'a-b' }", { f: 'a-b' });
  });

  it('base64 and its three offsets', () => {
    const encode = (text: string) => Buffer.from(text).toString('base64');
    yes('{ f|base64: foobar }', { f: encode('foobar') });
    for (const before of ['', 'x', 'xy', 'xyz'])
      yes('{ f|base64offset|contains: /bin/bash }', { f: encode(`${before}/bin/bash -i`) });
    no('{ f|base64offset|contains: /bin/bash }', { f: encode('/bin/dash') });
    for (const before of ['', 'xx', 'xxxx'])
      yes('{ f|wide|base64offset|contains: Invoke }', {
        f: Buffer.from(`${before}Invoke-x`, 'utf16le').toString('base64'),
      });
    yes('{ f|utf16be|base64: ab }', { f: Buffer.from([0, 97, 0, 98]).toString('base64') });
    yes('{ f|utf16|base64: ab }', {
      f: Buffer.from([0xff, 0xfe, 97, 0, 98, 0]).toString('base64'),
    });
    yes('{ f|wide|contains: ab }', { f: 'xa\u0000b\u0000' });
  });

  it('regular expressions mind case and are not anchored', () => {
    yes("{ f|re: 'b+c' }", { f: 'abbc' }, { f: ['x', 'bc'] });
    no("{ f|re: 'B' }", { f: 'abc' });
    yes("{ f|re|i: 'B' }", { f: 'abc' });
    yes("{ f|re|m: '^b$' }", { f: 'a\nb' });
    no("{ f|re: 'a.b' }", { f: 'a\nb' });
    yes("{ f|re|s: 'a.b' }", { f: 'a\nb' });
    yes("{ f|re: '^46' }", { f: 4625 });
  });
});

describe('other tests', () => {
  it('numbers', () => {
    yes('{ f|gte: 5 }', { f: 5 }, { f: '5.5' }, { f: [1, 9] });
    no('{ f|gt: 5 }', { f: 5 }, { f: 'x' }, {}, { f: null }, { f: '99999999999999999999' });
    yes('{ f|lt: 5 }', { f: -1 });
    yes('{ f|lte: 5.5 }', { f: 5.5 });
    yes('{ f|gt|neq: 5 }', { f: 5 }, {});
  });

  it('networks', () => {
    yes('{ f|cidr: 10.0.0.0/8 }', { f: '10.1.2.3' }, { f: ['x', '10.0.0.1'] });
    no('{ f|cidr: 10.0.0.0/8 }', { f: '11.0.0.1' }, { f: '10.0.0' }, { f: 'x' }, {});
    yes("{ f|cidr: ['fd00::/8', '::1/128'] }", { f: 'fd12::1' }, { f: '::1' });
  });

  it('times', () => {
    yes('{ t|hour: 3 }', { t: '2026-08-05T03:59:59Z' });
    yes('{ t|hour|gte: 20 }', { t: '2026-08-05T23:00:00Z' });
    no('{ t|hour: 3 }', { t: 'three' }, {});
  });

  it('fields against fields', () => {
    yes('{ a|fieldref: b }', { a: 'X', b: 'x' }, { a: ['y', 'x'], b: 'x' }, { a: 5, b: '5' });
    no('{ a|fieldref: b }', { a: 'x', b: 'y' }, { a: 'x' }, { b: 'x' }, {});
    yes('{ a|fieldref|neq: b }', { a: 'x', b: 'y' }, { a: 'x' });
    yes('{ a|fieldref|startswith: b }', { a: 'model-4-2026', b: 'Model-4' });
    yes('{ a|fieldref|endswith: b }', { a: 'xy', b: 'y' });
    yes('{ a|fieldref|contains: b }', { a: 'xyz', b: 'y' });
    no('{ a|fieldref|cased: b }', { a: 'X', b: 'x' });
    yes('{ a|fieldref: c.d }', { a: 'x', c: { d: 'x' } });
  });

  it('placeholders stand for declared values, literally', () => {
    const options = placeholders({ admins: ['root', 'a*b'], hosts: ['h1'] });
    const does = (selection: string, record: object) => matches(selection, record, options);
    assert.ok(does("{ f|expand: '%admins%' }", { f: 'ROOT' }));
    assert.ok(does("{ f|expand: '%admins%' }", { f: 'a*b' }));
    assert.ok(!does("{ f|expand: '%admins%' }", { f: 'axb' }));
    assert.ok(does("{ f|contains|expand: '%hosts%\\\\%admins%' }", { f: 'on h1\\root now' }));
    assert.ok(does("{ f|re|expand: '^(%admins%)$' }", { f: 'a*b' }));
    assert.ok(matches("{ f: '%admins%' }", { f: '%admins%' }));
  });
});

describe('an escaped percent sign', () => {
  const options = placeholders({ name: ['X', 'a\\%b'] });
  const does = (selection: string, record: object) => matches(selection, record, options);

  it('begins no placeholder, and is one itself', () => {
    assert.ok(does("{ f|expand: '\\%plain%name%' }", { f: '%plainX' }));
    assert.ok(does("{ f|expand: '\\%plain%name%' }", { f: '%plaina\\%b' }));
    assert.ok(does("{ f|expand: '\\%name\\%' }", { f: '%name%' }));
    assert.ok(does("{ f|contains|expand: '100\\%' }", { f: 'it is 100% now' }));
    assert.ok(does("{ f|re|expand: '^\\%plain(%name%)$' }", { f: '%plainX' }));
    assert.ok(does("{ f|re|expand: '^\\%name%$' }", { f: '%name%' }));
  });

  it('is one behind a backslash that is escaped, and only under expand', () => {
    assert.ok(does("{ f|expand: '\\\\%name%' }", { f: '\\X' }));
    assert.ok(does("{ f|re|expand: '^\\\\%name%$' }", { f: '\\X' }));
    assert.ok(does("{ f: '\\%name%' }", { f: '\\%name%' }));
  });
});

describe('mistakes of values', () => {
  const of = (selection: string) => mistakes(`sel: ${selection}\ncondition: sel`).join('\n');
  it('say where they are and what to write instead', () => {
    assert.match(of('{ f: [a, null] }'), /detection\.sel\.f\.1: `null` may not stand in a list/);
    assert.match(of('{ f|all: a }'), /f\|all: `all` wants two values or more/);
    assert.match(of('{ f|all: [a] }'), /`all` wants two values or more/);
    assert.match(of('{ f: [] }'), /an empty list matches nothing/);
    assert.match(of('{ f: { a: b } }'), /nest with a dotted field name/);
    assert.match(of('{ f|cidr: 10.0.0.0/99 }'), /is no network; write for example/);
    assert.match(of("{ f|gt: '5' }"), /wants a number, without quotes/);
    assert.match(of("{ f|re: '(?=a)b' }"), /cannot be|linear time/);
    assert.match(of("{ f|re: '(' }"), /no expression/);
    assert.match(of("{ f|base64: 'a*' }"), /cannot encode wildcards; put `contains` behind/);
    assert.match(of('{ f|base64|utf16|base64: a }'), /^$/);
    assert.match(of('{ f|utf16: a }'), /follow it with `base64`/);
    assert.match(of("{ f|fieldref: 'a*' }"), /wants the name of a field/);
    assert.match(of('{ f|exists: maybe }'), /`exists` wants true or false/);
    assert.match(of('{ f|contains: null }'), /`null` takes no modifier/);
    assert.match(
      of("{ f|expand: '%nobody%' }"),
      /no values are declared for %nobody%.*placeholders/,
    );
    assert.match(of("{ '|exists': true }"), /needs a field before it/);
    assert.match(of("{ f|windash: '-a -b -c -d -e -f -g' }"), /stands for more than 10000 texts/);
  });

  it('are all named at once', () => {
    const found = mistakes(
      "sel: { f|contain: a, g|all: b, h|re: '(' }\nother: [{ i: [] }]\ncondition: sel and othr",
    );
    assert.equal(found.length, 5, found.join('\n'));
  });
});
