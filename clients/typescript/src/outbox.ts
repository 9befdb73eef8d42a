import { defer, onAbort, type Deferred } from "./abort.ts";
import type { HubError } from "./errors.ts";
import {
    ACK,
    BEST_EFFORT,
    GOODBYE,
    HEADER_BYTES,
    HEARTBEAT,
    LIST,
    RELAY,
    WATCH,
    WITH_RECEIPT,
    readU32,
    viewOf,
    writeHeader,
    writeU64,
} from "./frames.ts";
import type { PresenceFeed } from "./presence.ts";
import type { Receipt } from "./receipt.ts";
import { heartbeatRequest, listRequest, type Request } from "./requests.ts";

const BLOCK_BYTES = 64 * 1024;

/** Bounds the memory of calls whose frames are sent; callers beyond it wait as they do for the buffer. */
const MAX_PENDING = 16 * 1024;

/** A relay that waits for its receipt. */
export interface PendingReceipt extends Deferred<Receipt> {
    readonly receiverCount: number;
}

/** A frame that is not sent yet, or may have to be sent again. */
interface Entry {
    readonly block: Uint8Array;
    readonly start: number;
    readonly end: number;

    /** The number of a relay; what is to be answered; neither for an ACK or a GOODBYE. */
    readonly relay: number;
    readonly request: Request | undefined;
}

/** A caller that waits for room; without an action once it was aborted. */
interface Waiter extends Deferred<void> {
    action: (() => void) | undefined;
}

/** What a call is told that need not wait. */
const taken = Promise.resolve();

export type Outbox = ReturnType<typeof createOutbox>;

/**
 * Frames to the hub in order, each kept as long as it may have to be sent again: a relay until the hub is known to have processed it, a
 * request until it is answered; in a session that cannot be resumed, until it is sent. Callers wait while there is no room.
 *
 * Answers come in the order of their requests; only receipts have a correlation. An ERROR without one belongs to the oldest pending request,
 * unless a relay without a receipt was sent before that: such a relay has no answer but possibly an ERROR. Therefore a request behind such a
 * relay is sent behind a HEARTBEAT, the fence: an ERROR that comes before the heartbeat's answer is the relay's.
 *
 * @param takeTotal Marks what was received as acknowledged, and returns the total; undefined if nothing is new.
 * @param ready Called when there is something to send.
 */
