import { serve } from "@hono/node-server";
import { Queue } from "bullmq";
import { Hono } from "hono";

// The usual way to put a queue behind HTTP: parse, add, answer.
const queue = new Queue("events", {
  connection: { host: "127.0.0.1", port: Number(process.argv[3]) },
  defaultJobOptions: { removeOnComplete: true },
});
await queue.waitUntilReady();
const app = new Hono();
app.post("/events", async (c) => {
  const body = await c.req.json();
  const job = await queue.add(body.event, body.data);
  return c.json({ id: job.id }, 202);
});
serve({
  fetch: app.fetch,
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
}, () => console.log("ready"));
