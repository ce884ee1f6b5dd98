import { strictEqual } from "node:assert/strict";
import {
  createTestCertificate,
  type TestCertificate,
} from "@mainstay/adapters/testing";
import { addClient } from "./arrange.ts";
import { postForm } from "./browser_trip.ts";
import { startIdentity } from "./start_identity.ts";

const subject = [["CN", "worker"]] as const;

function header({ cert }: TestCertificate): Record<string, string> {
  const base64 = cert.replaceAll(/-----[^-]+-----|\s/g, "");
  return { "client-cert": `:${base64}:` };
}

Deno.test("a token that is bound to a certificate is used with it alone, as both servers see it", async () => {
  await using identity = await startIdentity({
    servers: ["authz", "rs"],
    env: { TRUSTED_PROXIES: "127.0.0.0/8,::1", MTLS_PROXY_HEADER: "true" },
  });
  const certificate = createTestCertificate({ subject });
  const other = createTestCertificate({ subject });
  await addClient(identity, {
    id: "worker",
    authMethod: "tls_client_auth",
    tlsSubjectDn: "CN=worker",
  });
  const { body } = await postForm(identity, "token", {
    grant_type: "client_credentials",
    scope: "read:resource",
    client_id: "worker",
  }, header(certificate));
  const use = async (headers: Record<string, string>) => {
    const url = `${identity.urls.rs}/api/v1/protected/resource`;
    const authorization = `Bearer ${body.access_token}`;
    const response = await fetch(url, {
      headers: { authorization, ...headers },
    });
    await response.body?.cancel();
    return response.status;
  };

  strictEqual(await use(header(certificate)), 200);
  strictEqual(await use(header(other)), 401);
  strictEqual(await use({}), 401);
});
