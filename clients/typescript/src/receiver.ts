import type { Acknowledgements } from "./acknowledgements.ts";
import { codeName } from "./codes.ts";
import { Delivery } from "./delivery.ts";
import type { DeliveryQueue } from "./delivery_queue.ts";
import { HubRequestError, HubConnectionError, closedHere, violation } from "./errors.ts";
import {
    ACK,
    CONFIRM,
    CORRELATED,
    DELIVERY,
    ERROR,
    GOODBYE,
    HEADER_BYTES,
    PRESENCE,
    RECEIPT,
    REPLY,
    readId,
    readNumber,
    textOf,
} from "./frames.ts";
import type { PresenceFeed } from "./presence.ts";
import { Receipt } from "./receipt.ts";
import { HeartbeatRequest, readIds } from "./requests.ts";
import type { PendingReceipt, Sender } from "./sender.ts";

/** Hands each frame from the hub to whom it is for: a pending call, the queue of deliveries, the watchers. */
export class Receiver {
    /** Whether the session was begun elsewhere: receipts of relays that this client has not sent are dropped. */
    isImported = false;

    readonly #sender: Sender;
    readonly #acks: Acknowledgements;
    readonly #deliveries: DeliveryQueue;
    readonly #presence: PresenceFeed;
    readonly #discards: boolean;
    readonly #rejected: (error: HubRequestError) => void;

    /** @param rejected Called with the error that answers a relay without a receipt. */
    constructor(
        sender: Sender,
        acks: Acknowledgements,
        deliveries: DeliveryQueue,
        presence: PresenceFeed,
        discards: boolean,
        rejected: (error: HubRequestError) => void,
    ) {
        this.#sender = sender;
        this.#acks = acks;
        this.#deliveries = deliveries;
        this.#presence = presence;
        this.#discards = discards;
        this.#rejected = rejected;
    }

    /** Processes a frame behind WELCOME, or a GOODBYE at any time. Returns why the connection is to end, if it is. */
    receive(type: number, flags: number, arg: number, bytes: Uint8Array, start: number, end: number): HubConnectionError | undefined {
        if (type === DELIVERY) {
            return this.#receiveDelivery(flags, bytes, start, end);
        }
        const payload = bytes.subarray(start, end);
        switch (type) {
            case RECEIPT:
                return this.#receiveReceipt(arg, payload);
            case ERROR:
                return this.#receiveError(flags, arg, payload);
            case ACK | REPLY:
                return this.#receiveAck(payload);
            case PRESENCE:
                return this.#receivePresence(arg, payload);
            case GOODBYE | REPLY:
                return arg === 0 && this.#sender.isGoodbyeWritten ? closedHere() : new HubConnectionError(codeName(arg), textOf(payload));
            default:
                return this.#receiveAnswer(type, flags, payload);
        }
    }

