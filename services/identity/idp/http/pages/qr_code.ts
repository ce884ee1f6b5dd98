import { type Html, html } from "@mainstay/adapters/http";
import { encode } from "uqr";

/** A QR code as a drawing inside of the page: black on white also in the dark. */
export function qrCode(text: string, label: string): Html {
  const { data, size } = encode(text, { border: 4 });
  const path = data.flatMap((row, y) =>
    row.flatMap((dark, x) => dark ? [`M${x} ${y}h1v1h-1z`] : [])
  ).join("");
  return html`
    <svg class="qr" role="img" aria-label="${label}"
      viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges">
      <rect width="${size}" height="${size}" fill="#fff" />
      <path fill="#000" d="${path}" />
    </svg>
  `;
}
