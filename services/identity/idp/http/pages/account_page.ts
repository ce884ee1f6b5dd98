import { type Html, html } from "@mainstay/adapters/http";
import { pageLayout } from "../../../http/page_layout.ts";
import type { Consent } from "../../../domain/consent_store.ts";
import type { Session } from "../../../domain/session.ts";
import type { User } from "../../../domain/user.ts";
import { PATHS } from "../paths.ts";
import {
  badNotice,
  csrfField,
  type FormBasis,
  goodNotice,
  hiddenField,
  textField,
} from "./fields.ts";
import { describeScope } from "./scope_text.ts";
import { describeUserAgent } from "./user_agent_text.ts";

/** What the page shows. */
export interface AccountView extends FormBasis {
  readonly user: User;
  readonly session: Session;
  readonly sessions: readonly Session[];
  readonly apps: readonly Consent[];
  readonly totp: boolean;
  readonly recoveryCodesLeft: number;
  readonly passkeys: number;
  readonly done?: string | undefined;
  readonly problem?: string | undefined;
}

/** The header's menu of those who are signed in. */
export function accountMenu(): Html {
  return html`
    <nav
      class="small"><a href="${PATHS.account}">Account</a> · <a href="${PATHS
        .logout}">Sign out</a></nav>
  `;
}

/** One's own account: what guards it, and who may use it. */
export function accountPage(view: AccountView): Html {
  return pageLayout({
    title: "Your account",
    wide: true,
    menu: accountMenu(),
    body: [
      html`<h1>${view.user.name ?? view.user.username}</h1>
${goodNotice(view.done)}${badNotice(view.problem)}`,
      profileCard(view),
      securityCard(view),
      sessionsCard(view),
      appsCard(view),
    ],
  });
}

function profileCard({ user, csrf }: AccountView): Html {
  return html`
    <section class="card" aria-labelledby="profile">
      <h2 id="profile">Profile</h2>
      <form method="post" action="${PATHS.profile}">
    ${csrfField(csrf)}
    ${textField({
      name: "name",
      label: "Name",
      autocomplete: "name",
      value: user.name,
      required: false,
    })}
    ${textField({
      name: "email",
      label: "E-mail",
      type: "email",
      autocomplete: "email",
      value: user.email,
      required: false,
      hint: user.email !== undefined && user.emailVerifiedAt !== undefined
        ? "Confirmed. A new address counts once you have opened the link that we send to it."
        : "Counts once you have opened the link that we send to it.",
    })}
    <p class="quiet small">Username: <strong>${user.username}</strong></p>
    <button class="second">Save</button>
      </form>
    </section>
  `;
}

function securityCard(view: AccountView): Html {
  const { user, totp, recoveryCodesLeft, passkeys } = view;
  return html`
    <section class="card" aria-labelledby="security">
      <h2 id="security">Security</h2>
      <ul class="plain">
    <li class="row"><span><strong>Password</strong><br><span class="quiet small">${user
        .passwordChangedAt === undefined
      ? "None is set"
      : `Set on ${
        dateText(user.passwordChangedAt)
      }`}</span></span><a class="button second" href="${PATHS
      .password}">Change</a></li>
    <li class="row"><span><strong>Authenticator app</strong> ${totp &&
      html`<span class="tag">On</span>`}<br><span class="quiet small">${totp
      ? "A code of your app is asked for after your password"
      : "A second step after your password: a code of an app on your phone"}</span></span><a class="button second" href="${PATHS
      .totp}">${totp ? "Manage" : "Set up"}</a></li>
    ${totp && html`
      <li
        class="row"><span><strong>Recovery codes</strong><br><span class="quiet small">${recoveryCodesLeft} left, for when you have lost your app</span></span><a class="button second" href="${PATHS
          .recoveryCodes}">Renew</a></li>
    `}
    <li class="row"><span><strong>Passkeys</strong> ${passkeys > 0 &&
      html`<span class="tag">${passkeys}</span>`}<br><span class="quiet small">Sign in with your device’s fingerprint, face or PIN</span></span><a class="button second" href="${PATHS
      .passkeys}">Manage</a></li>
      </ul>
    </section>
  `;
}

function sessionsCard({ sessions, session, csrf }: AccountView): Html {
  return html`<section class="card" aria-labelledby="sessions">
<h2 id="sessions">Your sessions</h2>
<p class="quiet small">Browsers in which you are signed in. Signing one out also ends what applications were given there.</p>
<ul class="plain">${
    sessions.map((each) =>
      html`
        <li
          class="row"><span><strong>${describeUserAgent(
            each.userAgent,
          )}</strong> ${each.id === session.id &&
            html`<span class="tag">This one</span>`}<br><span class="quiet small">${each
            .address ?? "Unknown address"}, last seen ${dateText(
              each.lastSeenAt,
            )}</span></span>${each.id !== session.id &&
            html`
              <form method="post"
                action="${PATHS.endOne}">${csrfField(csrf)}${hiddenField(
                  "session",
                  each.id,
                )}<button class="danger">Sign out</button></form>
            `}</li>
      `
    )
  }</ul>
${
    sessions.length > 1 &&
    html`
      <form method="post"
        action="${PATHS.endOthers}">${csrfField(
          csrf,
        )}<button class="danger">Sign out everywhere else</button></form>
    `
  }
</section>`;
}

function appsCard({ apps, csrf }: AccountView): Html {
  return html`<section class="card" aria-labelledby="apps">
<h2 id="apps">Your apps</h2>
${
    apps.length === 0
      ? html`<p class="quiet small">You have not allowed any application anything.</p>`
      : html`<ul class="plain">${
        apps.map((app) =>
          html`
            <li
              class="row"><span><strong>${app
                .clientName}</strong><br><span class="quiet small">${app.scopes
                .map(describeScope).join(" · ")}. Allowed on ${dateText(
                  app.grantedAt,
                )}</span></span><form method="post" action="${PATHS
                .revokeApp}">${csrfField(csrf)}${hiddenField(
                  "client",
                  app.clientId,
                )}<button class="danger">Remove</button></form></li>
          `
        )
      }</ul>`
  }
</section>`;
}

/** `2026-01-31 09:05 UTC`: the same for everyone, whatever the server's zone. */
export function dateText(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
