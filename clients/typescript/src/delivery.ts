import { textOf } from "./frames.ts";
import type { DeliveryQueue } from "./delivery_queue.ts";

/** A message that has arrived. */
export class Delivery {
    /** Who sent it. */
    readonly from: bigint;

    /** Its place among the frames of its session; 0 in one that cannot be resumed. @internal */
    number = 0;

    /** Bytes of all counted frames before it. @internal */
    bytesBefore = 0;

    /** Whether its sender waits until it is taken. @internal */
    readonly isAwaited: boolean;

    /** What it takes of the queue's memory. @internal */
    cost = 0;

    /** Memory that it shares with its neighbours. @internal */
    readonly bytes: Uint8Array;

    readonly #start: number;
    readonly #end: number;
    readonly #queue: DeliveryQueue;

    /** @internal */
    constructor(from: bigint, bytes: Uint8Array, start: number, end: number, isAwaited: boolean, queue: DeliveryQueue) {
        this.from = from;
        this.bytes = bytes;
        this.#start = start;
        this.#end = end;
        this.isAwaited = isAwaited;
        this.#queue = queue;
    }

    /**
     * The body. It shares memory with other messages that came at the same time, and holds it: copy (`slice`) what you keep for long.
     */
    get body(): Uint8Array {
        return this.bytes.subarray(this.#start, this.#end);
    }

    /** Bytes of the body. */
    get length(): number {
        return this.#end - this.#start;
    }

    /** The body as UTF-8; what is none becomes U+FFFD. */
    text(): string {
        return textOf(this.body);
    }

    /** The body as JSON. Throws a SyntaxError if it is none. */
    json(): unknown {
        return JSON.parse(this.text());
    }

    /**
     * Tells the hub that the program has taken this message, before it asks for the next one. A handler that itself waits for a
     * confirmation does so first: two such handlers would wait for each other.
     */
    ack(): void {
        this.#queue.acknowledge(this);
    }
}
