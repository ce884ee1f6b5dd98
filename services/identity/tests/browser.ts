import { ok } from "node:assert/strict";

/** What a browser shows after it has followed where it was sent. */
export interface ShownPage {
  /** Where it ended; a place outside of the servers is not visited. */
  readonly url: URL;
  /** 0 outside of the servers. */
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** How a request is made, where it is not as a browser makes it. */
export interface AskOptions {
  readonly method?: "GET" | "POST";
  readonly fields?: Readonly<Record<string, string>> | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default true. */
  readonly follow?: boolean;
}

/** Which form, and what is put into it. */
export interface SubmitOptions extends AskOptions {
  /** The path of the form's action; the page's first form without it. */
  readonly action?: string;
}

/**
 * A browser as far as these servers notice: cookies by host whatever the port,
 * redirects, forms with their hidden fields, and the headers by which a server
 * knows its own pages.
 */
export class Browser {
  readonly cookies = new Map<string, string>();
  readonly userAgent: string;

  constructor(userAgent = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0") {
    this.userAgent = userAgent;
  }

  /** Opens an address, as from a link of elsewhere. */
  open(url: string | URL, options: AskOptions = {}): Promise<ShownPage> {
    return this.#ask(new URL(url), options);
  }

  /** Fills in a form of a page and sends it. */
  submit(
    page: ShownPage,
    fields: Readonly<Record<string, string>> = {},
    { action, ...options }: SubmitOptions = {},
  ): Promise<ShownPage> {
    const form = formOf(page, action);
    return this.#ask(new URL(form.action, page.url), {
      method: "POST",
      ...options,
      fields: { ...form.fields, ...fields },
      headers: {
        origin: page.url.origin,
        "sec-fetch-site": "same-origin",
        ...options.headers,
      },
    });
  }

  async #ask(
    url: URL,
    options: AskOptions,
    hops = 0,
  ): Promise<ShownPage> {
    ok(hops < 20, `Sent around in circles: ${url}`);
    const { method = "GET", fields, headers = {}, follow = true } = options;
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`)
      .join("; ");
    const response = await fetch(url, {
      method,
      redirect: "manual",
      headers: {
        accept: "text/html,application/xhtml+xml,*/*;q=0.8",
        "user-agent": this.userAgent,
        ...(cookie === "" ? {} : { cookie }),
        ...headers,
      },
      ...(fields === undefined ? {} : { body: new URLSearchParams(fields) }),
    });
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    const text = await response.text();
    const location = response.headers.get("location");
    const page = { url, status: response.status, headers: response.headers };
    if (!follow || location === null) return { ...page, text };
    const next = new URL(location, url);
    if (next.hostname !== "localhost") {
      return { url: next, status: 0, headers: new Headers(), text: "" };
    }
    return await this.#ask(next, {}, hops + 1);
  }

  #keep(line: string): void {
    const [pair = "", ...attributes] = line.split("; ");
    const at = pair.indexOf("=");
    const name = pair.slice(0, at);
    if (attributes.includes("Max-Age=0")) this.cookies.delete(name);
    else this.cookies.set(name, pair.slice(at + 1));
  }
}

/** A form's address and the values that it begins with. */
export function formOf(
  { text, url }: ShownPage,
  action?: string,
): { readonly action: string; readonly fields: Record<string, string> } {
  const forms = [
    ...text.matchAll(/<form [^>]*action="([^"]*)"[^>]*>([^]*?)<\/form>/g),
  ];
  const form = action === undefined
    ? forms[0]
    : forms.find((each) => each[1] === action);
  ok(form, `No form ${action ?? ""} on ${url}: ${text.slice(0, 2_000)}`);
  const fields: Record<string, string> = {};
  for (const [input] of form[2]!.matchAll(/<input [^>]*>/g)) {
    const name = attribute(input, "name");
    const value = attribute(input, "value");
    if (name !== undefined && value !== undefined) fields[name] = value;
  }
  return { action: form[1]!, fields };
}

/** What a person reads on a page. */
export function readable({ text }: Pick<ShownPage, "text">): string {
  return text.replaceAll(/<head>[^]*?<\/head>|<[^>]+>/g, " ")
    .replaceAll("&#39;", "'").replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&")
    .replaceAll(/\s+/g, " ").trim();
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
  return value?.replaceAll("&#39;", "'").replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
