// The main entry loads a file globber, which needs --allow-sys at import.
import {
  type AwilixContainer,
  AwilixResolutionError,
  createContainer as createAwilix,
} from "awilix/browser";
import type { Container, ProviderOptions } from "./container.ts";
import type { Token } from "./token.ts";

/** Keeps names such as `constructor` or `then` apart from what awilix treats as its own. */
const PREFIX = "token:";

const LIFETIMES = {
  singleton: "SINGLETON",
  scoped: "SCOPED",
  transient: "TRANSIENT",
} as const;

/**
 * Makes an empty container.
 *
 * A value is made at its first `get`. A singleton may not need a scoped value,
 * which it would keep alive past its scope: `get` then throws `TypeError`.
 * Disposal is one value after another, last made first, scopes included.
 *
 * @example Providing, getting, disposing
 * ```ts
 * import { deepStrictEqual, strictEqual } from "node:assert/strict";
 * import { createContainer, token } from "@mainstay/kernel/container";
 *
 * const clock = token<() => number>("clock");
 * const greeting = token<string>("greeting");
 * const disposed: string[] = [];
 *
 * const container = createContainer();
 * container.provide(clock, () => () => 42);
 * container.provide(greeting, (c) => `It is ${c.get(clock)()}`, {
 *   dispose: (value) => void disposed.push(value),
 * });
 *
 * strictEqual(container.get(greeting), "It is 42");
 * await container.dispose();
 * deepStrictEqual(disposed, ["It is 42"]);
 * ```
 */
export function createContainer(): Container {
  return new Scope(createAwilix({ strict: true }), undefined);
}

type Disposal = () => void | Promise<void>;

class Scope implements Container {
  static readonly #of = new WeakMap<AwilixContainer, Scope>();
  readonly #awilix: AwilixContainer;
  readonly #parent: Scope | undefined;
  /** Names being made now, outermost first; one list for the whole family. */
  readonly #making: string[];
  /** In order of making. */
  readonly #disposals = new Set<Disposal>();
  /** Given to the parent with the first value to dispose, and taken back by `dispose`. */
  readonly #asDisposal: Disposal = () => this.dispose();
  #disposing: Promise<void> | undefined;

  constructor(awilix: AwilixContainer, parent: Scope | undefined) {
    this.#awilix = awilix;
    this.#parent = parent;
    this.#making = parent ? parent.#making : [];
    Scope.#of.set(awilix, this);
  }

  provide<Value>(
    token: Token<Value>,
    make: (container: Container) => Value,
    options: ProviderOptions<Value> = {},
  ): void {
    const { lifetime = this.#parent ? "scoped" : "singleton" } = options;
    this.#refuseDisposed(`provide ${token.name}`);
    if (this.has(token)) {
      throw new TypeError(`Cannot provide ${token.name}: the name is taken`);
    }
    if (lifetime === "singleton" && this.#parent) {
      throw new TypeError(
        `Cannot provide ${token.name}: a scope holds no singletons`,
      );
    }
    this.#awilix.register(PREFIX + token.name, {
      lifetime: LIFETIMES[lifetime],
      // The owner is the root for a singleton, else where `get` was called.
      resolve: (owner) =>
        (Scope.#of.get(owner) ?? this).#make(token.name, make, options.dispose),
    });
  }

  get<Value>(token: Token<Value>): Value {
    const { name } = token;
    this.#refuseDisposed(`get ${name}`);
    if (!this.has(token)) {
      const names = Object.keys(this.#awilix.registrations)
        .map((key) => key.slice(PREFIX.length)).toSorted().join(", ");
      throw new TypeError(
        `Cannot get ${name}: nothing provides it; there is ${
          names || "nothing"
        }`,
      );
    }
    if (this.#making.includes(name)) {
      const circle = this.#making.slice(this.#making.indexOf(name));
      throw new TypeError(
        `Cannot get ${name}: it needs itself (${
          [...circle, name].join(" → ")
        })`,
      );
    }
    try {
      return this.#awilix.resolve<Value>(PREFIX + name);
    } catch (failure) {
      if (!(failure instanceof AwilixResolutionError)) throw failure;
      throw new TypeError(
        `Cannot get ${name}: ${this.#making.at(-1)} would outlive it`,
      );
    }
  }

  has(token: Token<unknown>): boolean {
    return this.#awilix.hasRegistration(PREFIX + token.name);
  }

  scope(): Container {
    this.#refuseDisposed("open a scope");
    return new Scope(this.#awilix.createScope(), this);
  }

  dispose(): Promise<void> {
    // A turn later: what is disposed first must already find it disposed.
    this.#disposing ??= Promise.resolve().then(() => this.#disposeAll());
    return this.#disposing;
  }

  #make<Value>(
    name: string,
    make: (container: Container) => Value,
    dispose: ProviderOptions<Value>["dispose"],
  ): Value {
    this.#making.push(name);
    try {
      const value = make(this);
      if (dispose) this.#keep(() => dispose(value));
      return value;
    } finally {
      this.#making.pop();
    }
  }

  /** A scope that makes nothing to dispose is not held by its parent. */
  #keep(disposal: Disposal): void {
    if (this.#disposals.size === 0 && this.#parent) {
      this.#parent.#keep(this.#asDisposal);
    }
    this.#disposals.add(disposal);
  }

  async #disposeAll(): Promise<void> {
    if (this.#parent) this.#parent.#disposals.delete(this.#asDisposal);
    const failures: unknown[] = [];
    for (const disposal of [...this.#disposals].reverse()) {
      try {
        await disposal();
      } catch (failure) {
        failures.push(failure);
      }
    }
    this.#disposals.clear();
    if (failures.length > 0) {
      throw new AggregateError(
        failures,
        `Cannot dispose the container: ${failures.length} of its values failed`,
      );
    }
  }

  #refuseDisposed(act: string): void {
    if (this.#disposing) {
      throw new TypeError(`Cannot ${act}: the container is disposed`);
    }
    if (this.#parent) this.#parent.#refuseDisposed(act);
  }
}
