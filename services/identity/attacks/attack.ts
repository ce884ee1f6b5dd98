import type { Target } from "./target.ts";

/** Something that must not work, tried on running servers. */
export interface Attack {
  /** What is tried, in the imperative: "redeem a code twice". */
  readonly name: string;
  /**
   * Returns if the server held, and what an honest client does still works.
   *
   * @throws {AttackWorked} If it did not.
   */
  run(target: Target): Promise<void>;
}
