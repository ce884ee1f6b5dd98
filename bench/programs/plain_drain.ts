// What a server without a lifecycle of its own does on SIGTERM: Deno's shutdown.
const server = Deno.serve({
  hostname: "127.0.0.1",
  port: Number(Deno.args[0]),
  onListen: () => console.log("ready"),
}, () => new Response("OK"));
Deno.addSignalListener("SIGTERM", async () => {
  await server.shutdown();
  Deno.exit(0);
});
