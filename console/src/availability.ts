/** What a day of a service's answers comes to, in words. */
import type { ServiceStatusBody } from "@mainstay/contracts/identity";

/** How a slot of a day is drawn. */
export type SlotKind = "up" | "partly" | "down" | "none";

/** How a share of good answers is drawn; null is none asked for. */
export function slotKind(share: number | null): SlotKind {
  if (share === null) return "none";
  if (share >= 1) return "up";
  return share > 0 ? "partly" : "down";
}

/** The share over all slots; undefined if nothing is known. */
export function availabilityOf(
  slots: ServiceStatusBody["availability"],
): number | undefined {
  const known = slots.filter((share) => share !== null);
  if (known.length === 0) return undefined;
  return known.reduce((sum, share) => sum + share, 0) / known.length;
}

/** `99.98 %`: never rounded up to 100, nor down to 0. */
export function formatShare(share: number): string {
  if (share >= 1) return "100 %";
  if (share <= 0) return "0 %";
  const percent = Math.min(99.99, Math.max(0.01, share * 100));
  return `${(Math.floor(percent * 100 + 1e-9) / 100).toFixed(2)} %`;
}

/** What the picture of a day says to those who do not see it. */
export function describeDay(
  slots: ServiceStatusBody["availability"],
  slotSeconds: number,
): string {
  const share = availabilityOf(slots);
  if (share === undefined) return "Nothing is known of the last day";
  const kinds = slots.map(slotKind);
  const minutes = (kind: SlotKind) =>
    kinds.filter((it) => it === kind).length * slotSeconds / 60;
  const parts = [`Well in ${formatShare(share)} of the last day's checks`];
  const down = minutes("down");
  const partly = minutes("partly");
  const none = minutes("none");
  if (down > 0) parts.push(`down for ${formatMinutes(down)}`);
  if (partly > 0) parts.push(`troubled for ${formatMinutes(partly)}`);
  if (none > 0) parts.push(`unknown for ${formatMinutes(none)}`);
  return parts.join(", ");
}

/** `1 h 15 min`. */
export function formatMinutes(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  const rest = Math.round(minutes % 60);
  if (hours === 0) return `${rest} min`;
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
}
