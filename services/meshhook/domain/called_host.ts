/** Whom a call is for: hosts are judged by project, so that none closes one to another. */
export interface CalledHost {
  readonly projectId: string;
  /** With its port, where that is not the scheme's own. */
  readonly host: string;
}

/** The host that a URL is of; none for what is no URL. */
export function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}
