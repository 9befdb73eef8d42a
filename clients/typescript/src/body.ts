import { MAX_SHORT_STRING } from "./sender.ts";
import { utf8 } from "./frames.ts";

/** What a message may be made of: text becomes UTF-8. A stream is read to its end before the message is sent. */
export type Body = string | ArrayBuffer | ArrayBufferView | Blob | ReadableStream<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

/** A body as it is written, or a promise of one that has to be read first. Throws what is wrong with it. */
export function toBytes(body: Body, max: number): string | Uint8Array | Promise<Uint8Array> {
    if (typeof body === "string") {
        return 3 * body.length <= Math.min(max, MAX_SHORT_STRING) ? body : check(utf8(body), max);
    }
    if (body instanceof Uint8Array) {
        return check(body, max);
    }
    if (ArrayBuffer.isView(body)) {
        return check(new Uint8Array(body.buffer, body.byteOffset, body.byteLength), max);
    }
    if (body instanceof ArrayBuffer) {
        return check(new Uint8Array(body), max);
    }
    if (typeof Blob !== "undefined" && body instanceof Blob) {
        return collect(body.stream(), max);
    }
    if (body && typeof body === "object" && ("getReader" in body || Symbol.asyncIterator in body)) {
        return collect(body, max);
    }
    throw new TypeError("a body is a string, bytes, a Blob, or a stream of strings or bytes");
}

function check(bytes: Uint8Array, max: number): Uint8Array {
    if (bytes.length > max) {
        throw new RangeError(`the body has ${bytes.length} bytes; the limit is ${max}`);
    }
    return bytes;
}

async function collect(stream: ReadableStream<string | Uint8Array> | AsyncIterable<string | Uint8Array>, max: number): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of "getReader" in stream ? read(stream) : stream) {
        const bytes = typeof chunk === "string" ? utf8(chunk) : chunk;
        if (!(bytes instanceof Uint8Array)) {
            throw new TypeError("a stream for a body gives strings or bytes");
        }
        length += bytes.length;
        if (length > max) {
            throw new RangeError(`the body has more than ${max} bytes, which is the limit`);
        }
        chunks.push(bytes.slice());
    }
    const body = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
        body.set(chunk, at);
        at += chunk.length;
    }
    return body;
}

/** Not every browser's streams are iterable. */
async function* read<T>(stream: ReadableStream<T>): AsyncGenerator<T, void, undefined> {
    const reader = stream.getReader();
    try {
        for (let result; !(result = await reader.read()).done;) {
            yield result.value;
        }
    } finally {
        // Whoever gives up is not interested in the rest.
        void reader.cancel().catch(() => {});
    }
}
