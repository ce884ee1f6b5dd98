import { svelte } from "@sveltejs/vite-plugin-svelte";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

/** Nothing inline: the page's content security policy allows no script or style in it. */
export default defineConfig({
  plugins: [svelte({ configFile: false })],
  resolve: {
    alias: {
      "@mainstay/contracts/identity": fileURLToPath(
        new URL("../contracts/identity_contract.ts", import.meta.url),
      ),
    },
  },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
