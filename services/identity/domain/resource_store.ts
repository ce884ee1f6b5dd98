import type { NewResource, Resource, ResourcePlace } from "./resource.ts";

/** Which resources, and how many. */
export interface ResourceSelection {
  /** None: of everyone. */
  readonly owner?: string;
  /** After this place, going back in time. */
  readonly after?: ResourcePlace;
  readonly limit: number;
}

/** Keeps resources. */
export interface ResourceStore {
  /** Newest first. */
  list(selection: ResourceSelection): Promise<readonly Resource[]>;
  /**
   * Stores a resource. One with an id that its owner has used before is given
   * back as it was stored then.
   *
   * @returns Undefined if the id is someone else's: nothing was stored.
   */
  add(given: NewResource): Promise<Resource | undefined>;
  /**
   * Deletes a resource.
   *
   * @param owner Whose it has to be; none: anyone's.
   * @returns Whether it was there.
   */
  remove(id: string, owner?: string): Promise<boolean>;
}
