import type { Clock } from "../src/clock.ts";

/** Time that stands until a test moves it. */
export class FakeClock implements Clock {
    #now = 1000;
    readonly #timers = new Map<number, { at: number; action: () => void }>();
    #last = 0;
    readonly #drawn: number[];

    /** What `random` gives, the last one again and again. */
    constructor(...drawn: number[]) {
        this.#drawn = drawn.length > 0 ? drawn : [0];
    }

    now(): number {
        return this.#now;
    }

    setTimeout(action: () => void, milliseconds: number): number {
        this.#timers.set(++this.#last, { at: this.#now + milliseconds, action });
        return this.#last;
    }

    clearTimeout(timer: unknown): void {
        this.#timers.delete(timer as number);
    }

    random(): number {
        return this.#drawn.length > 1 ? this.#drawn.shift()! : this.#drawn[0]!;
    }

    /** When the next timer is due, from now on; undefined if there is none. */
    get next(): number | undefined {
        return this.#timers.size > 0 ? Math.min(...[...this.#timers.values()].map((timer) => timer.at)) - this.#now : undefined;
    }

    /** Lets time pass, and runs in order what is due. */
    advance(milliseconds: number): void {
        const end = this.#now + milliseconds;
        for (;;) {
            const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
            if (!due) {
                break;
            }
            this.#timers.delete(due[0]);
            this.#now = Math.max(this.#now, due[1].at);
            due[1].action();
        }
        this.#now = end;
    }

    /** Lets time pass in which no timer runs, as on a machine that sleeps or a page that is hidden; then those that are due run once. */
    skip(milliseconds: number): void {
        this.#now += milliseconds;
        this.advance(0);
    }
}
