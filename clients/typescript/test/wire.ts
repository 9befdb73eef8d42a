/** The protocol as the hub writes and reads it, independent of the client's own code. */

const names: Record<number, string> = {
    0x01: "HELLO",
    0x02: "ECHO",
    0x03: "IDENTITY",
    0x04: "LIST",
    0x05: "RELAY",
    0x06: "ACK",
    0x07: "HEARTBEAT",
    0x08: "GOODBYE",
};

const codes = [
    ...["normal", "shutting_down", "protocol_error", "frame_too_large", "unsupported", "invalid_receivers", "auth_required", "auth_failed"],
    ...["handshake_timeout", "heartbeat_timeout", "slow_consumer", "taken_over", "too_many_connections", "rate_limited", "removed"],
    ...["overloaded", "not_allowed", "invalid_name", "name_taken"],
];

const outcomes = ["accepted", "held", "unknown", "full", "unreachable", "delivered"];

export const allCodes: readonly string[] = codes;

/** A frame from the client. */
export interface Frame {
    readonly type: string;
    readonly flags: number;
    readonly arg: number;
    readonly payload: Buffer;
    readonly bytes: Buffer;
}

function frame(type: number, flags: number, arg: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
    const bytes = Buffer.alloc(8 + payload.length);
    bytes[0] = type;
    bytes[1] = flags;
    bytes.writeUInt16LE(arg, 2);
    bytes.writeUInt32LE(payload.length, 4);
    bytes.set(payload, 8);
    return bytes;
}

function u64(...values: (number | bigint)[]): Buffer {
    const bytes = Buffer.alloc(8 * values.length);
    values.forEach((value, i) => bytes.writeBigUInt64LE(BigInt(value), 8 * i));
    return bytes;
}

const text = (value: string): Buffer => Buffer.from(value, "utf8");

export const Frames = {
    frame,

    welcome(
        id: number | bigint,
        {
            key,
            resumed = false,
            processed = 0,
            window = 120,
            heartbeat = 0,
            maxBody = 1 << 20,
            maxReceivers = 255,
        }: {
            key?: number;
            resumed?: boolean;
            processed?: number;
            window?: number;
            heartbeat?: number;
            maxBody?: number;
            maxReceivers?: number;
        } = {},
    ): Buffer {
        const limits = Buffer.alloc(8);
        limits.writeUInt32LE(maxBody, 0);
        limits.writeUInt16LE(maxReceivers, 4);
        limits.writeUInt16LE(heartbeat, 6);
        const terms = Buffer.alloc(8);
        terms.writeUInt32LE(window, 0);
        terms.writeUInt32LE(8 << 20, 4);
        const payload = key === undefined ? [u64(id), limits] : [u64(id), limits, Buffer.alloc(16, key), u64(processed), terms];
        return frame(0x81, (key === undefined ? 0 : 1) | (resumed ? 2 : 0), 1, Buffer.concat(payload));
    },

    delivery: (from: number | bigint, body: string | Uint8Array = "", { confirm = false } = {}): Buffer =>
        frame(0x85, confirm ? 4 : 0, 0, Buffer.concat([u64(from), typeof body === "string" ? text(body) : body])),

    receipt: (correlation: number | bigint, ...names: string[]): Buffer =>
        frame(0x89, 0, names.length, Buffer.concat([u64(correlation), Buffer.from(names.map((name) => outcomes.indexOf(name)))])),

    ack: (total: number | bigint): Buffer => frame(0x86, 0, 0, u64(total)),
    heartbeat: (): Buffer => frame(0x87, 0, 0),
    identity: (id: number): Buffer => frame(0x83, 0, 0, u64(id)),
    echo: (body: Uint8Array): Buffer => frame(0x82, 0, 0, body),
    list: (ids: number[], { more = false } = {}): Buffer => frame(0x84, more ? 1 : 0, 0, u64(...ids)),
    presence: (change: number, ...ids: number[]): Buffer => frame(0x8a, 0, change, u64(...ids)),
    goodbye: (code: string, words = ""): Buffer => frame(0x88, 0, codes.indexOf(code), text(words)),
    error: (code: string, words = "", correlation?: number): Buffer =>
        frame(
            0x8b,
            correlation === undefined ? 0 : 1,
            codes.indexOf(code),
            Buffer.concat([correlation === undefined ? Buffer.alloc(0) : u64(correlation), text(words)]),
        ),

    read: (bytes: Buffer): Frame => ({
        type: names[bytes[0]!] ?? `0x${bytes[0]!.toString(16)}`,
        flags: bytes[1]!,
        arg: bytes.readUInt16LE(2),
        payload: bytes.subarray(8),
        bytes,
    }),
};

/** What a RELAY says. */
export function relayOf(frame: Frame): { correlation: bigint | undefined; to: bigint[]; body: Buffer } {
    const hasReceipt = (frame.flags & 1) !== 0;
    const ids = Array.from({ length: frame.arg }, (_, i) => frame.payload.readBigUInt64LE((hasReceipt ? 8 : 0) + 8 * i));
    return {
        correlation: hasReceipt ? frame.payload.readBigUInt64LE(0) : undefined,
        to: ids,
        body: frame.payload.subarray((hasReceipt ? 8 : 0) + 8 * frame.arg),
    };
}

export const totalOf = (frame: Frame): bigint => frame.payload.readBigUInt64LE(0);
