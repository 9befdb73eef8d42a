import { defer, type Deferred } from "./abort.ts";
import type { Delivery } from "./delivery.ts";
import type { HubConnectionError } from "./errors.ts";
import { Fifo } from "./fifo.ts";

/** For the object and its entry: otherwise empty bodies would cost nothing. */
const OVERHEAD_BYTES = 128;

/** Deliveries that wait for the program, bounded by bytes. Outlives a connection. One reader at a time. */
export class DeliveryQueue {
    /** Called with a delivery that the program has taken. */
    taken: (delivery: Delivery) => void = () => {};

    /** Called when there is room again. */
    roomMade: () => void = () => {};

    /** Bytes that are held, overhead included. */
    bytes = 0;

    /** At or above so many bytes no more is to be received. */
    limit = Infinity;

    readonly #items = new Fifo<Delivery>();
    #lastBytes: Uint8Array | undefined;
    #untaken: Delivery | undefined;
    #waiting: Deferred<IteratorResult<Delivery, undefined>> | undefined;
    #hasReader = false;
    #isClosing = false;
    #isComplete = false;
    #reason: HubConnectionError | undefined;

    /** Whether more may be received. */
    get hasRoom(): boolean {
        return this.bytes < this.limit || this.#isComplete || (this.#isClosing && !this.#hasReader);
    }

    /** Adds a delivery, whether there is room or not. False if it was dropped because nobody will read it. */
    add(delivery: Delivery): boolean {
        if (this.#isComplete || (this.#isClosing && !this.#hasReader && this.bytes >= this.limit)) {
            return false;
        }
        if (this.#waiting) {
            const { resolve } = this.#waiting;
            this.#waiting = undefined;
            this.#untaken = delivery;
            resolve({ done: false, value: delivery });
            return true;
        }
        // Whoever is first of its chunk pays for all of it: that is the memory that is held.
        delivery.cost = OVERHEAD_BYTES + (delivery.bytes === this.#lastBytes ? 0 : delivery.bytes.length);
        this.#lastBytes = delivery.bytes;
        this.bytes += delivery.cost;
        this.#items.push(delivery);
        return true;
    }

    /** From now on a full queue without a reader drops what is added, so that a closing client gets to the hub's GOODBYE behind it. */
    beginClose(): void {
        this.#isClosing = true;
        this.roomMade();
    }

    /** Ends the reader behind what is queued: with the reason, or without an error if there is none. */
    complete(reason: HubConnectionError | undefined): void {
        if (!this.#isComplete) {
            this.#isComplete = true;
            this.#reason = reason;
            const waiting = this.#waiting;
            this.#waiting = undefined;
            if (reason) {
                waiting?.reject(reason);
            } else {
                waiting?.resolve({ done: true, value: undefined });
            }
        }
    }

    /** Drops everything that is queued. */
    discard(): void {
        this.#items.clear();
        this.bytes = 0;
    }

    /** The program is done with a delivery before it has asked for the next one. */
    acknowledge(delivery: Delivery): void {
        if (delivery === this.#untaken) {
            this.#takePrevious();
        }
    }

    /** The messages, one after another. Leaving the loop loses nothing: another one goes on where it stopped. */
    read(signal?: AbortSignal): AsyncIterableIterator<Delivery, undefined> {
        if (this.#hasReader) {
            throw new TypeError("another loop is receiving from this client; one at a time may");
        }
        this.#hasReader = true;
        let last: Promise<unknown> | undefined;
        let ended = false;
        const end = (): IteratorResult<Delivery, undefined> => {
            if (!ended) {
                ended = true;
                this.#hasReader = false;
                this.#waiting?.resolve({ done: true, value: undefined });
                this.#waiting = undefined;
                this.roomMade();
            }
            return { done: true, value: undefined };
        };
        const next = async (): Promise<IteratorResult<Delivery, undefined>> => {
            if (ended) {
                return end();
            }
            try {
                signal?.throwIfAborted();
                const result = await this.#next(signal);
                return result.done ? end() : result;
            } catch (error) {
                end();
                throw error;
            }
        };
        return {
            next: () => {
                const item = ended || last || signal ? undefined : this.#tryNext();
                if (item) {
                    return Promise.resolve({ done: false, value: item });
                }
                // Calls that do not wait for each other are served in turn.
                const result = last ? last.then(next, next) : next();
                last = result;
                const forget = () => {
                    if (last === result) {
                        last = undefined;
                    }
                };
                result.then(forget, forget);
                return result;
            },
            return: () => Promise.resolve(end()),
            [Symbol.asyncIterator]() {
                return this;
            },
        };
    }

    #tryNext(): Delivery | undefined {
        this.#takePrevious();
        const item = this.#items.shift();
        if (item) {
            this.#untaken = item;
            const wasFull = this.bytes >= this.limit;
            this.bytes -= item.cost;
            if (this.#items.length === 0) {
                this.#lastBytes = undefined;
            }
            if (wasFull && this.bytes < this.limit) {
                this.roomMade();
            }
        }
        return item;
    }

    #next(signal: AbortSignal | undefined): Promise<IteratorResult<Delivery, undefined>> {
        const item = this.#tryNext();
        if (item) {
            return Promise.resolve({ done: false, value: item });
        }
        if (this.#isComplete) {
            return this.#reason ? Promise.reject(this.#reason) : Promise.resolve({ done: true, value: undefined });
        }
        const waiting = (this.#waiting = defer<IteratorResult<Delivery, undefined>>());
        if (signal) {
            const abort = () => {
                if (this.#waiting === waiting) {
                    this.#waiting = undefined;
                    waiting.reject(signal.reason);
                }
            };
            signal.addEventListener("abort", abort);
            return waiting.promise.finally(() => signal.removeEventListener("abort", abort));
        }
        return waiting.promise;
    }

    #takePrevious(): void {
        const delivery = this.#untaken;
        if (delivery) {
            this.#untaken = undefined;
            this.taken(delivery);
        }
    }
}
