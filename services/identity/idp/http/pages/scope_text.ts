const TEXTS: Readonly<Record<string, string>> = {
  openid: "Know who you are: the number of your account",
  profile: "See your name and username",
  email: "See your e-mail address",
  offline_access: "Stay connected while you are away",
  account: "See where you are signed in, and sign you out there",
  admin: "Administer this installation: users, clients, keys",
  "read:resource": "See your resources",
  "write:resource": "Create and change resources of yours",
  "delete:resource": "Delete resources of yours",
};

/** What a scope lets a client do, in words; one that nobody has described, by name. */
export function describeScope(scope: string): string {
  return TEXTS[scope] ?? `Use “${scope}”`;
}
