/** Numbers and bytes of wire protocol version 1 (docs/protocol.md, section 4). */

export const HELLO = 0x01;
export const ECHO = 0x02;
export const IDENTITY = 0x03;
export const LIST = 0x04;
export const RELAY = 0x05;
export const ACK = 0x06;
export const HEARTBEAT = 0x07;
export const GOODBYE = 0x08;

/** A reply is the request's type and this bit. */
export const REPLY = 0x80;

export const WELCOME = 0x81;
export const DELIVERY = 0x85;
export const RECEIPT = 0x89;
export const PRESENCE = 0x8a;
export const ERROR = 0x8b;

export const VERSION = 1;
export const HEADER_BYTES = 8;
export const MAX_BODY_BYTES = 1 << 20;
export const MAX_RECEIVERS = 255;
export const MAX_TOKEN_BYTES = 8192;
export const KEY_BYTES = 16;

/** The flag of a HELLO that asks for a session that can be resumed; of a WELCOME that grants one. */
export const RESUMABLE = 1;

/** The flag of a HELLO that resumes a session; of a WELCOME that has done so. */
export const RESUME = 2;

/** The flag of a LIST that begins a watch; of its reply if another frame of it follows. */
export const WATCH = 1;
export const MORE = 1;

/** Flags of a RELAY; CONFIRM is one of a DELIVERY, too. */
export const WITH_RECEIPT = 1;
export const BEST_EFFORT = 2;
export const CONFIRM = 4;

/** The flag of an ERROR that stands in the place of a receipt. */
export const CORRELATED = 1;

const MAX_IDS_BYTES = 8 * 131_072;
const maxLengths = new Map([
    [WELCOME, 64],
    [ECHO | REPLY, MAX_BODY_BYTES],
    [IDENTITY | REPLY, 8],
    [LIST | REPLY, MAX_IDS_BYTES],
    [DELIVERY, 8 + MAX_BODY_BYTES],
    [ACK | REPLY, 8],
    [HEARTBEAT | REPLY, 0],
    [GOODBYE | REPLY, 1024],
    [RECEIPT, 8 + MAX_RECEIVERS],
    [PRESENCE, MAX_IDS_BYTES],
    [ERROR, 1024],
]);

/** The most that may follow the header of each type of frame from the hub; 0 for types that this version does not know. */
export const MAX_LENGTH = Uint32Array.from({ length: 256 }, (_, type) => maxLengths.get(type) ?? 0);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text);
export const encodeInto = (text: string, target: Uint8Array): number => encoder.encodeInto(text, target).written;
export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);

/** An id as callers write it. Ids are below 2^53, so that a number holds them, too. */
export type Id = bigint | number;

const readU32 = (bytes: Uint8Array, at: number): number =>
    (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;

let lastNumber = 0;
let lastId = 0n;

/** Reads an id. The one before is often the same one: a bigint costs an allocation. */
export function readId(bytes: Uint8Array, at: number): bigint {
    const high = readU32(bytes, at + 4);
    const number = high * 0x1_0000_0000 + readU32(bytes, at);
    if (number !== lastNumber || high >= 0x20_0000) {
        lastNumber = number;
        lastId = (BigInt(high) << 32n) | BigInt(readU32(bytes, at));
    }
    return lastId;
}

/** Reads a total or correlation, which is exact below 2^53; one beyond is larger than any that was ever sent. */
export const readNumber = (bytes: Uint8Array, at: number): number => readU32(bytes, at + 4) * 0x1_0000_0000 + readU32(bytes, at);

export const readHeaderLength = (bytes: Uint8Array, at: number): number => readU32(bytes, at + 4);

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
}

export function writeNumber(bytes: Uint8Array, at: number, value: number): void {
    writeU32(bytes, at, value);
    writeU32(bytes, at + 4, value / 0x1_0000_0000);
}

export function writeId(bytes: Uint8Array, at: number, id: Id): void {
    const number = Number(id);
    if (number <= Number.MAX_SAFE_INTEGER) {
        writeNumber(bytes, at, number);
    } else {
        writeU32(bytes, at, Number(BigInt(id) & 0xffff_ffffn));
        writeU32(bytes, at + 4, Number(BigInt(id) >> 32n));
    }
}

/** Writes a header into bytes that are at least as long. */
export function writeHeader(bytes: Uint8Array, at: number, type: number, flags: number, arg: number, length: number): void {
    bytes[at] = type;
    bytes[at + 1] = flags;
    bytes[at + 2] = arg;
    bytes[at + 3] = arg >>> 8;
    writeU32(bytes, at + 4, length);
}

/** What a HELLO asks for. */
export interface Hello {
    readonly flags: number;
    /** With RESUME: the session's key, and the total of frames that the program has taken. */
    readonly key?: Uint8Array | undefined;
    readonly received?: number;
    readonly token: Uint8Array;
}

export function encodeHello({ flags, key, received = 0, token }: Hello): Uint8Array {
    const head = key ? 12 + KEY_BYTES : 4;
    const frame = new Uint8Array(HEADER_BYTES + head + token.length);
    writeHeader(frame, 0, HELLO, flags, VERSION, head + token.length);
    frame.set(utf8("MDS1"), HEADER_BYTES);
    if (key) {
        frame.set(key, HEADER_BYTES + 4);
        writeNumber(frame, HEADER_BYTES + 4 + KEY_BYTES, received);
    }
    frame.set(token, HEADER_BYTES + head);
    return frame;
}

/** What a WELCOME grants. */
export interface Welcome {
    readonly id: bigint;
    readonly maxBody: number;
    readonly maxReceivers: number;
    readonly heartbeatSeconds: number;
    readonly resumed: boolean;
    /** Of a session that can be resumed: its key, how many relays the hub has processed, and for how long it may be resumed. */
    readonly key?: Uint8Array;
    readonly processed: number;
    readonly windowSeconds: number;
}

/** Reads the payload of a WELCOME; undefined if this version does not understand it. */
export function decodeWelcome(flags: number, version: number, payload: Uint8Array): Welcome | undefined {
    const resumable = (flags & RESUMABLE) !== 0;
    if (version !== VERSION || payload.length < (resumable ? 48 : 16)) {
        return undefined;
    }
    const welcome = {
        id: readId(payload, 0),
        maxBody: Math.min(readU32(payload, 8), MAX_BODY_BYTES),
        maxReceivers: Math.min(payload[12]! | (payload[13]! << 8), MAX_RECEIVERS),
        heartbeatSeconds: payload[14]! | (payload[15]! << 8),
        resumed: (flags & RESUME) !== 0,
        processed: resumable ? readNumber(payload, 32) : 0,
        windowSeconds: resumable ? readU32(payload, 40) : 0,
    };
    if (welcome.id === 0n || welcome.id > BigInt(Number.MAX_SAFE_INTEGER)) {
        return undefined;
    }
    return resumable ? { ...welcome, key: payload.slice(16, 32) } : welcome;
}
