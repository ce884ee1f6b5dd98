/** The least and the greatest value that are accepted. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** Whether `value` is a whole number that is held exactly, between the bounds. */
export function within(
  value: number,
  { min = -Infinity, max = Infinity }: Bounds,
): boolean {
  return Number.isSafeInteger(value) && value >= min && value <= max;
}

/** ", 1–5", ", 1 or more", ", 5 or less", or nothing. */
export function rangeText(
  { min, max }: Bounds,
  show: (bound: number) => string = String,
): string {
  if (min !== undefined && max !== undefined) {
    return `, ${show(min)}–${show(max)}`;
  }
  if (min !== undefined) return `, ${show(min)} or more`;
  return max === undefined ? "" : `, ${show(max)} or less`;
}
