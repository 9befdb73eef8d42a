import { ACK, ECHO, GOODBYE, HEADER_BYTES, HEARTBEAT, LIST, RELAY, readHeaderLength, writeHeader, writeNumber } from "./frames.ts";

const BLOCK_BYTES = 64 * 1024;

/** Memory in which frames lie whole. */
interface Block {
    readonly bytes: Uint8Array;
    used: number;
}

const isRequest = (type: number): boolean => (type >= ECHO && type <= LIST) || type === HEARTBEAT;
const newBlock = (bytes: number): Block => ({ bytes: new Uint8Array(Math.max(bytes, BLOCK_BYTES)), used: 0 });

/**
 * Outbound frames in order, each kept as long as it may have to be sent again: a relay until the hub is known to have processed it, a
 * request until it is answered; in a session that cannot be resumed, until it is sent. Frames are found by their headers. A byte has a
 * position, counted from the first one ever written.
 */
export class ReplayBuffer {
    /** Whether frames are kept after they were sent. */
    retains = false;

    /** Relays written so far, over all sessions: the number of the last one. */
    relays = 0;

    /** The number of the last relay that the hub is known to have processed, and with it all before. */
    processed = 0;

    #blocks: Block[] = [newBlock(0)];
    #spare: Block | undefined;
    #last = this.#blocks[0]!;
    #headOffset = 0;
    #head = 0;
    #tail = 0;

    // The next byte to take: the block, and where in it.
    #next = 0;
    #nextBlock = 0;
    #nextOffset = 0;

    #relaysReleased = 0;
    #requestsReleased = 0;
    #requestsAnswered = 0;
    #sessionStart = 0;
    #ackPosition = -1;
    #ackOffset = 0;
    #ackBytes: Uint8Array | undefined;

    /** Bytes that are kept. */
    get length(): number {
        return this.#tail - this.#head;
    }

    /** Whether everything has been taken to be sent. */
    get isTaken(): boolean {
        return this.#next === this.#tail;
    }

    /** The position of the next byte to take. */
    get next(): number {
        return this.#next;
    }

    /** The position at which the next frame is written. */
    get written(): number {
        return this.#tail;
    }

    /** The memory in which `reserve` has found room. */
    get bytes(): Uint8Array {
        return this.#last.bytes;
    }

    /** Finds room for a frame of at most so many bytes, and returns its offset. Nothing is written without `commit`. */
    reserve(bytes: number): number {
        if (this.#last.used + bytes > this.#last.bytes.length) {
            this.#last = bytes <= BLOCK_BYTES && this.#spare ? this.#spare : newBlock(bytes);
            this.#spare = undefined;
            this.#blocks.push(this.#last);
        }
        return this.#last.used;
    }

    /** The frame in the reserved room is whole. */
    commit(bytes: number): void {
        this.#last.used += bytes;
        this.#tail += bytes;
    }

    /** Writes a frame without an argument. */
    write(type: number, flags: number, payload?: Uint8Array): void {
        const length = payload?.length ?? 0;
        const at = this.reserve(HEADER_BYTES + length);
        writeHeader(this.bytes, at, type, flags, 0, length);
        if (payload) {
            this.bytes.set(payload, at + HEADER_BYTES);
        }
        this.commit(HEADER_BYTES + length);
    }

