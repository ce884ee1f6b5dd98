/**
 * The wire schema of a MeshHook workflow: what the API accepts, keeps and gives
 * back, and what a builder draws.
 *
 * @module
 */
import { z } from "zod";

/** Bounds of a workflow. */
export const WORKFLOW_LIMITS = {
  nodes: 200,
  edges: 1_000,
  /** Characters of one JMESPath expression. */
  expression: 4_096,
  /** Objects and arrays within each other in a template. */
  templateDepth: 16,
  /** The longest wait of a delay node: 30 days. */
  delayMs: 30 * 86_400_000,
  timeoutMs: 60_000,
  attempts: 20,
} as const;

/** Ids of nodes: they are names in expressions, so they look like names. */
export const NODE_ID = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

const expression = z.string().min(1).max(WORKFLOW_LIMITS.expression).describe(
  "A JMESPath expression over {trigger, steps, run}",
);

/**
 * A value, or where one comes from: `{"$expression": "trigger.body.id"}` is
 * evaluated, `{"$secret": "github-token"}` is a secret's name. Both may stand
 * anywhere in an object or array.
 */
export type Template =
  | string
  | number
  | boolean
  | null
  | readonly Template[]
  | { readonly [name: string]: Template };

const template: z.ZodType<Template> = z.lazy(() =>
  z.union([
    z.string(),
    z.number(),
    z.boolean(),
    z.null(),
    z.array(template),
    z.record(z.string(), template),
  ])
).meta({ id: "Template" });

const retry = z.strictObject({
  maxAttempts: z.int().min(1).max(WORKFLOW_LIMITS.attempts).default(5),
  /** The wait doubles from here, with jitter. */
  baseDelayMs: z.int().min(10).max(3_600_000).default(1_000),
  maxDelayMs: z.int().min(10).max(86_400_000).default(300_000),
});

const node = <Type extends string, Shape extends z.ZodRawShape>(
  type: Type,
  shape: Shape,
) =>
  z.strictObject({
    id: z.string().regex(NODE_ID, {
      error:
        "Expected a name of 1 to 64 letters, digits and _ that begins with a letter",
    }),
    type: z.literal(type),
    ...shape,
  });

/** One step of a workflow. */
export const workflowNode = z.discriminatedUnion("type", [
  node("webhook", {}),
  node("transform", { expression }),
  node("branch", { expression }),
  node("http_call", {
    method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]).default("POST"),
    url: template,
    headers: z.record(z.string(), template).default({}),
    body: template.optional(),
    timeoutMs: z.int().min(100).max(WORKFLOW_LIMITS.timeoutMs).default(10_000),
    retry: retry.prefault({}),
  }),
  node("delay", { delayMs: z.int().min(0).max(WORKFLOW_LIMITS.delayMs) }),
  node("publish_event", {
    event: template,
    aggregateId: template,
    data: template,
    retry: retry.prefault({}),
  }),
  node("terminate", {
    outcome: z.enum(["succeeded", "failed"]).default("succeeded"),
    output: template.optional(),
  }),
]);
export type WorkflowNode = z.infer<typeof workflowNode>;

/** From the end of one step to the beginning of another. */
export const workflowEdge = z.strictObject({
  from: z.string(),
  to: z.string(),
  /** Of a branch: whether its expression was true. Elsewhere there is none. */
  when: z.boolean().optional(),
});
export type WorkflowEdge = z.infer<typeof workflowEdge>;

/** A whole workflow: a directed graph without circles. */
export const workflowDefinition = z.strictObject({
  nodes: z.array(workflowNode).min(1).max(WORKFLOW_LIMITS.nodes),
  edges: z.array(workflowEdge).max(WORKFLOW_LIMITS.edges),
});
export type WorkflowDefinition = z.infer<typeof workflowDefinition>;
