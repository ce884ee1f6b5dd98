import { Queue } from "bullmq";
import { Hono } from "hono";

// The usual way to put a queue behind HTTP: validate a little, add, answer.
const queue = new Queue("events", {
  connection: { host: "127.0.0.1", port: Number(Deno.args[1]) },
  defaultJobOptions: { removeOnComplete: true },
});
await queue.waitUntilReady();
const app = new Hono();
app.post("/events", async (c) => {
  const body = await c.req.json<{ event: string; data: unknown }>();
  const job = await queue.add(body.event, body.data);
  return c.json({ id: job.id }, 202);
});
Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.args[0]),
  onListen: () => console.log("ready"),
}, app.fetch);
