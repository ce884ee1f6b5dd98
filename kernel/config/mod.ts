/**
 * Typed settings from flags, environment, files of secrets and YAML, with every
 * mistake reported at once and no secret shown.
 *
 * @module
 */
export type { Bounds } from "./bounds.ts";
export * from "./bytes.ts";
export * from "./config_error.ts";
export * from "./config_sources.ts";
export * from "./define_settings.ts";
export * from "./describe_config.ts";
export * from "./duration.ts";
export * from "./encryption_keys.ts";
export * from "./environment_names.ts";
export * from "./kinds.ts";
export * from "./nearest.ts";
export * from "./read_config.ts";
export * from "./schedule.ts";
export * from "./service_settings.ts";
export * from "./setting.ts";
export * from "./settings_help.ts";
