import type { Acknowledgements } from "./acknowledgements.ts";
import { defer, type Deferred } from "./abort.ts";
import type { HubConnectionError, HubError } from "./errors.ts";
import { Fifo } from "./fifo.ts";
import {
    BEST_EFFORT,
    GOODBYE,
    HEADER_BYTES,
    RELAY,
    WATCH,
    WITH_RECEIPT,
    encodeInto,
    writeHeader,
    writeId,
    writeU32,
    type Id,
} from "./frames.ts";
import type { PresenceFeed } from "./presence.ts";
import { Receipt } from "./receipt.ts";
import { ReplayBuffer } from "./replay_buffer.ts";
import { EchoRequest, HeartbeatRequest, ListRequest, type Request } from "./requests.ts";

/** Bounds the memory of calls whose frames are sent; callers beyond it wait as they do for the buffer. */
const MAX_PENDING = 16 * 1024;

/** A string of at most so many UTF-16 units is written straight into the buffer. */
export const MAX_SHORT_STRING = 4096;

/** A relay that waits for its receipt. */
export interface PendingReceipt extends Deferred<Receipt> {
    readonly receivers: number;
}

/** A caller that waits for room. */
interface Waiter {
    /** Writes its frame; undefined once it was aborted. */
    write: (() => void) | undefined;
    readonly done: Deferred<void>;
}

/** What a call is told that need not wait. */
export const taken = Promise.resolve();

/**
 * Writes the frames to the hub in order, and keeps each as long as it may have to be sent again. Callers wait while there is no room.
 *
 * Answers come in the order of their requests; only receipts have a correlation. An ERROR without one belongs to the oldest pending request,
 * unless a relay without a receipt was sent before that: such a relay has no answer but possibly an ERROR. Therefore a request behind such a
 * relay is sent behind a HEARTBEAT, the fence: an ERROR that comes before the heartbeat's answer is the relay's.
 */
export class Sender {
    /** Frames that are not sent yet or may have to be sent again. */
    readonly frames = new ReplayBuffer();

    /** Requests without an answer, in order. */
    readonly requests = new Fifo<Request>();

    /** Relays without their receipt, by number. */
    readonly receipts = new Map<number, PendingReceipt>();

    /** The upper half of each correlation: tells this client's receipts from those of one whose session it has taken over. */
    epoch = 0;

    /** Whether there is a connection to send on. */
    isConnected = false;

    /** Whether a GOODBYE is queued behind everything else. */
    isClosing = false;
    isGoodbyeWritten = false;

    /** Whether the hub may send PRESENCE on this connection. */
    mayReceivePresence = false;

    readonly #limit: number;
    readonly #acks: Acknowledgements;
    readonly #presence: PresenceFeed;
    readonly #ready: () => void;
    readonly #waiters = new Fifo<Waiter>();
    #hasBegun = false;
    #needsFence = false;
    #isProbing = false;
    #isSubscribed = false;
    #isListPending = false;
    #lastWaitingRelay = 0;

    /** @param ready Called when there is something to send. */
    constructor(limit: number, acks: Acknowledgements, presence: PresenceFeed, ready: () => void) {
        this.#limit = limit;
        this.#acks = acks;
        this.#presence = presence;
        this.#ready = ready;
    }

    /** Whether the hub may be holding this sender back for a full receiver: then it neither reads nor answers. */
    get mayBeHeldBack(): boolean {
        return this.#lastWaitingRelay > this.frames.processed;
    }

    /** Whether a call is queued or pending. */
    get hasCallers(): boolean {
        return (
            this.frames.relays > this.frames.processed ||
            this.receipts.size > 0 ||
            this.requests.toArray().some((request) => !(request instanceof HeartbeatRequest)) ||
            this.#waiters.toArray().some((waiter) => waiter.write && waiter.write !== this.#writeGoodbye)
        );
    }

    /** Relays of which it is not known what became: not processed, or processed and waiting for a receipt. */
    get unknownRelays(): number {
        const { relays, processed } = this.frames;
        return relays - processed + [...this.receipts.keys()].filter((relay) => relay <= processed).length;
    }

