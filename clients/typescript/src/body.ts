import { utf8 } from "./frames.ts";
import { MAX_SHORT_STRING } from "./outbox.ts";

/** What a message may be made of: text becomes UTF-8. A stream is read to its end before the message is sent. */
export type Body = string | ArrayBuffer | ArrayBufferView | Blob | ReadableStream<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

/** A body as it is written, or a promise of one that has to be read first. Throws what is wrong with it. */
export function toBytes(body: Body, max: number): string | Uint8Array | Promise<Uint8Array> {
    if (typeof body === "string" && 3 * body.length <= Math.min(max, MAX_SHORT_STRING)) {
        return body;
    }
    const bytes = asBytes(body);
    if (bytes) {
        return check(bytes, bytes.length, max);
    }
    const stream = body instanceof Blob ? body.stream() : (body as ReadableStream<string | Uint8Array>);
    return collect(stream.getReader ? iterate(stream.getReader()) : stream, max);
}

function asBytes(body: unknown): Uint8Array | undefined {
    return typeof body === "string"
        ? utf8(body)
        : body instanceof Uint8Array
          ? body
          : body instanceof ArrayBuffer
            ? new Uint8Array(body)
            : ArrayBuffer.isView(body)
              ? new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
              : undefined;
}

function check(bytes: Uint8Array, length: number, max: number): Uint8Array {
    if (length > max) {
        throw new RangeError(`the body has ${length} bytes or more; the limit is ${max}`);
    }
    return bytes;
}

async function collect(stream: AsyncIterable<string | Uint8Array>, max: number): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of stream) {
        const bytes = asBytes(chunk)!;
        length += bytes.length;
        chunks.push(check(bytes, length, max).slice());
    }
    const body = new Uint8Array(length);
    for (const chunk of chunks.reverse()) {
        body.set(chunk, (length -= chunk.length));
    }
    return body;
}

/** Not every browser's streams are iterable. Whoever gives up is not interested in the rest. */
const iterate = <T>(reader: ReadableStreamDefaultReader<T>): AsyncIterable<T> => ({
    [Symbol.asyncIterator]: () => ({
        next: () => reader.read() as Promise<IteratorResult<T>>,
        return: async () => {
            await reader.cancel();
            return { done: true, value: undefined };
        },
    }),
});
