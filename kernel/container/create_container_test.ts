import {
  deepStrictEqual,
  notStrictEqual,
  rejects,
  strictEqual,
  throws,
} from "node:assert/strict";
import { createContainer } from "./create_container.ts";
import { token } from "./token.ts";

const a = token<object>("a");
const b = token<object>("b");
const c = token<object>("c");

Deno.test("get() makes a singleton once, at the first call, for all scopes", () => {
  const container = createContainer();
  let made = 0;
  container.provide(a, () => ({ made: ++made }));
  strictEqual(made, 0);
  const scope = container.scope();
  strictEqual(scope.get(a), container.get(a));
  strictEqual(made, 1);
});

Deno.test("get() keeps a scoped value per scope and a transient one not at all", () => {
  const container = createContainer();
  container.provide(a, () => ({}), { lifetime: "scoped" });
  container.provide(b, () => ({}), { lifetime: "transient" });
  const scope = container.scope();
  strictEqual(scope.get(a), scope.get(a));
  notStrictEqual(scope.get(a), container.get(a));
  notStrictEqual(scope.get(b), scope.get(b));
});

Deno.test("get() names what is there when nothing is provided", () => {
  const container = createContainer();
  container.provide(b, () => ({}));
  throws(() => container.get(a), {
    name: "TypeError",
    message: "Cannot get a: nothing provides it; there is b",
  });
});

Deno.test("get() names the circle", () => {
  const container = createContainer();
  container.provide(a, (k) => ({ b: k.get(b) }));
  container.provide(b, (k) => ({ c: k.get(c) }));
  container.provide(c, (k) => ({ b: k.get(b) }));
  throws(() => container.get(a), {
    name: "TypeError",
    message: "Cannot get b: it needs itself (b → c → b)",
  });
});

Deno.test("get() tries again after a value could not be made", () => {
  const container = createContainer();
  let broken = true;
  container.provide(a, () => {
    if (broken) throw new Error("not yet");
    return {};
  });
  throws(() => container.get(a), /not yet/);
  broken = false;
  strictEqual(typeof container.get(a), "object");
});

Deno.test("get() refuses a singleton that would keep a scoped value", () => {
  const container = createContainer();
  container.provide(a, () => ({}), { lifetime: "scoped" });
  container.provide(b, (k) => ({ a: k.get(a) }));
  throws(() => container.get(b), {
    name: "TypeError",
    message: "Cannot get a: b would outlive it",
  });
});

Deno.test("get() takes any name for a name", () => {
  const container = createContainer();
  for (const name of ["constructor", "then", "toString", "__proto__"]) {
    throws(() => container.get(token(name)), /nothing provides it/);
    container.provide(token<string>(name), () => name);
    strictEqual(container.get(token(name)), name);
  }
});

Deno.test("provide() refuses a name that is taken, here or in a parent", () => {
  const container = createContainer();
  container.provide(a, () => ({}));
  throws(() => container.provide(a, () => ({})), {
    name: "TypeError",
    message: "Cannot provide a: the name is taken",
  });
  throws(() => container.scope().provide(a, () => ({})), /taken/);
});

Deno.test("provide() on a scope is seen by that scope only", () => {
  const container = createContainer();
  const scope = container.scope();
  scope.provide(a, () => ({}));
  strictEqual(scope.get(a), scope.get(a));
  strictEqual(container.has(a), false);
  throws(
    () => scope.provide(b, () => ({}), { lifetime: "singleton" }),
    /a scope holds no singletons/,
  );
});

Deno.test("dispose() lets go what was made, last first, each once, scopes too", async () => {
  const container = createContainer();
  const seen: string[] = [];
  const dispose = (name: string) => async () => {
    await Promise.resolve();
    seen.push(name);
  };
  container.provide(a, () => ({}), { dispose: dispose("a") });
  container.provide(b, (k) => ({ a: k.get(a) }), { dispose: dispose("b") });
  container.provide(c, () => ({}), {
    lifetime: "scoped",
    dispose: dispose("c"),
  });
  container.provide(token("never"), () => ({}), { dispose: dispose("never") });
  const [open, closed] = [container.scope(), container.scope()];
  closed.get(c);
  container.get(b);
  open.get(c);
  await closed.dispose();
  deepStrictEqual(seen, ["c"]);
  await Promise.all([container.dispose(), container.dispose()]);
  await container.dispose();
  deepStrictEqual(seen, ["c", "c", "b", "a"]);
});

Deno.test("dispose() goes on after a failure and gathers all", async () => {
  const container = createContainer();
  const seen: string[] = [];
  container.provide(a, () => ({}), { dispose: () => void seen.push("a") });
  container.provide(b, () => ({}), {
    dispose: () => Promise.reject(new Error("stuck")),
  });
  container.get(a);
  container.get(b);
  await rejects(container.dispose(), (failure) => {
    strictEqual(failure instanceof AggregateError, true);
    deepStrictEqual((failure as AggregateError).errors.map(String), [
      "Error: stuck",
    ]);
    return true;
  });
  deepStrictEqual(seen, ["a"]);
});

Deno.test("a disposed container refuses everything but another dispose()", async () => {
  const container = createContainer();
  container.provide(a, () => ({}));
  await container.dispose();
  throws(() => container.get(a), /Cannot get a: the container is disposed/);
  throws(() => container.provide(b, () => ({})), /is disposed/);
  throws(() => container.scope(), /is disposed/);
});

Deno.test("a scope of a disposed container makes nothing that nobody would dispose", async () => {
  const container = createContainer();
  container.provide(a, () => ({}), { dispose: () => {} });
  const scope = container.scope();
  await container.dispose();
  throws(() => scope.get(a), /Cannot get a: the container is disposed/);
  await scope.dispose();
});

Deno.test("a value that is disposed finds the container disposed", async () => {
  const container = createContainer();
  const seen: unknown[] = [];
  container.provide(a, () => ({}), {
    dispose() {
      void container.dispose();
      try {
        container.get(b);
      } catch (failure) {
        seen.push(String(failure));
      }
    },
  });
  container.provide(b, () => ({}), { dispose: () => void seen.push("b") });
  container.get(a);
  await container.dispose();
  deepStrictEqual(seen, [
    "TypeError: Cannot get b: the container is disposed",
  ]);
});
