/** How much of a test of many like cases is run: all of it where PLUMBLINE_CASES is `all`, else a part. */

/** True in `.ci/run`. A part is always the same part, so that a failure comes again. */
// biome-ignore lint/style/noProcessEnv: how much is run is chosen by the environment
export const THOROUGH = process.env['PLUMBLINE_CASES'] === 'all';