    /** Writes an ACK, or updates one that is not taken yet. */
    writeAck(total: number): void {
        if (this.#ackPosition < this.#next) {
            this.#ackOffset = this.reserve(HEADER_BYTES + 8);
            this.#ackPosition = this.#tail;
            writeHeader(this.bytes, this.#ackOffset, ACK, 0, 0, 8);
            this.commit(HEADER_BYTES + 8);
            this.#ackBytes = this.bytes;
        }
        writeNumber(this.#ackBytes!, this.#ackOffset + HEADER_BYTES, total);
    }

    /** Takes the next bytes to send, at most so many. */
    take(max: number): Uint8Array | undefined {
        let block = this.#blocks[this.#nextBlock]!;
        if (this.#nextOffset === block.used && this.#nextBlock + 1 < this.#blocks.length) {
            block = this.#blocks[++this.#nextBlock]!;
            this.#nextOffset = 0;
        }
        const start = this.#nextOffset;
        const count = Math.min(block.used - start, max);
        if (count === 0) {
            return undefined;
        }
        this.#nextOffset += count;
        this.#next += count;
        return block.bytes.subarray(start, start + count);
    }

    /** The oldest request has been answered. */
    noteAnswered(): void {
        this.#requestsAnswered++;
    }

    /** The hub has processed the relay with this number, and so all before it. */
    noteProcessed(relay: number): void {
        this.processed = Math.max(this.processed, relay);
    }

    /** The number of the relay at a total of this session; undefined if there are not so many. */
    relayAt(total: number): number | undefined {
        return total <= this.relays - this.#sessionStart ? this.#sessionStart + total : undefined;
    }

    /** Releases what is not needed any more; nobody reads the memory before a position. */
    release(sent: number): void {
        while (this.#head < sent) {
            const block = this.#blocks[0]!;
            if (this.#headOffset === block.used) {
                this.#dropBlock();
                continue;
            }
            const end = this.#head + HEADER_BYTES + readHeaderLength(block.bytes, this.#headOffset);
            const type = block.bytes[this.#headOffset]!;
            if (end > sent) {
                break;
            }
            if (type === RELAY) {
                if (this.retains && this.#relaysReleased === this.processed) {
                    break;
                }
                this.#relaysReleased++;
            } else if (isRequest(type)) {
                if (this.retains && this.#requestsReleased === this.#requestsAnswered) {
                    break;
                }
                this.#requestsReleased++;
            }
            this.#headOffset += end - this.#head;
            this.#head = end;
        }
        if (this.#head === this.#tail && this.#next === this.#tail) {
            this.#restart();
        }
    }

    /**
     * Sends again the requests without an answer and the relays behind `relay`, in the order in which they were written. False, and
     * nothing happens, if some relay up to there cannot have been sent, or more are known to be processed.
     */
    rewind(relay: number): boolean {
        const kept: Uint8Array[] = [];
        let position = this.#head;
        let relays = this.#relaysReleased;
        let requests = this.#requestsReleased;
        for (const frame of this.#frames()) {
            const type = frame[0]!;
            const keep = type === RELAY ? ++relays > relay : isRequest(type) ? ++requests > this.#requestsAnswered : type === GOODBYE;
            if (keep) {
                kept.push(frame);
            } else if (type === RELAY && position >= this.#next) {
                return false;
            }
            position += frame.length;
        }
        if (relay < this.processed || relay > relays) {
            return false;
        }
        this.#rebuild(kept);
        this.processed = this.#relaysReleased = relay;
        this.#requestsReleased = this.#requestsAnswered;
        return true;
    }

    /** Drops everything: another session begins. Numbers go on, so that no answer of the old one is mistaken for one of the new. */
    clear(): void {
        this.#rebuild([]);
        this.#sessionStart = this.#relaysReleased = this.processed = this.relays;
        this.#requestsReleased = this.#requestsAnswered = 0;
    }

    /** What is to go on elsewhere: relays of this session, how many of them are processed, and the frames of the others. */
    export(): { relays: number; processed: number; frames: Uint8Array } {
        let number = this.#relaysReleased;
        const frames = this.#frames().filter((frame) => frame[0] === RELAY && ++number > this.processed);
        const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0));
        let at = 0;
        for (const frame of frames) {
            bytes.set(frame, at);
            at += frame.length;
        }
        return { relays: this.relays - this.#sessionStart, processed: this.processed - this.#sessionStart, frames: bytes };
    }

    /** Goes on with what was exported, in a buffer that is new. */
    import(relays: number, processed: number, frames: Uint8Array): void {
        this.relays = relays;
        this.processed = this.#relaysReleased = processed;
        for (let at = 0; at < frames.length;) {
            const length = HEADER_BYTES + readHeaderLength(frames, at);
            this.bytes.set(frames.subarray(at, at + length), this.reserve(length));
            this.commit(length);
            at += length;
        }
        // They may have been sent before.
        this.#next = this.#tail;
    }

    /** The frames from the head on, as they lie in memory. */
    #frames(): Uint8Array[] {
        const frames = [];
        let at = this.#headOffset;
        for (const { bytes, used } of this.#blocks) {
            while (at < used) {
                const end = at + HEADER_BYTES + readHeaderLength(bytes, at);
                frames.push(bytes.subarray(at, end));
                at = end;
            }
            at = 0;
        }
        return frames;
    }

    /** Keeps these frames only, and takes them again. The old memory may still be read by a transport. */
    #rebuild(frames: Uint8Array[]): void {
        this.#blocks = [];
        this.#spare = undefined;
        this.#blocks.push((this.#last = newBlock(0)));
        this.#head = this.#next = this.#tail;
        this.#headOffset = this.#nextBlock = this.#nextOffset = 0;
        this.#ackPosition = -1;
        for (const frame of frames) {
            this.bytes.set(frame, this.reserve(frame.length));
            this.commit(frame.length);
        }
    }

    #dropBlock(): void {
        const block = this.#blocks.shift()!;
        if (block.bytes.length === BLOCK_BYTES) {
            block.used = 0;
            this.#spare = block;
        }
        this.#nextBlock--;
        this.#headOffset = 0;
    }

    /** Nothing is kept: uses the same memory again, which is still in the processor's cache. */
    #restart(): void {
        while (this.#blocks.length > 1) {
            this.#dropBlock();
        }
        if (this.#last.bytes.length > BLOCK_BYTES) {
            this.#blocks[0] = this.#last = newBlock(0);
        }
        this.#last.used = this.#headOffset = this.#nextBlock = this.#nextOffset = 0;
    }
}
