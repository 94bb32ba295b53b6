/** Prose: what an agent writes in a turn; in phrases of its model, chosen by its own taste. */
import { chance, pick, type Random } from './random.ts';
import type { Matter } from './role.ts';

const VERBS: Readonly<Record<string, readonly string[]>> = {
  read: ['read', 'look at', 'open', 'go through'],
  list: ['list', 'look through', 'go over'],
  find: ['find', 'look for', 'locate'],
  search: ['search', 'look for', 'query'],
  write: ['write to', 'draft for', 'address'],
  send: ['send', 'pass on', 'mail'],
  update: ['update', 'bring up to date', 'amend'],
  change: ['change', 'alter', 'correct'],
  pay: ['pay', 'settle', 'transfer for'],
  book: ['book', 'reserve', 'take'],
  check: ['check', 'verify', 'make sure of'],
  open: ['open', 'look into', 'pull up'],
  trip: ['look up', 'fetch'],
  flat: ['look up', 'fetch'],
  device: ['look up', 'fetch'],
  help: ['look up', 'fetch'],
  product: ['run', 'start'],
  free: ['look up', 'fetch'],
  make: ['make', 'prepare', 'put together'],
};

/** Phrases anybody may use, and those of a model; `%` stands for what is to be done. */
const COMMON = [
  'Next I %.',
  'I will % now.',
  'To go on I have to %.',
  'It is time to %.',
  'The next step is to %.',
];
const STYLES: Readonly<Record<string, readonly string[]>> = {
  'atlas-large-2': [
    'Having seen this, I % for &.',
    'Before I decide anything about & I should %.',
    'So far & looks clear; I % next.',
    'What is still missing for &: I %.',
  ],
  'atlas-small-2': ['Ok. %.', 'Now: %.', '& → %.', 'Doing: %.'],
  'borealis-3': [
    'Let me % so that & can be finished properly.',
    'A careful approach is to % before touching &.',
    'I consider it best to % at this point.',
    'My plan for &: first %, then see.',
  ],
  'cirrus-mini-1': ['% (&).', 'Need to %.', 'Step: %.'],
  'atlas-large-3': [
    'Reasoning: & depends on what comes back, hence %.',
    'I want evidence before acting on &, therefore I %.',
    'Verification pass for &: %.',
    'Given the above, the most useful action is to %.',
  ],
  'atlas-small-3': [
    'Understood, I shall % for &.',
    'Proceeding with &: %.',
    'In order to complete &, I am going to %.',
  ],
  'borealis-4': ['%.', '&: %.', 'Action: %.'],
  'cirrus-mini-2': [
    'Sure! I will % for you.',
    'Great, let us % and move & along.',
    'Happy to % here.',
  ],
};
const REMARKS = [
  'It concerns % and &.',
  'What came back names %.',
  'So this is about %, as expected.',
  'The entry for % agrees with &.',
  'Nothing unusual about %.',
  'That settles the question of %.',
];
const ENDINGS = [
  'That is all for &.',
  '& is done; nothing else to call.',
  'I have finished with &, % knows.',
  'Everything asked about & has been dealt with.',
  'Finished: &.',
];
/** What agents write of text that is not addressed to them, be it harmless or not. */
const ASIDES = [
  'There is a remark in the text that I leave aside.',
  'Part of the text asks for something else; that is not my task.',
  'I take note of the remark and stay with what I was asked.',
];
const REFUSALS = [
  'I cannot help with &; a person should look at it.',
  'This is not something I can do on my own: &.',
  'I stop here and leave & to somebody who may decide it.',
];

/** What a tool does, in words. */
function deedOf(random: Random, tool: string): string {
  const [verb = '', ...rest] = tool.split('_');
  const word = pick(random, VERBS[verb] ?? [verb]);
  return rest.length === 0 ? word : `${word} the ${rest.join(' ')}`;
}

function fillIn(phrase: string, deed: string, ref: string): string {
  return phrase.replace('%', deed).replace('&', ref);
}

/** A taste prefers some of a list without excluding the others. */
function favoured(random: Random, list: readonly string[], taste: number): string {
  if (chance(random, 0.4)) return pick(random, list);
  const at = Math.floor(taste * list.length);
  const preferred = [list[at % list.length], list[(at + 1) % list.length]];
  return pick(random, preferred) ?? '';
}

/** What is known when a turn is written. */
export interface Writing {
  readonly style: string;
  readonly taste: number;
  readonly remarks: number;
  readonly tools: readonly string[];
  readonly matter: Matter;
  readonly first: boolean;
}

/** The text of a turn; of the last one where there are no tools. */
export function writeTurn(random: Random, writing: Writing): string {
  const { style, taste, tools, matter, first } = writing;
  const parts: string[] = [];
  if (!first && chance(random, writing.remarks)) {
    const phrase = favoured(random, REMARKS, taste);
    parts.push(fillIn(phrase, pick(random, [matter.person, matter.thing]), matter.party));
  }
  if (tools.length === 0) {
    parts.push(fillIn(favoured(random, ENDINGS, taste), matter.person, matter.ref));
    return capitalised(parts.join(' '));
  }
  const own = STYLES[style] ?? COMMON;
  const phrase = chance(random, 0.7)
    ? favoured(random, own, taste)
    : favoured(random, COMMON, taste);
  const deeds = [...new Set(tools)].map((tool) => deedOf(random, tool)).join(' and ');
  parts.push(fillIn(phrase, deeds, matter.ref));
  return capitalised(parts.join(' '));
}

/** A remark on text of third parties that is not followed. */
export function writeAside(random: Random): string {
  return pick(random, ASIDES);
}

/** A refusal of the whole task. */
export function writeRefusal(random: Random, matter: Matter): string {
  return fillIn(pick(random, REFUSALS), '', matter.ref);
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
