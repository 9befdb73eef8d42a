import type { Clock } from "./clock.ts";
import type { Delivery } from "./delivery.ts";
import { Fifo } from "./fifo.ts";

/** An ACK is due after so many counted frames, so many bytes of them, or so long after the first of them. */
const MAX_FRAMES = 64;
const MAX_BYTES = 256 * 1024;
const MAX_DELAY = 1000;

/**
 * Which received frames of a resumable session count as taken, and when an ACK is due. A receipt counts when it is handed on, a delivery
 * when the program has taken it, and no frame before those in front of it. Numbers go on across sessions, so that a delivery of an old
 * session is never mistaken for one of the new.
 */
export class Acknowledgements {
    readonly #clock: Clock;
    readonly #acknowledge: () => void;
    readonly #untaken = new Fifo<Delivery>();
    #timer: unknown;
    #since = 0;
    #sessionStart = 0;
    #received = 0;
    #receivedBytes = 0;
    #acknowledged = 0;
    #acknowledgedBytes = 0;
    #replayed = 0;
    #firstDropped = Infinity;
    #isAwaited = false;

    /** @param acknowledge Called when an ACK is due. */
    constructor(clock: Clock, acknowledge: () => void) {
        this.#clock = clock;
        this.#acknowledge = acknowledge;
    }

    /** Counted frames of this session: the total in HELLO. */
    get total(): number {
        return this.#counted - this.#sessionStart;
    }

    /** A frame was received that counts as soon as those before it do; `isAwaited` if a sender waits for its ACK. */
    receive(bytes: number, isAwaited = false): void {
        this.#received++;
        this.#receivedBytes += bytes;
        this.#isAwaited ||= isAwaited;
    }

    /** A delivery was received; it counts when the program has taken it. */
    receiveUntaken(delivery: Delivery, bytes: number): void {
        delivery.number = ++this.#received;
        delivery.bytesBefore = this.#receivedBytes;
        this.#receivedBytes += bytes;
        if (this.#firstDropped === Infinity) {
            this.#untaken.push(delivery);
        }
    }

    /** The program has taken a delivery, and with it all before: it gets them in order. */
    take(number: number): void {
        let counts = false;
        let first;
        while ((first = this.#untaken.first) && first.number <= number && first.number < this.#firstDropped) {
            this.#untaken.shift();
            this.#isAwaited ||= first.isAwaited;
            counts = true;
        }
        if (counts) {
            this.acknowledgeIfDue();
        }
    }

    /** A delivery was dropped before the program took it: neither it nor any later frame of this session counts. */
    drop(number: number): void {
        if (number > this.#sessionStart) {
            this.#firstDropped = Math.min(this.#firstDropped, number);
        }
    }

    /** Acknowledges if it is due, and otherwise sees to it that it will be. */
    acknowledgeIfDue(): void {
        const frames = this.#counted - this.#acknowledged;
        if (frames === 0) {
            return;
        }
        const isOpen = this.#timer !== undefined;
        if (
            this.#isAwaited ||
            frames >= MAX_FRAMES ||
            this.#countedBytes - this.#acknowledgedBytes >= MAX_BYTES ||
            (isOpen && this.#clock.now() - this.#since >= MAX_DELAY)
        ) {
            this.#acknowledge();
        } else if (!isOpen) {
            this.#since = this.#clock.now();
            this.#timer = this.#clock.setTimeout(() => {
                this.#timer = undefined;
                this.#acknowledge();
            }, MAX_DELAY);
        }
    }

    /** Marks everything counted as acknowledged, and returns the total; undefined if nothing is new. */
    acknowledge(): number | undefined {
        const counted = this.#counted;
        if (counted === this.#acknowledged) {
            return undefined;
        }
        this.#acknowledged = counted;
        this.#acknowledgedBytes = this.#countedBytes;
        this.#isAwaited = false;
        // The timer runs on: whoever comes next begins the time anew.
        this.#since = this.#clock.now();
        return counted - this.#sessionStart;
    }

    /** The session resumes from the total in HELLO: the hub sends again everything behind it. */
    resume(told: number): void {
        this.#acknowledged = this.#sessionStart + told;
        this.#replayed = this.#received - this.#acknowledged;
        if (this.#counted === this.#acknowledged) {
            this.#acknowledgedBytes = this.#countedBytes;
            this.#isAwaited = false;
        }
    }

    /** Whether the counted frame just received is one that had been received before the session was resumed. */
    dropReplayed(): boolean {
        return this.#replayed > 0 && this.#replayed-- > 0;
    }

    /** Another session begins, of which so many frames are counted already. */
    clear(counted = 0): void {
        this.#untaken.clear();
        this.#acknowledged = this.#received;
        this.#sessionStart = this.#received - counted;
        this.#acknowledgedBytes = this.#receivedBytes;
        this.#replayed = 0;
        this.#firstDropped = Infinity;
        this.#isAwaited = false;
    }

    dispose(): void {
        this.#clock.clearTimeout(this.#timer);
    }

    get #counted(): number {
        const first = this.#untaken.first;
        return first ? first.number - 1 : Math.min(this.#received, this.#firstDropped - 1);
    }

    get #countedBytes(): number {
        return this.#untaken.first?.bytesBefore ?? this.#receivedBytes;
    }
}
