/**
 * A service with a check, a metric and a route of its own. Run it with
 * `deno run -A docs/examples/greetings_module.ts --service-name=greetings`.
 *
 * @module
 */
import {
  httpListeners,
  httpSettings,
  jsonResponse,
} from "@mainstay/adapters/http";
import { type Config, serviceSettings } from "@mainstay/kernel/config";
import { OperationalError } from "@mainstay/kernel/errors";
import {
  createServiceKernel,
  type Module,
  type Service,
  start,
} from "@mainstay/kernel/lifecycle";

/** Nobody is greeted in a language that is not in the phrasebook. */
class UnknownLanguage extends OperationalError<"unknown-language"> {
  constructor() {
    super("unknown-language", "Cannot greet: the language is unknown");
  }
}

/** The module: what it is called, and what it adds to a service. */
export function greetingsModule(phrasebook: Map<string, string>): Module {
  return {
    name: "greetings",
    setup({ health, metrics, log }) {
      const greeted = metrics.counter({
        name: "greetings_total",
        help: "Greetings given, by language.",
        labels: ["language"],
      });
      health.register({
        name: "phrasebook",
        check() {
          if (phrasebook.size === 0) throw new Error("The phrasebook is empty");
          return { languages: phrasebook.size };
        },
      });
      return {
        routes: [{
          method: "GET",
          path: "/greetings/:language",
          handle(_request, { params: { language = "" } }) {
            const greeting = phrasebook.get(language);
            if (greeting === undefined) throw new UnknownLanguage();
            greeted.add({ language });
            return jsonResponse({ greeting });
          },
        }],
        parts: [{
          name: "phrasebook",
          start: () => log.info("Phrasebook open", { size: phrasebook.size }),
          stop: () => log.info("Phrasebook closed"),
        }],
      };
    },
  };
}

const settings = { ...serviceSettings, ...httpSettings() };

/** The service: a kernel, its modules, and how they are reached and stopped. */
export function greetingsService(
  config: Config<typeof settings>,
  phrasebook: Map<string, string>,
): Service {
  return {
    kernel: createServiceKernel(config),
    modules: [greetingsModule(phrasebook)],
    listeners: httpListeners(config, {
      problems: {
        "unknown-language": { status: 404, title: "Unknown language" },
      },
    }),
    shutdown: config,
  };
}

if (import.meta.main) {
  const phrasebook = new Map([["en", "Hello"], ["de", "Guten Tag"]]);
  await start(settings, (config) => [greetingsService(config, phrasebook)]);
}