    /** Writes a relay, at once or when there is room. Completes when the client has taken it. */
    relay(
        to: Id | readonly Id[],
        body: string | Uint8Array,
        flags: number,
        receipt: PendingReceipt | undefined,
        signal: AbortSignal | undefined,
    ): Promise<void> {
        if (this.#hasRoom) {
            this.#writeRelay(to, body, flags, receipt);
            return taken;
        }
        return this.#wait(() => this.#writeRelay(to, body, flags, receipt), signal);
    }

    /** Writes a request, at once or when there is room. */
    request(request: Request, signal: AbortSignal | undefined): Promise<void> {
        if (this.#hasRoom) {
            this.#writeRequest(request);
            return taken;
        }
        return this.#wait(() => this.#writeRequest(request), signal);
    }

    /** Writes a HEARTBEAT ahead of callers that wait for room; false without a connection or behind a GOODBYE. */
    heartbeat(): boolean {
        const isOpen = this.isConnected && !this.isClosing;
        if (isOpen) {
            this.#writeRequest(new HeartbeatRequest());
        }
        return isOpen;
    }

    /** Writes an ACK if there is something to acknowledge, and it can be sent: behind a GOODBYE nothing is. */
    acknowledge(): void {
        if (this.isConnected && !this.isGoodbyeWritten && this.frames.retains) {
            const total = this.#acks.acknowledge();
            if (total !== undefined) {
                this.frames.writeAck(total);
                this.#ready();
            }
        }
    }

    /** Begins or ends the watch at the hub, if that is needed: a LIST that is written while somebody watches begins it, any other ends it. */
    updateSubscription(): void {
        if (this.isConnected && !this.isClosing && !this.#isListPending && this.#presence.isWanted !== this.#isSubscribed) {
            const list = new ListRequest(this.#presence, true);
            list.result.catch(() => {});
            this.#writeRequest(list);
        }
    }

    /** Queues the GOODBYE. */
    beginClose(): void {
        this.isClosing = true;
        const done = defer<void>();
        done.promise.catch(() => {});
        this.#waiters.push({ write: this.#writeGoodbye, done });
        this.pump();
    }

    /** The oldest request is answered. */
    noteAnswered(): void {
        const request = this.requests.shift()!;
        if (request instanceof HeartbeatRequest && request.isProbe) {
            this.#isProbing = false;
        }
        this.frames.noteAnswered();
        this.frames.noteProcessed(request.relay);
        if (request instanceof ListRequest && request.isForFeed) {
            this.#isListPending = false;
            this.updateSubscription();
        }
    }

    /** There is a new connection: requests are sent again, then waiting callers are served. */
    restart(): void {
        this.isConnected = this.#hasBegun = true;
        this.#isSubscribed = this.mayReceivePresence = false;
        for (const request of this.requests.toArray()) {
            request.restart();
            if (request instanceof ListRequest) {
                this.#isSubscribed = request.watches;
                this.mayReceivePresence ||= request.watches;
            }
        }
        this.updateSubscription();
        this.pump();
        this.#ready();
    }

    /** Fails all pending calls, and those that wait. */
    fail(pending: HubError, waiting: HubConnectionError): void {
        const calls = [...this.receipts.values()];
        const requests = this.requests.toArray();
        const waiters = this.#waiters.toArray();
        this.receipts.clear();
        this.requests.clear();
        this.#waiters.clear();
        this.#isListPending = this.#isProbing = this.#needsFence = false;
        calls.forEach((call) => call.reject(pending));
        requests.forEach((request) => request.fail(pending));
        waiters.forEach((waiter) => waiter.done.reject(waiting));
    }

    /** Serves waiting callers while there is room. */
    pump(): void {
        let first;
        while ((first = this.#waiters.first) && (!first.write || this.#isBelowLimit)) {
            this.#waiters.shift();
            first.write?.();
            first.done.resolve();
        }
        this.#probeForRoom();
    }

    get #isBelowLimit(): boolean {
        // Nothing is written before the first WELCOME: only then it is known whether frames are kept.
        return this.#hasBegun && this.frames.length < this.#limit && this.requests.length + this.receipts.size < MAX_PENDING;
    }

    get #hasRoom(): boolean {
        return this.#waiters.length === 0 && this.#isBelowLimit;
    }

