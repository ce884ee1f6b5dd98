/** Something that waits for its turn in a lane. */
export interface LaneItem {
  /** Items of one lane run one after another; without one, at any time. */
  readonly lane: string | undefined;
}

interface Lane<Item> {
  /** Behind the item in front; made for the first. */
  followers: Queue<Item> | undefined;
  /** Whether the item in front waits for a retry. */
  parked: boolean;
  /** Whether an item is in front; idle lanes are kept for the next of their name. */
  busy: boolean;
}

/** Idle lanes that are kept before they are cleared away together. */
const MAX_IDLE = 1_000;

/**
 * Decides what runs next: at most `concurrency` items at once, those of one
 * lane in the order in which they were added, lanes in turn.
 *
 * An item that is parked gives its slot back while its lane stays closed
 * behind it, so that a retry neither holds others up nor is overtaken.
 */
export class Lanes<Item extends LaneItem> {
  readonly #lanes = new Map<string, Lane<Item>>();
  readonly #ready = new Queue<Item>();
  readonly #parked = new Set<Item>();
  #running = 0;
  #waiting = 0;
  #behindParked = 0;
  #idle = 0;

  constructor(readonly concurrency: number) {
    if (!Number.isInteger(concurrency) || concurrency < 1) {
      throw new RangeError(
        `Cannot run ${concurrency} handlers at once: expected 1 or more`,
      );
    }
  }

  /** Items that hold a slot. */
  get running(): number {
    return this.#running;
  }

  /** Items that run, or will without anyone's doing. */
  get active(): number {
    return this.#running + this.#ready.length + this.#waiting -
      this.#behindParked;
  }

  /** Items parked, and those that wait behind them. */
  get parked(): number {
    return this.#parked.size + this.#behindParked;
  }

  add(item: Item): void {
    if (item.lane === undefined) {
      this.#ready.push(item);
      return;
    }
    const lane = this.#lanes.get(item.lane);
    if (!lane) {
      this.#lanes.set(item.lane, {
        followers: undefined,
        parked: false,
        busy: true,
      });
      this.#ready.push(item);
      return;
    }
    if (!lane.busy) {
      lane.busy = true;
      this.#idle--;
      this.#ready.push(item);
      return;
    }
    (lane.followers ??= new Queue()).push(item);
    this.#waiting++;
    if (lane.parked) this.#behindParked++;
  }

  /** The next item, which holds a slot from now on; undefined if none may run. */
  next(): Item | undefined {
    if (this.#running >= this.concurrency) return undefined;
    const item = this.#ready.shift();
    if (item !== undefined) this.#running++;
    return item;
  }

  /** Gives back the slot of a running item, and keeps its lane closed. */
  park(item: Item): void {
    this.#running--;
    this.#parked.add(item);
    const lane = this.#laneOf(item);
    if (!lane) return;
    lane.parked = true;
    this.#behindParked += lane.followers?.length ?? 0;
  }

  /** Makes a parked item ready to run. Does nothing for another. */
  unpark(item: Item): void {
    if (this.#leavePark(item)) this.#ready.push(item);
  }

  /** Ends an item that runs or is parked; its lane moves on. */
  done(item: Item): void {
    if (!this.#leavePark(item)) this.#running--;
    const lane = this.#laneOf(item);
    if (!lane) return;
    const follower = lane.followers?.shift();
    if (follower === undefined) {
      lane.busy = false;
      if (++this.#idle > MAX_IDLE) this.#clearIdle();
    } else {
      this.#waiting--;
      this.#ready.push(follower);
    }
  }

  #clearIdle(): void {
    for (const [name, lane] of this.#lanes) {
      if (!lane.busy) this.#lanes.delete(name);
    }
    this.#idle = 0;
  }

  #leavePark(item: Item): boolean {
    if (this.#parked.size === 0 || !this.#parked.delete(item)) return false;
    const lane = this.#laneOf(item);
    if (lane) {
      lane.parked = false;
      this.#behindParked -= lane.followers?.length ?? 0;
    }
    return true;
  }

  #laneOf(item: Item): Lane<Item> | undefined {
    return item.lane === undefined ? undefined : this.#lanes.get(item.lane);
  }
}

/** First in, first out, without moving what is behind at each step. */
class Queue<Item> {
  #items: Item[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  shift(): Item | undefined {
    if (this.#head >= this.#items.length) return undefined;
    const item = this.#items[this.#head++];
    if (this.#head > 512 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    } else if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    }
    return item;
  }
}
