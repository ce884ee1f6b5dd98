import "./without_code_from_text.ts";
import { consoleConfig } from "@mainstay/contracts/identity";
import { mount } from "svelte";
import App from "./app.svelte";
import "./app.css";
import Unavailable from "./parts/unavailable.svelte";
import { followHistory } from "./router.ts";
import { createRsClient } from "./rs_client.ts";
import { createSignIn } from "./sign_in.ts";

const target = document.getElementById("app")!;

try {
  const response = await fetch("/config.json", {
    signal: AbortSignal.timeout(10_000),
  });
  const config = consoleConfig.parse(await response.json());
  const signIn = createSignIn(config);
  followHistory();
  mount(App, {
    target,
    props: {
      config,
      signIn,
      rs: createRsClient(config.resourceServer, signIn),
    },
  });
} catch {
  mount(Unavailable, { target });
}