    #wait(write: () => void, signal: AbortSignal | undefined): Promise<void> {
        const waiter: Waiter = { write, done: defer() };
        this.#waiters.push(waiter);
        this.#probeForRoom();
        if (!signal) {
            return waiter.done.promise;
        }
        const abort = () => {
            if (waiter.write) {
                waiter.write = undefined;
                waiter.done.reject(signal.reason);
                this.pump();
            }
        };
        signal.addEventListener("abort", abort);
        return waiter.done.promise.finally(() => {
            waiter.write = undefined;
            signal.removeEventListener("abort", abort);
        });
    }

    #writeRelay(to: Id | readonly Id[], body: string | Uint8Array, flags: number, receipt: PendingReceipt | undefined): void {
        const { frames } = this;
        const receivers = typeof to === "object" ? to : undefined;
        const count = receivers ? receivers.length : 1;
        const headBytes = HEADER_BYTES + 8 * count + (receipt ? 8 : 0);
        const start = frames.reserve(headBytes + (typeof body === "string" ? 3 : 1) * body.length);
        const { bytes } = frames;
        const relay = ++frames.relays;
        let at = start + HEADER_BYTES;
        if (receipt) {
            flags |= WITH_RECEIPT;
            writeU32(bytes, at, relay);
            writeU32(bytes, at + 4, this.epoch + Math.floor(relay / 0x1_0000_0000));
            this.receipts.set(relay, receipt);
            at += 8;
        }
        if (receivers) {
            for (const receiver of receivers) {
                writeId(bytes, at, receiver);
                at += 8;
            }
        } else {
            writeId(bytes, at, to as Id);
            at += 8;
        }
        let length;
        if (typeof body === "string") {
            length = encodeInto(body, bytes.subarray(at));
        } else {
            bytes.set(body, at);
            length = body.length;
        }
        writeHeader(bytes, start, RELAY, flags, count, at - start - HEADER_BYTES + length);
        frames.commit(at - start + length);
        this.#needsFence ||= !receipt;
        if (!(flags & BEST_EFFORT)) {
            this.#lastWaitingRelay = relay;
        }
        this.#ready();
    }

    #writeRequest(request: Request): void {
        if (this.#needsFence && !(request instanceof HeartbeatRequest)) {
            this.#writeRequest(new HeartbeatRequest());
        }
        let flags = 0;
        if (request instanceof ListRequest) {
            request.watches = this.#isSubscribed = this.#presence.isWanted;
            this.mayReceivePresence ||= this.#isSubscribed;
            this.#isListPending ||= request.isForFeed;
            flags = request.watches ? WATCH : 0;
        }
        this.frames.write(request.type, flags, request instanceof EchoRequest ? request.body : undefined);
        request.relay = this.frames.relays;
        this.requests.push(request);
        this.#needsFence = false;
        this.#ready();
    }

    readonly #writeGoodbye = (): void => {
        // The last ACK: senders that confirm are told of what the program has taken.
        this.acknowledge();
        this.frames.write(GOODBYE, 0);
        this.isGoodbyeWritten = true;
        this.#ready();
    };

    /**
     * Sends a HEARTBEAT so that its answer shows what was processed. Otherwise callers might wait up to a second for the hub's own ACK, where the
     * buffer is smaller than what the hub acknowledges at once.
     */
    #probeForRoom(): void {
        const { retains, relays, processed } = this.frames;
        if (retains && this.#waiters.length > 0 && !this.#isProbing && this.isConnected && relays > processed) {
            this.#isProbing = true;
            this.#writeRequest(new HeartbeatRequest(true));
        }
    }
}
