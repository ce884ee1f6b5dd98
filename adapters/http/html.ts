/**
 * HTML that is safe by the way it is written: whatever is filled into a
 * template is escaped.
 *
 * @module
 */

/** Text that is HTML already. Only {@link html} makes it. */
export class Html {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** The one way in: see {@link html}. */
  static fill(
    parts: TemplateStringsArray,
    values: readonly HtmlValue[],
  ): Html {
    const places = placesOf(parts);
    let text = parts[0]!;
    for (const [at, value] of values.entries()) {
      text += valueText(value, places[at]!) + parts[at + 1]!;
    }
    return new Html(text);
  }

  toString(): string {
    return this.#text;
  }
}

/** What a template may be filled with. `undefined` and `false` stand for nothing. */
export type HtmlValue =
  | string
  | number
  | Html
  | undefined
  | false
  | readonly HtmlValue[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
/** Everything that leads to a place; `javascript:` and `data:` run something. */
const SAFE_URL = /^(?:https?:|otpauth:|\/(?!\/)|#|\?)/i;

/**
 * Escapes every value: text stays text, in elements and in attributes between
 * double quotes. Lists are joined, and what is {@link Html} stays as it is,
 * also between attributes. An attribute that is a URL takes only what leads to
 * a place (`https:`, `http:`, `otpauth:`, a path), so that no value becomes a
 * script.
 *
 * @throws {TypeError} If a value stands where escaping does not make it safe:
 *   in an attribute without double quotes, in one that holds code, in a script
 *   or a style.
 *
 * @example
 * ```ts
 * import { strictEqual as assertEquals } from "node:assert/strict";
 * import { html } from "@mainstay/adapters/http";
 *
 * const name = "<b>Ann</b>";
 * const greeting = html`<p title="${name}">Hello ${name}</p>`;
 * assertEquals(
 *   `${greeting}`,
 *   '<p title="&lt;b&gt;Ann&lt;/b&gt;">Hello &lt;b&gt;Ann&lt;/b&gt;</p>',
 * );
 * ```
 */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly HtmlValue[]
): Html {
  return Html.fill(parts, values);
}

/** Where a value stands. */
type Place = "text" | "attribute" | "url" | "between attributes";

/** Templates are few and never change: each is looked through once. */
const known = new WeakMap<TemplateStringsArray, readonly Place[]>();

function placesOf(parts: TemplateStringsArray): readonly Place[] {
  let places = known.get(parts);
  if (places === undefined) known.set(parts, places = findPlaces(parts));
  return places;
}

function findPlaces(parts: readonly string[]): Place[] {
  let state: "text" | "tag" | "quoted" | "raw" = "text";
  let tag = "";
  return parts.slice(0, -1).map((part) => {
    for (let at = 0; at < part.length; at++) {
      const character = part[at]!;
      if (state === "text" || state === "raw") {
        const begins = state === "raw"
          ? /^<\/(?:script|style)/i
          : /^<(?:[a-z/!]|$)/i;
        if (!begins.test(part.slice(at, at + 9))) continue;
        [state, tag] = ["tag", ""];
      } else if (character === '"') {
        state = state === "tag" ? "quoted" : "tag";
      } else if (state === "tag" && character === ">") {
        state = /^<(?:script|style)\b/i.test(tag) ? "raw" : "text";
      }
      if (state !== "text") tag += character;
    }
    const place = placeAt(state, tag);
    if (place !== undefined) return place;
    throw new TypeError(
      `Cannot fill the template after "${
        part.slice(-30)
      }": no value would be safe there`,
    );
  });
}

function placeAt(state: string, tag: string): Place | undefined {
  if (state === "text") return "text";
  if (state === "tag") {
    return /^<[a-z].*\s$/is.test(tag) ? "between attributes" : undefined;
  }
  if (state === "raw") return undefined;
  const [, name = "", start = ""] = /([^\s"=]+)="([^"]*)$/.exec(tag) ?? [];
  if (/^(?:on.*|style|srcdoc|)$/i.test(name)) return undefined;
  const url = /^(?:href|src|action|formaction)$/i.test(name) && start === "";
  return url ? "url" : "attribute";
}

function valueText(value: HtmlValue, place: Place): string {
  if (value === undefined || value === false) return "";
  if (value instanceof Html) return value.toString();
  if (Array.isArray(value)) {
    return value.map((item) => valueText(item, place)).join("");
  }
  if (place === "between attributes") {
    throw new TypeError(
      "Cannot fill the template: an attribute must be html``",
    );
  }
  const text = String(value);
  if (place === "url" && !SAFE_URL.test(text)) return "about:blank";
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}
