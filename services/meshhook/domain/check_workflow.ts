import {
  type Template,
  WORKFLOW_LIMITS,
  type WorkflowDefinition,
  workflowDefinition,
  workflowEdge,
  type WorkflowNode,
  workflowNode,
} from "@mainstay/contracts/meshhook_workflow";
import {
  InvalidInput,
  type Mistake,
  pointerTo,
  schemaMistakes,
} from "@mainstay/kernel/errors";
import { expressionMistake } from "./expression.ts";
import { topologicalOrder } from "./workflow_graph.ts";

/** For "did you mean". */
const KNOWN_KEYS = [
  ...Object.keys(workflowDefinition.shape),
  ...Object.keys(workflowEdge.shape),
  ...workflowNode.options.flatMap(({ shape }) => Object.keys(shape)),
];

/**
 * Checks a workflow whole: its shape, its graph, its expressions.
 *
 * @throws {InvalidInput} Naming every mistake with its JSON pointer.
 */
export function parseWorkflow(input: unknown): WorkflowDefinition {
  const { data, error } = workflowDefinition.safeParse(input);
  if (error !== undefined) {
    throw new InvalidInput(schemaMistakes(error.issues, "", KNOWN_KEYS));
  }
  const mistakes = [...graphMistakes(data), ...nodeMistakes(data)];
  if (mistakes.length > 0) throw new InvalidInput(mistakes);
  return data;
}

/** Names of the secrets that a workflow refers to. */
export function secretsOf({ nodes }: WorkflowDefinition): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { template } of nodes.flatMap(templatesOf)) {
    walk(template, "", (name, value) => {
      if (name === "$secret") names.add(String(value));
    });
  }
  return names;
}

function graphMistakes({ nodes, edges }: WorkflowDefinition): Mistake[] {
  const ids = nodes.map(({ id }) => id);
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const mistakes: Mistake[] = [];
  ids.forEach((id, at) => {
    if (ids.indexOf(id) < at) {
      mistakes.push({ pointer: `/nodes/${at}/id`, detail: `"${id}" is taken` });
    }
  });
  const starts = nodes.filter(({ type }) => type === "webhook");
  if (starts.length !== 1) {
    mistakes.push({
      pointer: "/nodes",
      detail: `Expected one webhook node, found ${starts.length}`,
    });
  }
  const seen = new Set<string>();
  edges.forEach(({ from, to, when }, at) => {
    const say = (member: string, detail: string) =>
      mistakes.push({ pointer: `/edges/${at}${member}`, detail });
    for (const [member, id] of [["/from", from], ["/to", to]] as const) {
      if (!byId.has(id)) say(member, `There is no node "${id}"`);
    }
    if (byId.get(to)?.type === "webhook") {
      say("/to", "A webhook begins the run");
    }
    const source = byId.get(from)?.type;
    if (source === "terminate") say("/from", "A terminate node ends the run");
    if (source === "branch" && when === undefined) {
      say("/when", "Expected true or false: the edge leaves a branch");
    }
    if (source !== "branch" && source !== undefined && when !== undefined) {
      say("/when", "Only an edge that leaves a branch has a condition");
    }
    const key = JSON.stringify([from, to, when]);
    if (seen.has(key)) say("", "Is there already");
    seen.add(key);
  });
  if (mistakes.length > 0) return mistakes;
  const order = topologicalOrder(ids, edges);
  if (order === undefined) {
    return circles(ids, edges).map((id) => ({
      pointer: `/nodes/${ids.indexOf(id)}`,
      detail: `"${id}" is part of a circle`,
    }));
  }
  const [start] = starts;
  const reached = new Set([start!.id]);
  for (const id of reached) {
    for (const { from, to } of edges) if (from === id) reached.add(to);
  }
  return ids.filter((id) => !reached.has(id)).map((id) => ({
    pointer: `/nodes/${ids.indexOf(id)}`,
    detail: `"${id}" cannot be reached from the webhook`,
  }));
}

/** Nodes that lead back to themselves. */
function circles(
  ids: readonly string[],
  edges: WorkflowDefinition["edges"],
): string[] {
  const next = Map.groupBy(edges, ({ from }) => from);
  return ids.filter((id) => {
    const reached = new Set((next.get(id) ?? []).map(({ to }) => to));
    for (const other of reached) {
      for (const { to } of next.get(other) ?? []) reached.add(to);
    }
    return reached.has(id);
  });
}

function nodeMistakes({ nodes }: WorkflowDefinition): Mistake[] {
  return nodes.flatMap((node, at) => {
    const mistakes: Mistake[] = [];
    const say = (pointer: string, detail: string) =>
      mistakes.push({ pointer: `/nodes/${at}${pointer}`, detail });
    if ("expression" in node) {
      const mistake = expressionMistake(node.expression);
      if (mistake !== undefined) {
        say("/expression", `The expression ${mistake}`);
      }
    }
    for (const { pointer, template } of templatesOf(node)) {
      const depth = walk(template, pointer, (name, value, where) => {
        if (name === "$expression") {
          const mistake = expressionMistake(String(value));
          if (mistake !== undefined) say(where, `The expression ${mistake}`);
        } else if (name === "$secret") {
          if (!/^[a-z0-9][a-z0-9._-]{0,99}$/.test(String(value))) {
            say(where, "Expected a secret's name");
          }
        } else say(where, `Expected $expression or $secret, not ${name}`);
      });
      if (depth > WORKFLOW_LIMITS.templateDepth) {
        say(
          pointer,
          `Expected at most ${WORKFLOW_LIMITS.templateDepth} levels`,
        );
      }
    }
    return mistakes;
  });
}

interface PlacedTemplate {
  readonly pointer: string;
  readonly template: Template;
}

function templatesOf(node: WorkflowNode): PlacedTemplate[] {
  switch (node.type) {
    case "http_call":
      return [
        { pointer: "/url", template: node.url },
        { pointer: "/headers", template: node.headers },
        { pointer: "/body", template: node.body ?? null },
      ];
    case "publish_event":
      return [
        { pointer: "/event", template: node.event },
        { pointer: "/aggregateId", template: node.aggregateId },
        { pointer: "/data", template: node.data },
      ];
    case "terminate":
      return [{ pointer: "/output", template: node.output ?? null }];
    default:
      return [];
  }
}

/**
 * Visits each `{"$name": …}` of a template.
 *
 * @returns How many objects and arrays are within each other.
 */
function walk(
  template: Template,
  pointer: string,
  visit: (name: string, value: Template, pointer: string) => void,
): number {
  if (typeof template !== "object" || template === null) return 0;
  const entries = Object.entries(template);
  const [only] = entries;
  if (only !== undefined && entries.length === 1 && only[0].startsWith("$")) {
    visit(only[0], only[1], pointer);
    return 1;
  }
  return 1 + Math.max(
    0,
    ...entries.map(([name, inner]) =>
      walk(inner, pointerTo(pointer, name), visit)
    ),
  );
}
