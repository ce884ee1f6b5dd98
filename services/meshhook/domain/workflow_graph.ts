import type {
  WorkflowDefinition,
  WorkflowEdge,
  WorkflowNode,
} from "@mainstay/contracts/meshhook_workflow";

/** A workflow with its ways, for walking. */
export interface WorkflowGraph {
  readonly nodes: ReadonlyMap<string, WorkflowNode>;
  /** Every node after all that lead to it. */
  readonly order: readonly string[];
  into(node: string): readonly WorkflowEdge[];
  outOf(node: string): readonly WorkflowEdge[];
  /** The node and all that can come after it. */
  from(node: string): ReadonlySet<string>;
  /** The node that receives the webhook. */
  readonly start: string;
}

/** Laid out before: a run's steps are taken one after the other. */
const known = new WeakMap<WorkflowDefinition, WorkflowGraph>();

/** The layout of a workflow, made once. @throws {RangeError} As {@link layOut}. */
export function workflowGraph(definition: WorkflowDefinition): WorkflowGraph {
  const graph = known.get(definition) ?? layOut(definition);
  known.set(definition, graph);
  return graph;
}

/**
 * Lays out a workflow that {@link checkWorkflow} finds nothing wrong with.
 *
 * @throws {RangeError} For any other.
 */
function layOut(
  { nodes, edges }: WorkflowDefinition,
): WorkflowGraph {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const into = Map.groupBy(edges, ({ to }) => to);
  const outOf = Map.groupBy(edges, ({ from }) => from);
  const start = nodes.find(({ type }) => type === "webhook")?.id;
  if (start === undefined) throw new RangeError("Cannot lay out: no webhook");
  const order = topologicalOrder(nodes.map(({ id }) => id), edges);
  if (order === undefined) throw new RangeError("Cannot lay out: a circle");
  return {
    nodes: byId,
    order,
    start,
    into: (node) => into.get(node) ?? [],
    outOf: (node) => outOf.get(node) ?? [],
    from(node) {
      const reached = new Set([node]);
      for (const next of reached) {
        for (const { to } of outOf.get(next) ?? []) reached.add(to);
      }
      return reached;
    },
  };
}

/** Kahn's algorithm; undefined if the edges go round in a circle. */
export function topologicalOrder(
  ids: readonly string[],
  edges: ReadonlyArray<Pick<WorkflowEdge, "from" | "to">>,
): readonly string[] | undefined {
  const open = new Map(ids.map((id) => [id, 0]));
  for (const { to } of edges) open.set(to, (open.get(to) ?? 0) + 1);
  const outOf = Map.groupBy(edges, ({ from }) => from);
  const order = ids.filter((id) => open.get(id) === 0);
  for (const id of order) {
    for (const { to } of outOf.get(id) ?? []) {
      const left = open.get(to)! - 1;
      open.set(to, left);
      if (left === 0) order.push(to);
    }
  }
  return order.length === ids.length ? order : undefined;
}
