import { violation, type HubConnectionError } from "./errors.ts";
import { HEADER_BYTES, MAX_LENGTH, WELCOME, readHeaderLength } from "./frames.ts";

/**
 * Takes a frame whose payload lies from `start` to `end`. The bytes stay as they are as long as anybody refers to them. False stops
 * reading until `read` is called.
 */
export type FrameHandler = (type: number, flags: number, arg: number, bytes: Uint8Array, start: number, end: number) => boolean;

/**
 * Splits received bytes into frames, wherever they are cut. A frame that lies in one chunk is not copied, and a byte of any other one is
 * copied a few times at most. Nothing is reserved for a declared length.
 */
export class FrameReader {
    readonly #handle: FrameHandler;
    readonly #chunks: Uint8Array[] = [];
    #at = 0;
    #partial: Uint8Array = new Uint8Array(0);
    #have = 0;
    #needed = 0;
    #reading = false;

    constructor(handle: FrameHandler) {
        this.#handle = handle;
    }

    /** Whether a frame is partly received. */
    get hasPartial(): boolean {
        return this.#have > 0 || this.#chunks.length > 0;
    }

    /** Takes the next bytes. The error says what the hub did wrong. */
    push(chunk: Uint8Array): HubConnectionError | undefined {
        this.#chunks.push(chunk);
        return this.read();
    }

    /** Reads on where the handler stopped. */
    read(): HubConnectionError | undefined {
        let error: HubConnectionError | undefined;
        if (!this.#reading) {
            // A handler may call this again: what it asks for is already being done.
            this.#reading = true;
            while (!error && this.#chunks.length > 0 && this.#reading) {
                error = this.#have > 0 ? this.#complete(this.#chunks[0]!) : this.#split(this.#chunks[0]!);
            }
            this.#reading = false;
        }
        return error;
    }

    /** Drops everything. */
    clear(): void {
        this.#chunks.length = this.#have = 0;
    }

    /** Hands on the whole frames of a chunk and keeps the rest. */
    #split(chunk: Uint8Array): HubConnectionError | undefined {
        let at = this.#at;
        this.#needed = HEADER_BYTES;
        while (chunk.length - at >= HEADER_BYTES) {
            const end = at + HEADER_BYTES + readHeaderLength(chunk, at);
            const error = check(chunk, at);
            if (error) {
                return error;
            }
            if (end > chunk.length) {
                this.#needed = end - at;
                break;
            }
            const start = at + HEADER_BYTES;
            this.#at = end;
            if (!this.#handle(chunk[at]!, chunk[at + 1]!, chunk[at + 2]! | (chunk[at + 3]! << 8), chunk, start, end)) {
                this.#reading = false;
                if (this.#chunks.length > 0 && end === chunk.length) {
                    this.#next();
                }
                return undefined;
            }
            at = end;
        }
        this.#keep(chunk, at, chunk.length);
        this.#next();
        return undefined;
    }

    /** Adds to the frame that is partly received what is missing. */
    #complete(chunk: Uint8Array): HubConnectionError | undefined {
        const end = Math.min(chunk.length, this.#at + this.#needed - this.#have);
        this.#keep(chunk, this.#at, end);
        this.#at = end;
        if (end === chunk.length) {
            this.#next();
        }
        if (this.#have < this.#needed) {
            return undefined;
        }
        const frame = this.#partial;
        const error = check(frame, 0);
        this.#needed = HEADER_BYTES + readHeaderLength(frame, 0);
        if (!error && this.#have >= this.#needed) {
            this.#partial = new Uint8Array(0);
            this.#have = 0;
            this.#reading = this.#handle(frame[0]!, frame[1]!, frame[2]! | (frame[3]! << 8), frame, HEADER_BYTES, this.#needed);
        }
        return error;
    }

    #keep(chunk: Uint8Array, start: number, end: number): void {
        const have = this.#have + end - start;
        if (have > this.#partial.length) {
            const larger = new Uint8Array(Math.max(have, Math.min(2 * this.#have, this.#needed)));
            larger.set(this.#partial.subarray(0, this.#have));
            this.#partial = larger;
        }
        this.#partial.set(chunk.subarray(start, end), this.#have);
        this.#have = have;
    }

    #next(): void {
        this.#chunks.shift();
        this.#at = 0;
    }
}

function check(bytes: Uint8Array, at: number): HubConnectionError | undefined {
    const length = readHeaderLength(bytes, at);
    const type = bytes[at]!;
    return length > MAX_LENGTH[type]!
        ? violation(`a frame of type 0x${type.toString(16)} with ${length} bytes; the limit is ${MAX_LENGTH[type]}`)
        : type < WELCOME
          ? violation(`a frame of type 0x${type.toString(16)}, which is none of a hub's`)
          : undefined;
}
