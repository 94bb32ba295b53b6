/** The page of the evaluation: prose beside this file, figures filled in, part by part. */
import { readFile } from 'node:fs/promises';
import { goalTable } from '../evaluation/recordings/table.ts';
import { SECTIONS, type Section, type SectionName } from './evaluate-section.ts';

/** What is filled into every part. */
export interface PageHead {
  /** UTC day, `2026-11-20`. */
  readonly date: string;
  /** The command as it was typed. */
  readonly command: string;
  readonly minutes: Readonly<Partial<Record<SectionName, number>>>;
}

/** The prose with its places. */
export async function readTemplate(): Promise<string> {
  return await readFile(new URL('./evaluate.md', import.meta.url), 'utf8');
}

const blockOf = (name: SectionName) =>
  new RegExp(`<!-- part ${name} -->\\n([\\s\\S]*?)<!-- end ${name} -->\\n`);

/**
 * The page: each part that was run is filled in from the template; of one that was not, what the
 * page said before (`previous`, null: nothing) is kept, with its own date.
 */
export function pageOf(
  template: string,
  previous: string | null,
  sections: ReadonlyMap<SectionName, Section>,
  head: PageHead,
): string {
  let page = template;
  for (const name of SECTIONS) {
    const section = sections.get(name);
    const kept = previous === null ? null : blockOf(name).exec(previous)?.[0];
    page = page.replace(blockOf(name), (block) => {
      if (section !== undefined) return filled(block, name, section, head);
      return kept ?? block.replace(/-->\n[\s\S]*<!--/, `-->\n## ${name}\n\nNot run yet.\n<!--`);
    });
  }
  return page;
}

function filled(block: string, name: SectionName, section: Section, head: PageHead): string {
  const minutes = head.minutes[name];
  const texts: Readonly<Record<string, string>> = {
    ...section.texts,
    goals: goalTable(section.goals),
    date: head.date,
    command: head.command,
    minutes: minutes === undefined ? '–' : Math.max(1, Math.round(minutes)).toString(),
  };
  return block.replace(/\{\{(\w+)\}\}/g, (place, key: string) => texts[key] ?? place);
}
