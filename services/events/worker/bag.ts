/** Something that a {@link Bag} may hold; in one bag at a time. */
export interface BagItem {
  /** Where it lies in its bag; for the bag alone. */
  place: number;
}

/**
 * A set without order, for what comes and goes a hundred thousand times a
 * second: an item knows its place, so nothing is hashed and no table grows.
 */
export class Bag<Item extends BagItem> implements Iterable<Item> {
  readonly #items: Item[] = [];

  get size(): number {
    return this.#items.length;
  }

  has(item: Item): boolean {
    return item.place >= 0 && this.#items[item.place] === item;
  }

  add(item: Item): void {
    if (this.has(item)) return;
    item.place = this.#items.length;
    this.#items.push(item);
  }

  /** Whether it was there. */
  delete(item: Item): boolean {
    if (!this.has(item)) return false;
    const last = this.#items.pop();
    if (last !== undefined && last !== item) {
      this.#items[item.place] = last;
      last.place = item.place;
    }
    item.place = -1;
    return true;
  }

  clear(): void {
    this.#items.length = 0;
  }

  /** Do not add or delete while iterating: copy first. */
  [Symbol.iterator](): Iterator<Item> {
    return this.#items.values();
  }
}
