import { CONFIRM, readU64, textOf } from "./frames.ts";

/** A message that has arrived. */
export class Delivery {
    /** Who sent it. */
    readonly from: bigint;

    /** Bytes of the body. */
    readonly length: number;

    /** What it takes of the memory for what waits. @internal */
    cost = 0;

    /** Its place among the frames of its session; 0 in one that cannot be resumed, or is over. @internal */
    frameNumber: number;

    /** Bytes of all counted frames before it. @internal */
    readonly bytesBefore: number;

    /** Whether its sender waits until it is taken. @internal */
    readonly isAwaited: boolean;

    readonly #view: DataView;
    readonly #start: number;
    readonly #take: (delivery: Delivery) => void;

    /** @internal */
    constructor(
        view: DataView,
        start: number,
        end: number,
        flags: number,
        frameNumber: number,
        bytesBefore: number,
        take: (delivery: Delivery) => void,
    ) {
        this.from = readU64(view, start);
        this.length = end - start - 8;
        this.frameNumber = frameNumber;
        this.bytesBefore = bytesBefore;
        this.isAwaited = !!(flags & CONFIRM);
        this.#view = view;
        this.#start = start + 8;
        this.#take = take;
    }

    /**
     * The body. It shares memory with other messages that came at the same time, and holds it: copy (`slice`) what you keep for long.
     */
    get body(): Uint8Array {
        const { buffer, byteOffset } = this.#view;
        return new Uint8Array(buffer, byteOffset + this.#start, this.length);
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
        this.#take(this);
    }
}
