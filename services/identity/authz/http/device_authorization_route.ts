import { jsonResponse, readForm } from "@mainstay/adapters/http";
import type { Route } from "@mainstay/kernel/lifecycle";
import { audiencesAmong, audiencesOf } from "../../domain/audience.ts";
import { hashSecret, newSecret } from "../../domain/bearer_secret.ts";
import type {
  NewDeviceAuthorization,
} from "../../domain/device_authorization.ts";
import type { DeviceStore } from "../../domain/device_store.ts";
import type { IdentityAddresses } from "../../domain/identity_settings.ts";
import { OAuthError } from "../../domain/oauth_error.ts";
import { refuseRepeated } from "../../domain/request_fields.ts";
import { scopesAmong } from "../../domain/scope.ts";
import { hashUserCode, newUserCode } from "../../domain/user_code.ts";
import { oauthEndpoint } from "../../http/oauth_endpoint.ts";
import type { AuthenticateClient } from "./client_authentication.ts";

/** What the endpoint works with. */
export interface DeviceAuthorizationRouteOptions {
  readonly config: Pick<IdentityAddresses, "idpUrl" | "rsUrl">;
  readonly devices: Pick<DeviceStore, "create">;
  readonly authenticate: AuthenticateClient;
  readonly now: () => number;
}

const GRANT = "urn:ietf:params:oauth:grant-type:device_code";
const LIFETIME_S = 600;
const INTERVAL_S = 5;
/** Of 2^34 codes a few thousand are in use: two in a row are never taken. */
const ATTEMPTS = 3;

/**
 * Begins the approval of a device that has no browser (RFC 8628, 3.1): it shows
 * a short code, which its user types at the identity provider.
 */
export function deviceAuthorizationRoute(
  options: DeviceAuthorizationRouteOptions,
): Route {
  const { config, devices, authenticate, now } = options;
  return {
    method: "POST",
    path: "/oauth2/v1/device_authorization",
    crossOrigin: false,
    handle: oauthEndpoint(async (request, context) => {
      const form = await readForm(request, context);
      refuseRepeated(form);
      const client = await authenticate(request, form, context);
      if (!client.grantTypes.includes(GRANT)) {
        throw new OAuthError(
          "unauthorized_client",
          "Cannot begin: the client may not use device codes",
        );
      }
      const resources = form.all("resource");
      audiencesAmong(resources, audiencesOf(client, config.rsUrl));
      const codes = await create(devices, {
        clientId: client.id,
        // Without any, all that it may have: the user sees them and decides.
        scopes: scopesAmong(
          form.get("scope") ?? client.scopes.join(" "),
          client.scopes,
        ),
        resources,
        intervalS: INTERVAL_S,
        expiresAt: new Date(now() + LIFETIME_S * 1_000),
      });
      const verificationUri = `${config.idpUrl}/oidc/v1/device`;
      return jsonResponse({
        device_code: codes.deviceCode,
        user_code: codes.userCode,
        verification_uri: verificationUri,
        verification_uri_complete:
          `${verificationUri}?user_code=${codes.userCode}`,
        expires_in: LIFETIME_S,
        interval: INTERVAL_S,
      });
    }),
    doc: {
      summary: "Begins the approval of a device (RFC 8628)",
      tags: ["oauth"],
      responses: { 200: { description: "Codes for the device and its user" } },
    },
  };
}

async function create(
  devices: Pick<DeviceStore, "create">,
  device: NewDeviceAuthorization,
) {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const deviceCode = newSecret();
    const userCode = newUserCode();
    const created = await devices.create(device, {
      deviceHash: hashSecret(deviceCode),
      userCodeHash: hashUserCode(userCode),
    });
    if (created) return { deviceCode, userCode };
  }
  throw new Error("Cannot begin: every user code that was made is taken");
}
