import { utf8 } from "./frames.ts";

/** What a message may be made of: text becomes UTF-8. A stream is read to its end before the message is sent. */
export type Body = string | ArrayBuffer | ArrayBufferView | Blob | ReadableStream<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

function check(length: number, max: number): void {
    if (length > max) {
        throw new RangeError(`the body has ${length} bytes or more; the limit is ${max}`);
    }
}

/** A body as it is written, or a promise of one that has to be read first. Throws what is wrong with it. */
export function toBytes(body: Body, max: number): Uint8Array | Promise<Uint8Array> {
    const bytes =
        typeof body === "string"
            ? utf8(body)
            : ArrayBuffer.isView(body)
              ? new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
              : body instanceof ArrayBuffer
                ? new Uint8Array(body)
                : undefined;
    if (bytes) {
        check(bytes.length, max);
        return bytes;
    }
    return collect(body as Blob, max);
}

async function collect(body: Blob | ReadableStream<string> | AsyncIterable<string>, max: number): Promise<Uint8Array> {
    // Not every browser's streams are iterable.
    const stream = body instanceof Blob ? body.stream() : body;
    const reader = "getReader" in stream ? stream.getReader() : undefined;
    const source = reader
        ? { next: () => reader.read(), return: () => reader.cancel() }
        : (stream as AsyncIterable<string>)[Symbol.asyncIterator]();
    const chunks: Blob[] = [];
    let length = 0;
    try {
        for (let result; !(result = await source.next()).done;) {
            const part = new Blob([result.value as string]);
            length += part.size;
            check(length, max);
            chunks.push(part);
        }
    } finally {
        // Whoever gives up is not interested in the rest.
        void source.return?.();
    }
    return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
