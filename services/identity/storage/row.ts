type Present<Row> = { [Key in keyof Row]?: NonNullable<Row[Key]> };

/** The members of a row that are not null. */
export function present<Row extends Record<string, unknown>>(
  row: Row,
): Present<Row> {
  return Object.fromEntries(
    Object.entries(row).filter(([, value]) => value !== null),
  ) as Present<Row>;
}
