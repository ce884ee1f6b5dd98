/** The value of one series of an exposition, labels as written; NaN if it is not there. */
export function valueOf(exposition: string, series: string): number {
  const line = exposition.split("\n").find((line) =>
    line.startsWith(`${series} `)
  );
  return Number(line?.slice(series.length + 1) ?? NaN);
}
