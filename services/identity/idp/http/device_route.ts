import { parseForm } from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";
import { addressKey, takeAttempt } from "../../domain/attempt_guard.ts";
import type { DeviceAuthorization } from "../../domain/device_authorization.ts";
import { hashUserCode, tryParseUserCode } from "../../domain/user_code.ts";
import type { Idp } from "./idp.ts";
import { deviceApprovalPage, deviceCodePage } from "./pages/device_pages.ts";
import { messagePage } from "./pages/message_page.ts";
import { PATHS } from "./paths.ts";
import type { Visit } from "./visit.ts";
import type { SignedIn } from "../../domain/session.ts";

const UNKNOWN = "There is no device with this code, or it has waited too long.";

/**
 * Where a user connects a device (RFC 8628, 3.3). Codes are short, so guesses
 * are counted per user, who has to be signed in before a code is looked up, and
 * per address, which may have many users.
 */
export function deviceRoutes(idp: Idp): readonly Route[] {
  return [
    {
      method: "GET",
      path: PATHS.device,
      async handle(request, context) {
        const visit = await idp.openVisit(request, context);
        const given = parseForm(context.url.search).get("user_code");
        const code = given === undefined ? undefined : tryParseUserCode(given);
        const { signedIn } = visit;
        if (signedIn === undefined) {
          return visit.signInFirst(
            code === undefined
              ? PATHS.device
              : `${PATHS.device}?user_code=${code}`,
          );
        }
        return code === undefined
          ? visit.page(deviceCodePage({ csrf: visit.csrf }))
          : await showApproval(idp, visit, signedIn, code);
      },
    },
    {
      method: "POST",
      path: PATHS.device,
      async handle(request, context) {
        const visit = await idp.openVisit(request, context);
        const form = await visit.form();
        const { signedIn } = visit;
        if (signedIn === undefined) return visit.signInFirst(PATHS.device);
        const code = tryParseUserCode(form.get("user_code") ?? "");
        const decision = form.get("decision");
        if (code === undefined) return showUnknown(visit);
        return decision === undefined
          ? await showApproval(idp, visit, signedIn, code)
          : await decide(idp, visit, signedIn, code, decision === "allow");
      },
    },
  ];
}

function showUnknown(visit: Visit): Response {
  const page = deviceCodePage({ csrf: visit.csrf, problem: UNKNOWN });
  return visit.page(page, { status: 404 });
}

async function find(
  { storage }: Idp,
  { context }: Visit,
  userId: string,
  code: string,
): Promise<DeviceAuthorization | undefined> {
  const attempt = await takeAttempt(storage.attempts, [
    { kind: "address", of: addressKey(context.clientAddress) },
    { kind: "userCode", of: userId },
  ]);
  const device = await storage.devices.findByUserCode(hashUserCode(code));
  if (device !== undefined) await attempt.succeeded();
  return device;
}

async function showApproval(
  idp: Idp,
  visit: Visit,
  { user }: SignedIn,
  code: string,
): Promise<Response> {
  const device = await find(idp, visit, user.id, code);
  const client = device && await idp.storage.clients.find(device.clientId);
  if (device === undefined || client === undefined) return showUnknown(visit);
  return visit.page(
    deviceApprovalPage({
      csrf: visit.csrf,
      userCode: code,
      clientName: client.name,
      username: user.username,
      scopes: device.scopes,
    }),
  );
}

async function decide(
  idp: Idp,
  visit: Visit,
  { user, session }: SignedIn,
  code: string,
  allowed: boolean,
): Promise<Response> {
  const device = await find(idp, visit, user.id, code);
  if (device === undefined) return showUnknown(visit);
  const decided = await idp.storage.devices.decide(
    hashUserCode(code),
    allowed
      ? {
        approved: {
          userId: user.id,
          sessionId: session.id,
          authTime: session.authTime,
          acr: session.acr,
          amr: session.amr,
          scopes: device.scopes,
        },
      }
      : { refused: "access_denied" },
    new Date(idp.now() + idp.config.grantLifetimeMs),
  );
  if (!decided) return showUnknown(visit);
  await idp.events.changed(visit, {
    action: allowed ? "device.approved" : "device.denied",
    userId: user.id,
    details: { client: device.clientId, scopes: device.scopes },
  });
  return visit.page(
    messagePage(
      allowed
        ? {
          title: "The device is connected",
          text: "You can go on there, and close this page.",
        }
        : {
          title: "The device was denied",
          text: "It was given nothing. You can close this page.",
        },
    ),
  );
}
