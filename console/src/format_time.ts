/** Times as this browser's user writes them. */

const full = new Intl.DateTimeFormat(undefined, {
  dateStyle: "medium",
  timeStyle: "short",
});
const short = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

const STEPS = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 30],
] as const;

/** Date and time, to the minute; of today, the time alone. */
export function formatInstant(iso: string, nowMs: number = Date.now()): string {
  const at = new Date(iso);
  const isToday = at.toDateString() === new Date(nowMs).toDateString();
  return (isToday ? short : full).format(at);
}

/** The time of day, to the second. */
export function formatClock(iso: string | number): string {
  return clock.format(new Date(iso));
}

/** `5 minutes ago`; past a month, the date. */
export function formatAgo(iso: string, nowMs: number): string {
  let amount = Math.round((Date.parse(iso) - nowMs) / 1_000);
  for (const [unit, length] of STEPS) {
    if (Math.abs(amount) < length) return relative.format(amount, unit);
    amount = Math.round(amount / length);
  }
  return formatInstant(iso, nowMs);
}