export function createOutbox(limit: number, takeTotal: () => number | undefined, presence: PresenceFeed, ready: () => void) {
    let entries: Entry[] = [];
    let next = 0;
    let bytes = 0;
    let written = 0;
    let block: Uint8Array = new Uint8Array(0);
    let view = viewOf(block);
    let used = 0;

    let relays = 0;
    let lastWaitingRelay = 0;
    let waiters: Waiter[] = [];
    let needsFence = false;
    let isSubscribed = false;

    /** Finds room for a frame of at most so many bytes. */
    function reserve(max: number): void {
        if (used + max > block.length) {
            block = new Uint8Array(Math.max(max, BLOCK_BYTES));
            view = viewOf(block);
            used = 0;
        }
    }

    /** The frame in the reserved room is whole. */
    function commit(end: number, relay: number, request?: Request): void {
        entries.push({ block, start: used, end, relay, request });
        bytes += end - used;
        written += end - used;
        used = end;
        ready();
    }

    function write(type: number, flags: number, payload: Uint8Array = new Uint8Array(0), request?: Request): void {
        reserve(HEADER_BYTES + payload.length);
        writeHeader(view, used, type, flags, 0, payload.length);
        block.set(payload, used + HEADER_BYTES);
        commit(used + HEADER_BYTES + payload.length, 0, request);
    }

    function writeRequest(request: Request): void {
        const isList = request.type === LIST;
        if (needsFence && request.type !== HEARTBEAT) {
            writeRequest(heartbeatRequest());
        }
        if (isList) {
            request.isWatch = isSubscribed = presence.isWatched();
        }
        request.relayBefore = relays;
        outbox.unanswered.push(request);
        needsFence = false;
        write(request.type, isList && isSubscribed ? WATCH : 0, request.body, request);
    }

    function writeRelay(receivers: bigint[], body: Uint8Array, flags: number, receipt?: PendingReceipt): void {
        reserve(HEADER_BYTES + 8 + 8 * receivers.length + body.length);
        const start = used + HEADER_BYTES;
        let at = start;
        relays++;
        if (receipt) {
            flags |= WITH_RECEIPT;
            writeU64(view, at, relays + outbox.correlationBase);
            outbox.unreceipted.set(relays, receipt);
            at += 8;
        } else {
            needsFence = true;
        }
        if (!(flags & BEST_EFFORT)) {
            lastWaitingRelay = relays;
        }
        for (const receiver of receivers) {
            writeU64(view, at, receiver);
            at += 8;
        }
        block.set(body, at);
        at += body.length;
        writeHeader(view, used, RELAY, flags, receivers.length, at - start);
        commit(at, relays);
    }

    function writeAck(): void {
        // Behind a GOODBYE nothing is sent.
        const total = outbox.isLinked && outbox.isRetaining && !outbox.isGoodbyeWritten ? takeTotal() : undefined;
        if (total !== undefined) {
            const payload = new Uint8Array(8);
            writeU64(viewOf(payload), 0, total);
            write(ACK, 0, payload);
        }
    }

    const hasRoom = () => bytes < limit && outbox.unanswered.length + outbox.unreceipted.size < MAX_PENDING;

    /** Releases what need not be sent again, and serves waiting callers while there is room. */
    function pump(): void {
        let done = 0;
        for (; done < next; done++) {
            const { relay, request, start, end } = entries[done]!;
            if (outbox.isRetaining && (relay ? relay > outbox.relaysProcessed : request && !request.isAnswered)) {
                break;
            }
            bytes -= end - start;
        }
        entries.splice(0, done);
        next -= done;
        let served = 0;
        for (let waiter; (waiter = waiters[served]) && (!waiter.action || hasRoom()); served++) {
            waiter.action?.();
            waiter.resolve();
        }
        // All at once: there may be very many.
        waiters.splice(0, served);
    }

    /** Adds what is kept again, or another session's. */
    function restartWith(kept: Entry[], processed: number): void {
        entries = kept;
        bytes = kept.reduce((sum, { start, end }) => sum + end - start, 0);
        outbox.relaysProcessed = processed;
        next = 0;
    }

    const outbox = {
        /** Whether frames are kept after they were sent. */
        isRetaining: false,

        /** The number of the last relay that the hub is known to have processed, and with it all before. */
        relaysProcessed: 0,

        /** What is added to a relay's number: tells this client's receipts from those of one whose session it has taken over. */
        correlationBase: 0,

        /** Whether there is a connection to send on. */
        isLinked: false,

        /** Whether a GOODBYE is queued behind everything else. */
        isLeaving: false,
        isGoodbyeWritten: false,

        /** Requests without an answer, in order, and relays without their receipt, by number. */
        unanswered: [] as Request[],
        unreceipted: new Map<number, PendingReceipt>(),

        /** Bytes that were ever written. */
        bytesWritten: () => written,

        /** Whether the hub may be holding this sender back for a full receiver: then it neither reads nor answers. */
        mayBeHeldBack: () => lastWaitingRelay > outbox.relaysProcessed,

        /** Whether anything is queued or pending, but the GOODBYE. */
        hasCallers: () => entries.length + outbox.unreceipted.size + waiters.length > +outbox.isLeaving,

        /** Relays with an unknown outcome: not processed, or processed and waiting for a receipt. */
        unknownRelays: () =>
            relays - outbox.relaysProcessed + [...outbox.unreceipted.keys()].filter((relay) => relay <= outbox.relaysProcessed).length,

        /** Does what writes a frame, at once or when there is room. Completes when it was done. */
        callWhenRoom(action: () => void, signal: AbortSignal | undefined): Promise<void> {
            if (!waiters.length && hasRoom()) {
                action();
                return taken;
            }
            const waiter: Waiter = { action, ...defer<void>() };
            const forget = onAbort(signal, () => {
                waiter.action = undefined;
                waiter.reject(signal!.reason);
                pump();
            });
            waiters.push(waiter);
            return waiter.promise.finally(forget);
        },

        writeRelay,
        writeRequest,
        writeAck,
        pump,

        /** Writes a HEARTBEAT ahead of callers that wait for room, unless there is no connection. */
        sendHeartbeat(): void {
            if (outbox.isLinked && !outbox.isLeaving) {
                writeRequest(heartbeatRequest());
            }
        },

        /** Begins or ends the watch at the hub, if that is needed: a LIST that is written while somebody watches begins it, any other ends it. */
        updateSubscription(): void {
            if (outbox.isLinked && !outbox.isLeaving && presence.isWatched() !== isSubscribed) {
                writeRequest(listRequest(presence));
            }
        },

        /** Queues the GOODBYE. */
        leave(): void {
            const action = () => {
                // The last ACK: senders that confirm are told of what the program has taken.
                writeAck();
                write(GOODBYE, 0);
                outbox.isGoodbyeWritten = true;
            };
            const waiter = { action, ...defer<void>() };
            waiter.promise.catch(() => {});
            waiters.push(waiter);
            outbox.isLeaving = true;
            pump();
        },

        /** The next bytes to send: frames that lie side by side, up to so many bytes unless one alone is larger. */
        takeBytes(max: number): Uint8Array | undefined {
            const first = entries[next];
            if (!first) {
                return undefined;
            }
            let entry: Entry | undefined = first;
            let end;
            do {
                end = entry.end;
                entry = entries[++next];
            } while (entry?.block === first.block && entry.start === end && entry.end - first.start <= max);
            return first.block.subarray(first.start, end);
        },

        /** The oldest request is answered. */
        noteAnswered(): void {
            const request = outbox.unanswered.shift()!;
            request.isAnswered = true;
            outbox.noteProcessed(request.relayBefore!);
        },

        noteProcessed(relay: number): void {
            outbox.relaysProcessed = Math.max(outbox.relaysProcessed, relay);
        },

        /** The number of the relay at a total of this session; NaN if there are not so many. */
        relayAt: (total: number): number => (total <= relays ? total : NaN),

        /** There is a new connection: requests are sent again, then waiting callers are served. */
        beginLink(): void {
            outbox.isLinked = true;
            isSubscribed = false;
            for (const request of outbox.unanswered) {
                request.beginAgain?.();
                if (request.type === LIST) {
                    isSubscribed = !!request.isWatch;
                }
            }
            outbox.updateSubscription();
            pump();
            ready();
        },

        /** Fails all pending calls, and those that wait. */
        failCalls(pending: HubError, waiting: HubError): void {
            const rejects = [...outbox.unreceipted.values()].map(({ reject }) => reject);
            rejects.push(...outbox.unanswered.map(({ failWith }) => failWith));
            const refused = waiters;
            outbox.unreceipted.clear();
            outbox.unanswered = [];
            waiters = [];
            needsFence = false;
            rejects.forEach((reject) => reject(pending));
            refused.forEach(({ reject }) => reject(waiting));
        },

        /**
         * Sends again the requests without an answer and the relays behind `relay`, in order. False, and nothing happens, if some relay up to
         * there cannot have been sent, or more are known to be processed.
         */
        rewindTo(relay: number): boolean {
            const isPossible =
                relay >= outbox.relaysProcessed && !entries.some((entry, i) => i >= next && entry.relay && entry.relay <= relay);
            if (isPossible) {
                restartWith(
                    entries.filter(({ block, start, request, relay: number }) =>
                        request ? !request.isAnswered : number ? number > relay : block[start] === GOODBYE,
                    ),
                    relay,
                );
            }
            return isPossible;
        },

        /** Drops everything: another session begins. */
        beginSession(): void {
            restartWith([], (relays = lastWaitingRelay = 0));
        },

        /** What is to go on elsewhere: relays of this session, how many of them are processed, and the frames of the others. */
        exportRelays: (): [relays: number, processed: number, frames: number[]] => [
            relays,
            outbox.relaysProcessed,
            entries.flatMap(({ relay, block, start, end }) => (relay > outbox.relaysProcessed ? [...block.subarray(start, end)] : [])),
        ],

        /** Goes on with what was exported: in a new outbox, or instead of what was. */
        importRelays(sent: number, processed: number, frames: Uint8Array): void {
            restartWith([], (relays = processed));
            block = frames;
            view = viewOf(block);
            used = 0;
            while (used < frames.length) {
                commit(used + HEADER_BYTES + readU32(view, used + 4), ++relays);
            }
            relays = sent;
            // They may have been sent before.
            next = entries.length;
        },
    };
    return outbox;
}
