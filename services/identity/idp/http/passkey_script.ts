import type { Route } from "@mainstay/kernel/lifecycle";

/** Where the one script of the pages is. */
export const PASSKEY_SCRIPT_PATH = "/assets/passkey.js";

/**
 * Lets a form ask the browser for a passkey: its options come from where
 * `data-options` says, and the answer goes into the field `response`. Browsers
 * that know no passkeys never see the form.
 */
const SCRIPT = String.raw`"use strict";
const bytes = (text) =>
  Uint8Array.from(
    atob(text.replaceAll("-", "+").replaceAll("_", "/")),
    (character) => character.charCodeAt(0),
  );
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const named = (list) =>
  (list ?? []).map((item) => ({ ...item, id: bytes(item.id) }));

async function create(options) {
  const credential = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: named(options.excludeCredentials),
    },
  });
  const { response } = credential;
  return {
    id: credential.id,
    rawId: credential.id,
    type: credential.type,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: {
      clientDataJSON: text(response.clientDataJSON),
      attestationObject: text(response.attestationObject),
      transports: response.getTransports ? response.getTransports() : [],
    },
  };
}

async function get(options) {
  const credential = await navigator.credentials.get({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      allowCredentials: named(options.allowCredentials),
    },
  });
  const { response } = credential;
  return {
    id: credential.id,
    rawId: credential.id,
    type: credential.type,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: {
      clientDataJSON: text(response.clientDataJSON),
      authenticatorData: text(response.authenticatorData),
      signature: text(response.signature),
      userHandle: response.userHandle ? text(response.userHandle) : undefined,
    },
  };
}

async function run(form) {
  const answer = await fetch(form.dataset.options, {
    method: "POST",
    body: new URLSearchParams(new FormData(form)),
    headers: { accept: "application/json" },
  });
  const options = await answer.json();
  if (!answer.ok) throw new Error(options.detail);
  const ask = form.dataset.passkey === "create" ? create : get;
  form.elements.response.value = JSON.stringify(await ask(options));
  form.submit();
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const message = form.querySelector("[data-message]");
    message.textContent = "";
    run(form).catch((error) => {
      message.textContent = error.name === "NotAllowedError"
        ? "No passkey was used: the browser has none for this site, or it was cancelled."
        : "The passkey could not be used: " + error.message;
    });
  });
}
`;

/** The script, as a file of the server's own: nothing inline runs. */
export const passkeyScriptRoute: Route = {
  method: "GET",
  path: PASSKEY_SCRIPT_PATH,
  handle: () =>
    new Response(SCRIPT, {
      headers: {
        "content-type": "text/javascript; charset=utf-8",
        "cache-control": "public, max-age=3600",
      },
    }),
};