    /** Whether the session can be resumed, so that frames are counted and acknowledged. */
    get #counts(): boolean {
        return this.#sender.frames.retains;
    }

    #receiveDelivery(flags: number, bytes: Uint8Array, start: number, end: number): HubConnectionError | undefined {
        if (end - start < 8) {
            return violation(`a DELIVERY of ${end - start} bytes; it has at least 8`);
        }
        if (this.#dropsReplayed()) {
            return undefined;
        }
        const isAwaited = (flags & CONFIRM) !== 0;
        const length = HEADER_BYTES + end - start;
        if (this.#discards) {
            // With this option every delivery counts as taken at once.
            this.#count(length, isAwaited);
            return undefined;
        }
        const delivery = new Delivery(readId(bytes, start), bytes, start + 8, end, isAwaited, this.#deliveries);
        if (this.#counts) {
            this.#acks.receiveUntaken(delivery, length);
        }
        if (!this.#deliveries.add(delivery)) {
            this.#acks.drop(delivery.number);
        }
        return undefined;
    }

    #receiveAck(payload: Uint8Array): HubConnectionError | undefined {
        const { frames } = this.#sender;
        const total = payload.length === 8 ? readNumber(payload, 0) : NaN;
        const relay = this.#counts ? frames.relayAt(total) : undefined;
        if (relay === undefined) {
            return violation(`an ACK of ${total} relays, which is not due`);
        }
        frames.noteProcessed(relay);
        return undefined;
    }

    #receiveReceipt(count: number, payload: Uint8Array): HubConnectionError | undefined {
        return this.#settle("a RECEIPT", payload, (receipt) => {
            if (count !== receipt.receivers || payload.length !== 8 + count) {
                return violation(`a RECEIPT with ${payload.length - 8} outcomes for ${receipt.receivers} receivers`);
            }
            receipt.resolve(new Receipt(payload.subarray(8)));
            return undefined;
        });
    }

    #receiveError(flags: number, arg: number, payload: Uint8Array): HubConnectionError | undefined {
        const code = codeName(arg);
        if (flags & CORRELATED) {
            return this.#settle("an ERROR in the place of a receipt", payload, (receipt) => {
                receipt.reject(new HubRequestError(code, textOf(payload.subarray(8))));
                return undefined;
            });
        }
        const error = new HubRequestError(code, textOf(payload));
        const request = this.#sender.requests.first;
        if (!request || request instanceof HeartbeatRequest) {
            this.#rejected(error);
        } else {
            request.fail(error);
            this.#sender.noteAnswered();
        }
        return undefined;
    }

    /** Settles the relay that a counted frame with a correlation is about, unless that was done before the session was resumed. */
    #settle(
        what: string,
        payload: Uint8Array,
        settle: (receipt: PendingReceipt) => HubConnectionError | undefined,
    ): HubConnectionError | undefined {
        const { receipts, epoch, frames } = this.#sender;
        const correlation = payload.length < 8 ? NaN : readNumber(payload, 0);
        const relay = correlation - epoch * 0x1_0000_0000;
        const receipt = receipts.get(relay);
        const isReplayed = correlation > 0 && this.#dropsReplayed();
        if (!receipt && isReplayed) {
            return undefined;
        }
        const isForeign = this.isImported && (relay < 1 || relay >= 0x1_0000_0000);
        if (isReplayed || (!receipt && !isForeign)) {
            return violation(`${what} of relay ${relay}, which is not due`);
        }
        const error = receipt && settle(receipt);
        if (!error) {
            receipts.delete(relay);
            if (receipt) {
                frames.noteProcessed(relay);
            }
            this.#count(HEADER_BYTES + payload.length);
        }
        return error;
    }

    #receivePresence(change: number, payload: Uint8Array): HubConnectionError | undefined {
        if ((change !== 1 && change !== 2) || payload.length % 8 !== 0) {
            return violation(`a PRESENCE of ${payload.length} bytes with argument ${change}; it has 8 for each id, and 1 or 2`);
        }
        if (!this.#sender.mayReceivePresence) {
            return violation("a PRESENCE, though nobody watches");
        }
        this.#presence.apply(change === 1, readIds(payload));
        return undefined;
    }

    #receiveAnswer(type: number, flags: number, payload: Uint8Array): HubConnectionError | undefined {
        const request = this.#sender.requests.first;
        if (!request || (request.type | REPLY) !== type) {
            return violation(`a frame of type 0x${type.toString(16)}, which nobody asked for`);
        }
        const done = request.complete(flags, payload);
        if (done === true) {
            this.#sender.noteAnswered();
        }
        return typeof done === "object" ? done : undefined;
    }

    /** Whether a counted frame is one that had been received before the session was resumed. */
    #dropsReplayed(): boolean {
        return this.#counts && this.#acks.dropReplayed();
    }

    #count(bytes: number, isAwaited = false): void {
        if (this.#counts) {
            this.#acks.receive(bytes, isAwaited);
        }
    }
}
