/** A service on PostgreSQL, as a user of the kernel would write it. */
import {
  httpListeners,
  httpSettings,
  jsonResponse,
  readJson,
} from "@mainstay/adapters/http";
import {
  postgresModule,
  postgresSettings,
  postgresToken,
} from "@mainstay/adapters/postgres";
import { serviceSettings } from "@mainstay/kernel/config";
import {
  createServiceKernel,
  metrics as metricsToken,
  type Module,
  start,
} from "@mainstay/kernel/lifecycle";

const books: Module = {
  name: "books",
  dependsOn: ["postgres"],
  setup({ container, health }) {
    const postgres = container.get(postgresToken);
    // Through the container: that is where any module finds the metrics.
    const added = container.get(metricsToken).counter({
      name: "books_added_total",
      help: "Books that were added.",
    });
    health.register({
      name: "shelf",
      critical: false,
      async check() {
        const { rows } = await postgres.query("SELECT count(*) FROM books");
        return { books: rows[0]?.["count"] };
      },
    });
    return {
      routes: [
        {
          method: "GET",
          path: "/books/:id",
          async handle(_request, { params }) {
            const { rows } = await postgres.query(
              "SELECT title FROM books WHERE id = $1",
              [params["id"]],
            );
            return jsonResponse({ title: rows[0]?.["title"] ?? null });
          },
        },
        {
          method: "POST",
          path: "/books",
          async handle(request, context) {
            const body = await readJson(request, context) as { title: string };
            const { rows } = await postgres.query(
              "INSERT INTO books (title) VALUES ($1) RETURNING id",
              [body.title],
            );
            added.add({});
            return jsonResponse({ id: rows[0]?.["id"] }, { status: 201 });
          },
        },
      ],
    };
  },
};

const settings = { ...serviceSettings, ...httpSettings(), ...postgresSettings };

if (import.meta.main) {
  await start(settings, (config) => [{
    kernel: createServiceKernel(config),
    modules: [
      postgresModule(config, {
        migrations: new URL("migrations/", import.meta.url),
      }),
      books,
    ],
    listeners: httpListeners(config, { problems: {} }),
    shutdown: config,
  }]);
}
