/** What a person has typed and not sent yet: kept for the tab, over a sign-in too. */
const KEY = "mainstay.draft";

/** A resource that is being written. */
export interface Draft {
  readonly name: string;
  readonly content: string;
}

/** The draft of this tab; empty without one. */
export function readDraft(): Draft {
  try {
    const { name, content } = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
    return { name: String(name ?? ""), content: String(content ?? "") };
  } catch {
    return { name: "", content: "" };
  }
}

/** Keeps a draft, or forgets it once it is empty. */
export function keepDraft(draft: Draft): void {
  if (draft.name === "" && draft.content === "") sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, JSON.stringify(draft));
}
