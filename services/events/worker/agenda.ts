import type { Clock } from "@mainstay/kernel/lifecycle";
import { Bag, type BagItem } from "./bag.ts";

/** Timers take a delay in 32 bits and ring at once beyond it. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Something that is to happen at a time. */
export interface Appointment extends BagItem {
  /** By the clock's stopwatch. */
  atMs: number;
  /** Called once, at that time or a little later. */
  ring(): void;
}

/**
 * Many appointments on one timer of the clock.
 *
 * Making and cancelling one costs no timer unless it comes before all others:
 * thousands of handlers a second have a deadline each, and hardly any is met.
 */
export class Agenda {
  readonly #clock: Clock;
  readonly #appointments = new Bag<Appointment>();
  #armedForMs = Infinity;
  #disarm: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(appointment: Appointment): void {
    this.#appointments.add(appointment);
    if (appointment.atMs < this.#armedForMs) this.#arm(appointment.atMs);
  }

  cancel(appointment: Appointment): void {
    this.#appointments.delete(appointment);
  }

  /** Calls `ring` once after `delayMs`. */
  after(delayMs: number, ring: () => void): void {
    this.add({ atMs: this.#clock.elapsed() + delayMs, ring, place: -1 });
  }

  /** Forgets everything. */
  stop(): void {
    this.#appointments.clear();
    this.#disarm();
    this.#armedForMs = Infinity;
  }

  #arm(atMs: number): void {
    this.#disarm();
    this.#armedForMs = atMs;
    const delayMs = Math.ceil(atMs - this.#clock.elapsed());
    this.#disarm = this.#clock.schedule(
      () => this.#ring(),
      Math.max(0, Math.min(delayMs, MAX_TIMER_MS)),
    );
  }

  #ring(): void {
    this.#armedForMs = Infinity;
    const now = this.#clock.elapsed();
    const due: Appointment[] = [];
    let nextMs = Infinity;
    for (const appointment of this.#appointments) {
      if (appointment.atMs <= now) due.push(appointment);
      else nextMs = Math.min(nextMs, appointment.atMs);
    }
    if (nextMs < Infinity) this.#arm(nextMs);
    due.sort((a, b) => a.atMs - b.atMs);
    for (const appointment of due) {
      if (this.#appointments.delete(appointment)) appointment.ring();
    }
  }
}
