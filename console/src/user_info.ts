import { z } from "zod";
import { Failure, failureOf } from "./failure.ts";
import type { SignIn } from "./sign_in.ts";

/** Who the user is, as the identity provider says (OpenID Connect Core, 5.3). */
export interface UserInfo {
  readonly name: string;
  /** Label and value, to be shown in this order. */
  readonly facts: ReadonlyArray<readonly [label: string, value: string]>;
}

const claims = z.object({
  sub: z.string(),
  name: z.string().optional(),
  preferred_username: z.string().optional(),
  email: z.string().optional(),
  email_verified: z.boolean().optional(),
});

/**
 * Asks the identity provider who the user is.
 *
 * @throws {Failure} If it cannot be said.
 */
export async function readUserInfo(
  signIn: Pick<SignIn, "token" | "userInfoUrl">,
): Promise<UserInfo> {
  const token = await signIn.token();
  const first = await ask(signIn, token);
  const response = first.status === 401
    ? await ask(signIn, await signIn.token(token))
    : first;
  const body = await response.json().catch(() => null);
  if (!response.ok) throw failureOf("say who you are", response, body ?? {});
  const parsed = claims.safeParse(body);
  if (parsed.success) return userInfoOf(parsed.data);
  throw new Failure(
    "refused",
    "Cannot say who you are: the identity provider's answer is not what this console expects.",
  );
}

function userInfoOf(of: z.infer<typeof claims>): UserInfo {
  const { name, preferred_username: username, email, sub } = of;
  const facts: Array<readonly [string, string]> = [];
  if (username !== undefined) facts.push(["Username", username]);
  if (email !== undefined) {
    facts.push(["E-mail", of.email_verified ? email : `${email} (unverified)`]);
  }
  facts.push(["Subject", sub]);
  return { name: name ?? username ?? "Signed in", facts };
}

async function ask(
  signIn: Pick<SignIn, "userInfoUrl">,
  token: string,
): Promise<Response> {
  try {
    return await fetch(await signIn.userInfoUrl(), {
      headers: { authorization: `Bearer ${token}` },
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout(15_000),
    });
  } catch (cause) {
    throw new Failure(
      "unreachable",
      "Cannot say who you are: the identity provider cannot be reached. You stay signed in; try again.",
      { cause },
    );
  }
}
