import type { Route } from "@mainstay/kernel/lifecycle";
import {
  type AdministrationOptions,
  createClientAdministration,
} from "../../../domain/client_administration.ts";
import { createKeyAdministration } from "../../../domain/key_administration.ts";
import { createUserAdministration } from "../../../domain/user_administration.ts";
import type { AuthorizeAdmin } from "../admin_access.ts";
import { adminRoutesOf } from "./admin_route.ts";
import { adminClientRoutes } from "./client_routes.ts";
import { adminRecordRoutes } from "./record_routes.ts";
import { adminUserRoutes } from "./user_routes.ts";

/** What the routes work with. */
export interface AdminRoutesOptions extends AdministrationOptions {
  readonly authorizeAdmin: AuthorizeAdmin;
  readonly hashPassword: (password: string) => Promise<string>;
}

/** The interface of operators, `/admin/v1/…`: for tokens with the scope `admin`. */
export function adminRoutes(options: AdminRoutesOptions): readonly Route[] {
  const { storage } = options;
  const route = adminRoutesOf(options);
  return [
    ...adminClientRoutes(route, {
      ...storage,
      administration: createClientAdministration(options),
    }),
    ...adminUserRoutes(route, {
      ...storage,
      administration: createUserAdministration(options),
    }),
    ...adminRecordRoutes(route, {
      ...storage,
      administration: createKeyAdministration(options),
    }),
  ];
}
