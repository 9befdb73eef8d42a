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

    /** Takes bytes, and hands on the frames that are whole now; without any goes on where it was stopped. The error says what the hub did wrong. */
    readFrames(chunk: Uint8Array): HubConnectionError | undefined;
}

/**
 * Splits received bytes into frames, wherever they are cut. The frames of a chunk lie where it came. Only behind a frame that was not whole a
 * chunk is copied, and so a byte a few times at most: room for a long frame doubles. Nothing is reserved for a declared length.
 */
export function createFrameReader(handle: FrameHandler): FrameReader {
    let rest = new Uint8Array(0);
    let have = 0;

    const reader: FrameReader = {
        isStopped: false,
        readFrames(chunk) {
            let bytes = chunk;
            if (have) {
                if (have + chunk.length > rest.length) {
                    const larger = new Uint8Array(have + Math.max(have, chunk.length));
                    larger.set(rest);
                    rest = larger;
                }
                rest.set(chunk, have);
                have += chunk.length;
                bytes = rest.subarray(0, have);
            }
            const view = viewOf(bytes);
            let at = 0;
            while (!reader.isStopped && bytes.length - at >= HEADER_BYTES) {
                const head = readU32(view, at);
                const length = readU32(view, at + 4);
                const start = at + HEADER_BYTES;
                const end = start + length;
                const isRight = isPossible(head & 255, length);
                if (isRight && end > bytes.length) {
                    break;
                }
                if (!isRight || !handle(head & 255, (head >> 8) & 255, head >>> 16, view, start, end)) {
                    return violation(head & 255);
                }
                at = end;
            }
            if (at || !have) {
                // What was handed on may be kept by others.
                rest = bytes.slice(at);
                have = rest.length;
            }
            return undefined;
        },
    };
    return reader;
}
