import type { Module } from "./module.ts";

/**
 * Orders modules so that each comes after those that it depends on; otherwise
 * the order given stays.
 *
 * @throws {TypeError} If a name is taken twice, a dependency is missing, or
 *   modules depend on each other in a circle, naming them.
 *
 * @example
 * ```ts
 * import { deepStrictEqual as assertEquals } from "node:assert/strict";
 * import { orderModules } from "@mainstay/kernel/lifecycle";
 *
 * const module = (name: string, ...dependsOn: string[]) => ({
 *   name,
 *   dependsOn,
 *   setup() {},
 * });
 * const ordered = orderModules([module("orders", "redis"), module("redis")]);
 *
 * assertEquals(ordered.map(({ name }) => name), ["redis", "orders"]);
 * ```
 */
export function orderModules(modules: readonly Module[]): readonly Module[] {
  const byName = new Map<string, Module>();
  for (const module of modules) {
    if (byName.has(module.name)) {
      throw new TypeError(
        `Cannot order modules: two of them are named ${module.name}`,
      );
    }
    byName.set(module.name, module);
  }
  const ordered = new Set<Module>();
  const visit = (module: Module, path: readonly string[]) => {
    if (ordered.has(module)) return;
    const through = [...path, module.name];
    if (path.includes(module.name)) {
      const circle = through.slice(path.indexOf(module.name)).join(" → ");
      throw new TypeError(
        `Cannot order modules: they depend on each other: ${circle}`,
      );
    }
    for (const name of module.dependsOn ?? []) {
      const dependency = byName.get(name);
      if (dependency === undefined) {
        throw new TypeError(
          `Cannot order modules: ${module.name} depends on ${name}, which is not there`,
        );
      }
      visit(dependency, through);
    }
    ordered.add(module);
  };
  for (const module of modules) visit(module, []);
  return [...ordered];
}
