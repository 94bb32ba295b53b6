/** Facts of a session: people, addresses, accounts, references; one making for all. */
import { between, integer, pick, type Random, uniform } from './random.ts';
import type { Facts } from './role.ts';

// Many first and many last names, so that a repeated name is chance and not a sign.
const FIRST =
  'Ada Bilal Chiara Dmitri Elin Farah Goran Hana Idris Jonas Katya Liam Mira Nadia Oskar Priya Quentin Rosa Stefan Tamar Ulrich Vera Wanda Xenia Yusuf Zoe Anselm Bruna Caleb Daria Emil Fiona'.split(
    ' ',
  );
const LAST =
  'Penrose Hartmann Novak Okafor Sandberg Quinn Ilves Morita Calloway Weber Abbott Brandt Castell Duarte Engel Farkas Galloway Hoang Ibsen Jarvis Keller Lindqvist Marchetti Nilsen Osei Petrov Rinaldi Salinas Thorne Ueda Varga Whitlock'.split(
    ' ',
  );
const HOUSES =
  'Brightwater Corran Delmare Elstow Fenwick Grantham Hollis Ivybridge Juniper Kestrel Larkfield Mossley Northgate Oakhurst Pellworth Quarry Ravenscar Stonebeck Tideway Umberland Westmere Yarrow'.split(
    ' ',
  );
const BRANCHES =
  'Supplies Freight Foods Paper Tooling Optics Textiles Labs Marine Dairy Ceramics Travel Media Partners Energy Clinics'.split(
    ' ',
  );
const CITIES =
  'Lisbon Turin Graz Leeds Malmo Ghent Porto Brno Lyon Bergen Aarhus Krakow Bremen Cork Basel Tartu'.split(
    ' ',
  );
const STREETS =
  'Mill Lane, Harbour Road, Station Street, Orchard Close, Chapel Row, Garden Walk, Bridge Street, Linden Avenue, Market Square, Quay Street'.split(
    ', ',
  );
const THINGS =
  'heat pump, desk lamp, trail shoes, espresso machine, winter coat, bookshelf, bicycle helmet, tent, rain barrel, keyboard, backpack, blender, carpet, office chair, camera strap, toolbox'.split(
    ', ',
  );
const TOPICS =
  'battery recycling, coastal erosion, grid storage, crop rotation, urban noise, supply forecasts, cold chains, soil sensors, ferry traffic, school meals, water pricing, rail freight, tax credits, night buses'.split(
    ', ',
  );
const SYSTEMS =
  'checkout billing-api search orders inventory payments notifications accounts shipping catalogue ledger-sync reports'.split(
    ' ',
  );

const slug = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]+/g, '-');

function person(random: Random): string {
  return `${pick(random, FIRST)} ${pick(random, LAST)}`;
}

function company(random: Random): string {
  return `${pick(random, HOUSES)} ${pick(random, BRANCHES)}`;
}

// One making for all addresses: nothing but where it was read tells a stranger's from a customer's.
function email(random: Random, name: string): string {
  const at = uniform(random) < 0.5 ? slug(pick(random, HOUSES)) : slug(company(random));
  return `${slug(name).replace('-', '.')}@${at}.example`;
}

function day(random: Random): string {
  const month = String(integer(random, 1, 12)).padStart(2, '0');
  return `2026-${month}-${String(integer(random, 1, 28)).padStart(2, '0')}`;
}

function money(random: Random, range: string): number {
  const [low = 10, high = 1_000] = range.split('-').map(Number);
  return Math.round(between(random, low, high) * 100) / 100;
}

type Maker = (random: Random, argument: string, facts: Facts) => string | number;

const MAKERS: Readonly<Record<string, Maker>> = {
  person,
  company,
  /** `email:name`, of the person that is named so among the facts; without it, of anybody. */
  email: (random, of, facts) => email(random, of === '' ? person(random) : String(facts[of])),
  city: (random) => pick(random, CITIES),
  street: (random) => `${integer(random, 1, 140)} ${pick(random, STREETS)}`,
  thing: (random) => pick(random, THINGS),
  topic: (random) => pick(random, TOPICS),
  system: (random) => pick(random, SYSTEMS),
  day,
  time: (random) => `${integer(random, 8, 17)}:${pick(random, ['00', '15', '30', '45'])}`,
  id: (random, prefix) => `${prefix}-${integer(random, 10_000, 999_999)}`,
  int: (random, range) => {
    const [low = 1, high = 9] = range.split('-').map(Number);
    return integer(random, low, high);
  },
  money,
  iban: (random) =>
    `XX${integer(random, 10, 99)}${integer(random, 10_000_000, 99_999_999)}${integer(random, 10_000_000, 99_999_999)}`,
  phone: (random) => `+00 ${integer(random, 100, 999)} ${integer(random, 100_000, 999_999)}`,
  /** `url:section` */
  url: (random, section) =>
    `https://${slug(company(random))}.example/${section}/${integer(random, 1_000, 99_999)}`,
  /** `path:folder/ext` */
  path: (random, where) => {
    const [folder = 'files', ext = 'txt'] = where.split('/');
    return `/${folder}/${slug(pick(random, TOPICS))}-${integer(random, 10, 9_999)}.${ext}`;
  },
  of: (random, list) => pick(random, list.split('|')),
};

/** One value of a specification `maker:argument`. Throws RangeError where there is no such maker. */
export function make(random: Random, spec: string, facts: Facts): string | number {
  const cut = spec.indexOf(':');
  const name = cut < 0 ? spec : spec.slice(0, cut);
  const maker = MAKERS[name];
  if (maker === undefined) throw new RangeError(`no maker of facts is called ${name}`);
  return maker(random, cut < 0 ? '' : spec.slice(cut + 1), facts);
}

/** Specifications by name of the fact. `3*id:INV` makes three, called name1, name2 and name3. */
export type FactSpecs = Readonly<Record<string, string>>;

/** Makes facts in the order they are written; later ones may build on earlier ones. */
export function makeFacts(random: Random, specs: FactSpecs, given: Facts = {}): Facts {
  const facts: Facts = { '#': 0, ...given };
  for (const [name, spec] of Object.entries(specs)) {
    const many = /^(\d)\*(.+)$/.exec(spec);
    if (many === null) {
      facts[name] = make(random, spec, facts);
      continue;
    }
    const count = Number(many[1]);
    facts[`${name}*`] = count;
    for (let i = 1; i <= count; i += 1) facts[`${name}${i}`] = make(random, many[2] ?? '', facts);
  }
  return facts;
}
