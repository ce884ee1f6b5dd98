/** An OpenTelemetry collector of a test's own, over HTTP and over gRPC. */
import { createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";

/** A span as it came in. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** 2 is an error. */
  readonly status: number;
}

/** A log record as it came in. */
export interface CollectedLog {
  readonly severity: string;
  readonly body: string;
  readonly traceId: string;
}

/** What a process has sent so far. */
export interface Collector extends AsyncDisposable {
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  readonly logs: readonly CollectedLog[];
  /** Names of metrics. */
  readonly metrics: ReadonlySet<string>;
  /** `service.name` of everything that came in. */
  readonly services: ReadonlySet<string>;
  /** All bytes as text, to look for what must not be there. */
  readonly raw: string;
}

class Inbox {
  readonly spans: CollectedSpan[] = [];
  readonly logs: CollectedLog[] = [];
  readonly metrics = new Set<string>();
  readonly services = new Set<string>();
  raw = "";

  /** @param kind Some text that names the signal: a path of either protocol. */
  take(kind: string, bytes: Uint8Array): void {
    this.raw += new TextDecoder("latin1").decode(bytes);
    for (const group of read(bytes).messages(1)) {
      const resource = attributesOf(group.messages(1)[0], 1);
      this.services.add(String(resource["service.name"]));
      const items = group.messages(2).flatMap((scope) => scope.messages(2));
      if (/trace/i.test(kind)) this.spans.push(...items.map(spanOf));
      else if (/logs/i.test(kind)) this.logs.push(...items.map(logOf));
      else items.forEach((metric) => this.metrics.add(metric.text(1)));
    }
  }
}

/** Takes OTLP over HTTP, as protobuf. */
export function startHttpCollector(): Collector {
  const inbox = new Inbox();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      inbox.take(new URL(request.url).pathname, await request.bytes());
      return new Response(null, {
        headers: { "content-type": "application/x-protobuf" },
      });
    },
  );
  return Object.assign(inbox, {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  });
}

/** Takes OTLP over gRPC. */
export async function startGrpcCollector(): Promise<Collector> {
  const inbox = new Inbox();
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    const chunks: Uint8Array[] = [];
    stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    stream.on("end", () => {
      // A flag and the length come before the message.
      inbox.take(String(headers[":path"]), concat(chunks).subarray(5));
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, {
        waitForTrailers: true,
      });
      stream.on(
        "wantTrailers",
        () => stream.sendTrailers({ "grpc-status": "0" }),
      );
      stream.end(new Uint8Array(5));
    });
  });
  await new Promise<void>((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve())
  );
  const { port } = server.address() as AddressInfo;
  return Object.assign(inbox, {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function spanOf(span: Message): CollectedSpan {
  return {
    traceId: span.hex(1),
    spanId: span.hex(2),
    parentSpanId: span.hex(4),
    name: span.text(5),
    attributes: attributesOf(span, 9),
    status: span.messages(15)[0]?.number(3) ?? 0,
  };
}

function logOf(record: Message): CollectedLog {
  return {
    severity: record.text(3),
    body: record.messages(5)[0]?.text(1) ?? "",
    traceId: record.hex(9),
  };
}

function attributesOf(
  message: Message | undefined,
  field: number,
): Record<string, string | number> {
  return Object.fromEntries(
    (message?.messages(field) ?? []).map((pair) => {
      const [value] = pair.messages(2);
      const isText = value?.has(1) ?? false;
      return [pair.text(1), (isText ? value?.text(1) : value?.double(4)) ?? ""];
    }),
  );
}

/** A protobuf message whose fields are known by number only. */
interface Message {
  has(field: number): boolean;
  messages(field: number): Message[];
  text(field: number): string;
  hex(field: number): string;
  number(field: number): number;
  double(field: number): number;
}

function read(bytes: Uint8Array): Message {
  const fields = new Map<number, Array<Uint8Array | number>>();
  let at = 0;
  const varint = () => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    let value: Uint8Array | number;
    if (wire === 0) value = varint();
    else {
      const length = wire === 2 ? varint() : wire === 1 ? 8 : 4;
      value = bytes.subarray(at, at += length);
    }
    fields.set(field, [...fields.get(field) ?? [], value]);
  }
  const all = (field: number) => fields.get(field) ?? [];
  const blob = (field: number) => {
    const [value] = all(field);
    return value instanceof Uint8Array ? value : new Uint8Array();
  };
  return {
    has: (field) => fields.has(field),
    messages: (field) => all(field).map((value) => read(value as Uint8Array)),
    text: (field) => new TextDecoder().decode(blob(field)),
    hex: (field) => blob(field).toHex(),
    number: (field) => Number(all(field)[0] ?? 0),
    double(field) {
      const { buffer, byteOffset } = blob(field);
      return new DataView(buffer, byteOffset, 8).getFloat64(0, true);
    },
  };
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, c) => sum + c.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
