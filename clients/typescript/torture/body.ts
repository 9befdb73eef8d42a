import { readFileSync } from "node:fs";

/** Bodies as the torture's other clients make them: who sent them, where they stand, how long they are, and every byte follows from that. */
const STAMP_BYTES = 24;
const MIN_TEXT_BYTES = 1 + 2 * STAMP_BYTES;
const MARK = 0xd5;
const TEXT_MARK = 0x54;
const OFFSETS = 1 << 20;
const LETTERS = Buffer.from("abcdefghijklmnopqrstuvwxyz012345");

export const BodyState = {
    Intact: 0,
    Tiny: 1,
    Changed: 2,
} as const;

export interface ReceivedBody {
    readonly state: number;
    readonly author: bigint;
    readonly number: bigint;
}

export class Bodies {
    static readonly stampBytes = STAMP_BYTES;
    static readonly minTextBytes = MIN_TEXT_BYTES;

    readonly #run: number;
    readonly #pattern: Buffer;
    readonly #text: Buffer;

    constructor(file: string, run: number) {
        this.#run = ((run & ~0xff) | MARK) >>> 0;
        this.#pattern = readFileSync(file);
        this.#text = this.#pattern.map((value) => LETTERS[value & 31]!) as Buffer;
    }

    write(bytes: number, author: bigint, number: bigint, isText: boolean): Buffer {
        const body = Buffer.alloc(bytes);
        const offset = offsetOf(author, number);
        if (isText) {
            body[0] = TEXT_MARK;
            body.write(this.#stamp(author, number, bytes).toString("hex").toUpperCase(), 1, "latin1");
            this.#text.copy(body, MIN_TEXT_BYTES, offset, offset + bytes - MIN_TEXT_BYTES);
        } else if (bytes < STAMP_BYTES) {
            this.#pattern.copy(body, 0, 0, bytes);
        } else {
            this.#stamp(author, number, bytes).copy(body);
            this.#pattern.copy(body, STAMP_BYTES, offset, offset + bytes - STAMP_BYTES);
        }
        return body;
    }

    read(body: Buffer): ReceivedBody {
        if (body.length >= MIN_TEXT_BYTES && body[0] === TEXT_MARK) {
            const stamp = Buffer.from(body.toString("latin1", 1, MIN_TEXT_BYTES), "hex");
            return this.#compare(stamp, body.subarray(MIN_TEXT_BYTES), this.#text, body.length);
        }
        if (body.length < STAMP_BYTES) {
            const isTiny = body.equals(this.#pattern.subarray(0, body.length));
            return { state: isTiny ? BodyState.Tiny : BodyState.Changed, author: 0n, number: 0n };
        }
        return this.#compare(body, body.subarray(STAMP_BYTES), this.#pattern, body.length);
    }

    #compare(stamp: Buffer, rest: Buffer, pattern: Buffer, bytes: number): ReceivedBody {
        if (stamp.length < STAMP_BYTES) {
            return { state: BodyState.Changed, author: 0n, number: 0n };
        }
        const author = stamp.readBigUInt64LE(8);
        const number = stamp.readBigInt64LE(16);
        const offset = offsetOf(author, number);
        const isIntact =
            stamp.readUInt32LE(0) === this.#run &&
            stamp.readUInt32LE(4) === bytes &&
            rest.equals(pattern.subarray(offset, offset + rest.length));
        return { state: isIntact ? BodyState.Intact : BodyState.Changed, author, number };
    }

    #stamp(author: bigint, number: bigint, bytes: number): Buffer {
        const stamp = Buffer.alloc(STAMP_BYTES);
        stamp.writeUInt32LE(this.#run, 0);
        stamp.writeUInt32LE(bytes, 4);
        stamp.writeBigUInt64LE(author, 8);
        stamp.writeBigInt64LE(number, 16);
        return stamp;
    }
}

function offsetOf(author: bigint, number: bigint): number {
    const mixed = BigInt.asUintN(64, (BigInt.asUintN(64, author * 0x9e3779b97f4a7c15n) ^ BigInt.asUintN(64, number)) * 0xbf58476d1ce4e5b9n);
    return Number(mixed >> 44n) & (OFFSETS - 1);
}
