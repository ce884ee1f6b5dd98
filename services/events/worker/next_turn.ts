import { setImmediate } from "node:timers";

/** Resolves in the event loop's next turn, after what is to be written has been. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
