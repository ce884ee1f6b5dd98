import { deepStrictEqual as assertEquals, throws } from "node:assert/strict";
import { UsageError } from "../usage_error.ts";
import { serviceEnvironment } from "./service_environment.ts";

const authz = { name: "authz", defaults: { ADMIN_PORT: "9090", A: "default" } };
const idp = { name: "idp", defaults: { ADMIN_PORT: "9091" } };

Deno.test("a service's own variable wins over the shared one and over its default", () => {
  const env = { LOG_LEVEL: "INFO", IDP_LOG_LEVEL: "DEBUG", A: "given" };
  const own = (service: typeof authz | typeof idp) => {
    const { LOG_LEVEL, ADMIN_PORT, A } = serviceEnvironment(service, env, [
      authz,
      idp,
    ]);
    return { LOG_LEVEL, ADMIN_PORT, A };
  };
  assertEquals(own(authz), {
    LOG_LEVEL: "INFO",
    ADMIN_PORT: "9090",
    A: "given",
  });
  assertEquals(own(idp), {
    LOG_LEVEL: "DEBUG",
    ADMIN_PORT: "9091",
    A: "given",
  });
});

Deno.test("one port for several services is refused, with the names to use", () => {
  const env = { SERVICE_PORT: "8100" };
  throws(
    () => serviceEnvironment(authz, env, [authz, idp]),
    (error) =>
      error instanceof UsageError &&
      /AUTHZ_SERVICE_PORT, IDP_SERVICE_PORT/.test(error.message),
  );
  assertEquals(serviceEnvironment(authz, env, [authz]).SERVICE_PORT, "8100");
});
