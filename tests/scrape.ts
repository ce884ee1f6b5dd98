/** The value of one series of an exposition, labels as written; NaN if it is not there. */
export function valueOf(exposition: string, series: string): number {
  const line = exposition.split("\n").find((line) =>
    line.startsWith(`${series} `)
  );
  return Number(line?.slice(series.length + 1) ?? NaN);
}

/** The series of one metric: labels as written, and value. */
export function seriesOf(
  exposition: string,
  name: string,
): ReadonlyArray<readonly [labels: string, value: number]> {
  return exposition.split("\n")
    .filter((line) => line.startsWith(`${name}{`))
    .map((line) => {
      const end = line.lastIndexOf("} ");
      return [line.slice(name.length + 1, end), Number(line.slice(end + 2))];
    });
}
