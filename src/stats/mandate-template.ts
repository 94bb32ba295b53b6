/** Mandate template: what is asked, with the values it is asked for left out. */

/** What becomes a slot, and what stands in every text that has one: most mandates lack most of it. */
const SLOTS: readonly (readonly [literal: RegExp, slot: string, signs: readonly string[]])[] = [
  [/[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/g, '<EMAIL>', ['@']],
  [/(?:https?:\/\/|www\.)\S{1,512}/g, '<URL>', ['://', 'www.']],
  [/(?:\/[\w.-]{1,128}){1,24}/g, '<PATH>', ['/']],
  [/"[^"\n]{0,200}"|'[^'\n]{2,200}'/g, '<QUOTED>', ['"', "'"]],
  [/\d{4}-\d{2}-\d{2}/g, '<DATE>', ['-']],
  [/\d[\d,.:]{0,40}/g, '<NUM>', ['']],
];

/**
 * Template of a mandate: literals become slots, case and spacing do not matter. Two mandates of one
 * template ask for the same kind of work.
 * Parameters: mandate - text as governance recorded it; the first 4,096 characters count.
 * Cost: linear. Reference: statistics chapter §4.6.
 * @example mandateTemplate('Pay invoice 4711 to Ann@x.org') // 'pay invoice <NUM> to <EMAIL>'
 */
export function mandateTemplate(mandate: string): string {
  let text = mandate.slice(0, 4096).toLowerCase();
  for (const [literal, slot, signs] of SLOTS)
    if (signs.some((sign) => text.includes(sign))) text = text.replace(literal, slot);
  return text.replace(/\s{1,64}/g, ' ').trim();
}
