import { violation, type HubConnectionError } from "./errors.ts";
import { HEADER_BYTES, isPossible, readU32, viewOf } from "./frames.ts";

/**
 * Takes a frame whose payload lies from `start` to `end`. The bytes stay as they are as long as anybody refers to them. Returns false if the
 * frame is wrong or not due.
 */
export type FrameHandler = (type: number, flags: number, arg: number, view: DataView, start: number, end: number) => boolean;

/** Splits received bytes into frames. */
export interface FrameReader {
    /** Whether the handler is to be called no more for now. It may be set by the handler. */
    isStopped: boolean;

    /** Takes bytes, and hands on the frames that are whole now, or goes on where it was stopped. The error says what the hub did wrong. */
    readFrames(chunk?: Uint8Array): HubConnectionError | undefined;
}

/**
 * Splits received bytes into frames, wherever they are cut. A frame that lies in one chunk is not copied, and a byte of any other one is
 * copied a few times at most. Nothing is reserved for a declared length.
 */
export function createFrameReader(handle: FrameHandler): FrameReader {
    const chunks: DataView[] = [];
    let at = 0;
    let partial = new Uint8Array(0);
    let have = 0;
    let isReading = false;

    /** Adds bytes of a chunk to the frame that is partly received, until it has so many. */
    function keep({ buffer, byteOffset, byteLength }: DataView, needed: number): boolean {
        const count = Math.min(byteLength - at, needed - have);
        if (have + count > partial.length) {
            const larger = new Uint8Array(Math.max(have + count, Math.min(2 * have, needed)));
            larger.set(partial.subarray(0, have));
            partial = larger;
        }
        partial.set(new Uint8Array(buffer, byteOffset + at, count), have);
        have += count;
        at += count;
        return have >= needed;
    }

    /** Deals with the next frame, or with what there is of it. */
    function step(chunk: DataView): HubConnectionError | undefined {
        const isKept = have || chunk.byteLength - at < HEADER_BYTES;
        if (isKept && have < HEADER_BYTES && !keep(chunk, HEADER_BYTES)) {
            return undefined;
        }
        let view = isKept ? viewOf(partial) : chunk;
        let start = isKept ? 0 : at;
        const head = readU32(view, start);
        const length = readU32(view, start + 4);
        const type = head & 255;
        let isRight = isPossible(type, length);
        if (isRight) {
            if (!isKept && at + HEADER_BYTES + length <= chunk.byteLength) {
                at += HEADER_BYTES + length;
            } else if (keep(chunk, HEADER_BYTES + length)) {
                view = viewOf(partial);
                start = have = 0;
                partial = new Uint8Array(0);
            } else {
                return undefined;
            }
            start += HEADER_BYTES;
            isRight = handle(type, (head >> 8) & 255, head >>> 16, view, start, start + length);
        }
        return isRight ? undefined : violation(type, length);
    }

    const reader: FrameReader = {
        isStopped: false,
        readFrames(chunk) {
            let error;
            if (chunk) {
                chunks.push(viewOf(chunk));
            }
            // A handler may call this again: what it asks for is already being done.
            if (!isReading) {
                isReading = true;
                while (!error && !reader.isStopped && chunks[0]) {
                    if (at < chunks[0].byteLength) {
                        error = step(chunks[0]);
                    } else {
                        chunks.shift();
                        at = 0;
                    }
                }
                isReading = false;
            }
            return error;
        },
    };
    return reader;
}
