/** Mean and deviation of a column of scores, for comparators that believe in them. */

/** Mean and population standard deviation; deviation 0 for a constant or empty column. */
export function momentsOf(column: Float64Array): { readonly mean: number; readonly sd: number } {
  let sum = 0;
  for (const value of column) sum += value;
  const mean = column.length === 0 ? 0 : sum / column.length;
  let squares = 0;
  for (const value of column) squares += (value - mean) ** 2;
  return { mean, sd: column.length === 0 ? 0 : Math.sqrt(squares / column.length) };
}
