import { onAbort } from "./abort.ts";
import type { Clock } from "./clock.ts";
import { Delivery } from "./delivery.ts";
import type { HubConnectionError } from "./errors.ts";
import { CONFIRM, HEADER_BYTES } from "./frames.ts";

/** For the object and its entry: otherwise empty bodies would cost nothing. */
const OVERHEAD_BYTES = 128;

/** An ACK is due after so many counted frames, so many bytes of them, or so long after the first of them. */
const ACK_FRAMES = 64;
const ACK_BYTES = 256 * 1024;
const ACK_MILLISECONDS = 1000;

export type Inbox = ReturnType<typeof createInbox>;

/**
 * Deliveries that wait for the program, and which received frames of a resumable session count as taken. A receipt counts when it is handed
 * on, a delivery when the program has taken it, and no frame before those in front of it. Outlives connections.
 * One reader at a time.
 */
export function createInbox(clock: Clock, acknowledge: () => void) {
    // The first may be handed out, and not taken. Those in front of it are gone.
    const items: (Delivery | undefined)[] = [];
    let head = 0;
    let isHandedOut = false;
    let lastView: DataView | undefined;
    let wake = () => {};
    let hasReader = false;
    let isClosing = false;
    let isComplete = false;
    let reason: HubConnectionError | undefined;

    let timer: unknown;
    let received = 0;
    let receivedBytes = 0;
    let acknowledged = 0;
    let acknowledgedBytes = 0;
    let replayed = 0;
    let isAwaited = false;

    // The first delivery of this session, and the first one that was dropped instead of being handed out.
    let firstNumber = Infinity;
    let firstDropped = Infinity;

    // Deliveries of an earlier session count for nothing, but are handed out before those of this one.
    const counted = () => {
        const first = items[head];
        return Math.min(first ? (first.frameNumber || firstNumber) - 1 : received, received, firstDropped - 1);
    };
    const countedBytes = () => items[head]?.bytesBefore ?? receivedBytes;

    function acknowledgeIfDue(): void {
        const frames = counted() - acknowledged;
        if (frames > 0 && (isAwaited || frames >= ACK_FRAMES || countedBytes() - acknowledgedBytes >= ACK_BYTES)) {
            acknowledge();
        } else if (frames > 0 && timer === undefined) {
            timer = clock.setTimeout(() => {
                timer = undefined;
                acknowledge();
            }, ACK_MILLISECONDS);
        }
    }

    /** The program is done with the delivery that was handed out. */
    function take(): void {
        if (isHandedOut) {
            isHandedOut = false;
            const delivery = items[head]!;
            items[head++] = undefined;
            if (head > 999 && 2 * head > items.length) {
                items.splice(0, head);
                head = 0;
            }
            if (delivery.frameNumber) {
                isAwaited ||= delivery.isAwaited;
                acknowledgeIfDue();
            }
        }
    }

    const takeIfFirst = (delivery: Delivery) => {
        if (delivery === items[head]) {
            take();
        }
    };

    const inbox = {
        /** Bytes that are held, overhead included; at or above the limit no more is to be received. */
        bytes: 0,
        limit: Infinity,

        /** Called when there is more room than before. */
        roomMade: () => {},

        /** Whether more may be received. */
        hasRoom: () => inbox.bytes < inbox.limit || isComplete || (isClosing && !hasReader),

        /** A delivery has come; `isCounted` in a session that can be resumed. */
        add(flags: number, view: DataView, start: number, end: number, isCounted: boolean): void {
            const delivery = new Delivery(view, start, end, flags, isCounted ? ++received : 0, receivedBytes, takeIfFirst);
            const number = delivery.frameNumber || Infinity;
            receivedBytes += HEADER_BYTES + end - start;
            if (inbox.hasRoom() && inbox.bytes >= inbox.limit) {
                // Nobody will read it: neither it nor any later frame of this session counts.
                firstDropped = Math.min(firstDropped, number);
                return;
            }
            firstNumber = Math.min(firstNumber, number);
            // Whoever is first of its chunk pays for all of it: that is the memory that is held.
            delivery.cost = OVERHEAD_BYTES + (view === lastView ? 0 : view.byteLength);
            lastView = view;
            inbox.bytes += delivery.cost;
            items.push(delivery);
            wake();
        },

        /** A frame has come that counts as soon as those before it do; by its flags a sender may wait for that. */
        countFrame(bytes: number, flags = 0): void {
            received++;
            receivedBytes += bytes;
            isAwaited ||= !!(flags & CONFIRM);
        },

        /** Acknowledges if it is due, and otherwise sees to it that it will be. */
        acknowledgeIfDue,

        /** Counted frames of this session: the total in HELLO. */
        totalTaken: counted,

        /** Marks everything counted as acknowledged, and returns the total; undefined if nothing is new. */
        takeTotal(): number | undefined {
            const total = counted();
            if (total === acknowledged) {
                return undefined;
            }
            acknowledged = total;
            acknowledgedBytes = countedBytes();
            isAwaited = false;
            return total;
        },

        /** The session resumes from the total in HELLO: the hub sends again everything behind it. */
        resumeFrom(told: number): void {
            acknowledged = told;
            replayed = received - acknowledged;
        },

        /** Whether the counted frame just received is one that had been received before the session was resumed. */
        dropReplayed: (): boolean => replayed > 0 && replayed-- > 0,

        /** Another session begins, of which so many frames are counted already. */
        beginSession(taken: number): void {
            // Those of the session before are handed out first, and count for nothing.
            items.forEach((delivery) => delivery && (delivery.frameNumber = 0));
            received = acknowledged = taken;
            acknowledgedBytes = receivedBytes;
            replayed = 0;
            firstNumber = firstDropped = Infinity;
            isAwaited = false;
        },

        /** From now on a full queue without a reader drops what comes, so that a closing client gets to the hub's GOODBYE behind it. */
        beginClose(): void {
            isClosing = true;
            inbox.roomMade();
        },

        /** Ends the reader behind what waits: with the reason, or without an error if there is none. */
        end(why: HubConnectionError | undefined): void {
            isComplete = true;
            reason = why;
            clock.clearTimeout(timer);
            wake();
        },

        /** The messages, one after another. Leaving the loop loses nothing: another one goes on where it stopped. */
        async *deliveries(signal: AbortSignal | undefined): AsyncGenerator<Delivery, void, undefined> {
            if (hasReader) {
                throw new TypeError("another loop receives");
            }
            hasReader = true;
            const forget = onAbort(signal, () => wake());
            try {
                for (;;) {
                    take();
                    signal?.throwIfAborted();
                    const first = items[head];
                    if (first) {
                        isHandedOut = true;
                        inbox.bytes -= first.cost;
                        inbox.roomMade();
                        yield first;
                    } else if (reason) {
                        throw reason;
                    } else if (isComplete) {
                        return;
                    } else {
                        await new Promise<void>((resolve) => (wake = resolve));
                    }
                }
            } finally {
                hasReader = false;
                forget();
                inbox.roomMade();
            }
        },
    };
    return inbox;
}
