import { Hono } from "hono";

// What a framework costs by itself: a JSON body is parsed, a fixed answer given.
const app = new Hono();
app.get("/health", (c) => c.json({ status: "healthy" }));
app.post("/events", async (c) => {
  await c.req.json();
  return c.json({ streamId: "0-1" }, 202);
});
Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.args[0]),
  onListen: () => console.log("ready"),
}, app.fetch);
