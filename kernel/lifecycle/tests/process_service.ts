/**
 * A service in a process of its own, for tests that send it signals: what its
 * parts do is in its configuration.
 */
import { defineSettings, text } from "@mainstay/kernel/config";
import { createKernel, type Part, start } from "@mainstay/kernel/lifecycle";

const settings = defineSettings({
  scenario: {
    env: "SCENARIO",
    kind: text(),
    description: "Words that say what goes wrong",
    default: "",
  },
});
let words: readonly string[] = [];
const has = (word: string) => words.includes(word);
const say = (text: string) =>
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));

function part(name: string, extra: Partial<Part> = {}): Part {
  return {
    name,
    start: () => void say(`+${name}`),
    stop: () => void say(`-${name}`),
    ...extra,
  };
}

const never = new Promise<never>(() => {});

await start(settings, ({ scenario }) => {
  words = scenario.split(",");
  return [{
    kernel: createKernel({
      identity: { name: "toy", version: "1.0.0", environment: "test" },
      logging: { level: "INFO", format: "json" },
    }),
    modules: [{
      name: "toy",
      setup: () => ({
        parts: [
          part("db", has("hang-stop") ? { stop: () => never } : {}),
          ...(has("fail-start")
            ? [part("broken", {
              start() {
                throw new Error("Cannot connect: password=hunter2 refused");
              },
            })]
            : []),
          ...(has("slow-start")
            ? [part("slow", {
              start(signal) {
                say("+slow");
                return new Promise((_, reject) =>
                  signal.addEventListener("abort", () => reject(signal.reason))
                );
              },
            })]
            : []),
        ],
        background: [part("work", {
          start() {
            say("+work");
            if (has("reject")) {
              void Promise.reject(new Error("Nobody caught me"));
            }
            if (has("throw")) {
              setTimeout(() => {
                throw new Error("Nobody caught me");
              }, 0);
            }
          },
          drain(signal) {
            say("~work");
            if (has("patient")) setTimeout(() => say("still here"), 250);
            if (has("hang-drain")) return never;
            if (has("in-flight")) {
              return new Promise((resolve) => {
                setTimeout(() => {
                  say("work done");
                  resolve();
                }, 300);
                signal.addEventListener("abort", () => say("cut"));
              });
            }
          },
        })],
      }),
    }],
    listeners: {
      admin: () => part("admin"),
      public: ({ shutdown }) =>
        part("http", {
          start() {
            say("+http");
            if (has("post-shutdown")) shutdown("POST /shutdown");
          },
        }),
    },
    shutdown: {
      drainDelayMs: has("delay") ? 200 : 0,
      shutdownTimeoutMs: has("patient") ? 10_000 : 400,
    },
  }];
}, { version: "2.3.4", about: "A toy." });
