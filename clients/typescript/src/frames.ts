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

/** The most that may follow the header of a frame from the hub, from WELCOME on: 131,072 ids of 8 bytes, or a body. */
const maxLengths = [64, MAX_BODY_BYTES, 8, MAX_BODY_BYTES, 8 + MAX_BODY_BYTES, 8, 0, 1024, 8 + MAX_RECEIVERS, MAX_BODY_BYTES, 1024];

/** Whether a hub may send a frame of this type and length. */
export const isPossible = (type: number, length: number): boolean => length <= maxLengths[type - WELCOME]!;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const utf8 = (text: string): Uint8Array => encoder.encode(text);
export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);

/** An id as callers write it. Ids are below 2^53, so that a number holds them, too. */
export type Id = bigint | number;

export const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView => new DataView(buffer, byteOffset, byteLength);
export const readU32 = (view: DataView, at: number): number => view.getUint32(at, true);
export const readU64 = (view: DataView, at: number): bigint => view.getBigUint64(at, true);
export const writeU64 = (view: DataView, at: number, value: Id): void => view.setBigUint64(at, BigInt(value), true);

/** Reads a total or correlation, which is exact below 2^53; one beyond is larger than any that was ever sent. */
export const readNumber = (view: DataView, at: number): number => Number(readU64(view, at));

export const readIds = (view: DataView): bigint[] => Array.from({ length: view.byteLength / 8 }, (_, i) => readU64(view, 8 * i));

export function writeHeader(view: DataView, at: number, type: number, flags: number, arg: number, length: number): void {
    view.setUint32(at, type | (flags << 8) | (arg << 16), true);
    view.setUint32(at + 4, length, true);
}

/** A HELLO; with a key it resumes that session, of whose frames the program has taken so many. */
export function encodeHello(isResumable: boolean, key: Uint8Array | undefined, taken: number, token: Uint8Array): Uint8Array {
    const head = HEADER_BYTES + (key ? 12 + KEY_BYTES : 4);
    const frame = new Uint8Array(head + token.length);
    const view = viewOf(frame);
    writeHeader(view, 0, HELLO, key ? RESUMABLE | RESUME : isResumable ? RESUMABLE : 0, VERSION, frame.length - HEADER_BYTES);
    frame.set(utf8("MDS1"), HEADER_BYTES);
    if (key) {
        frame.set(key, HEADER_BYTES + 4);
        writeU64(view, HEADER_BYTES + 4 + KEY_BYTES, taken);
    }
    frame.set(token, head);
    return frame;
}
