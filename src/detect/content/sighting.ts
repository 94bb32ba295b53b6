/** Sighting: something in a text that should not be there, by its kind and its length alone. */

/** What was seen. The text itself is in no finding, no log and no explanation. */
export interface Sighting {
  /** Kind, kebab-case, for example `github-token`, `payment-card`. */
  readonly type: string;
  /** Characters it takes. */
  readonly length: number;
}
