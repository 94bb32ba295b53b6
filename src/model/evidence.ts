/** Evidence: how much content a source carried of an agent within an hour. */

/** Events of one completed hour of event time. */
export interface LevelWindow {
  readonly source: string;
  readonly tenant: string;
  readonly agent: string;
  /** Beginning of the hour, ms. */
  readonly hourMs: number;
  /** Events at L0, L1, L2, L3. */
  readonly counts: readonly number[];
}
