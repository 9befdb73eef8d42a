import { abortable, defer, type Deferred } from "./abort.ts";
import type { Clock } from "./clock.ts";
import { HEARTBEAT_TIMEOUT, SHUTTING_DOWN, SLOW_CONSUMER } from "./codes.ts";
import { HubConnectionError, HubRequestError, closedHere, sessionLost } from "./errors.ts";
import {
    ACK,
    CORRELATED,
    DELIVERY,
    ERROR,
    GOODBYE,
    HEADER_BYTES,
    HEARTBEAT,
    KEY_BYTES,
    MAX_BODY_BYTES,
    MAX_RECEIVERS,
    PRESENCE,
    RECEIPT,
    REPLY,
    RESUMABLE,
    RESUME,
    VERSION,
    WELCOME,
    encodeHello,
    readIds,
    readNumber,
    readU32,
    readU64,
    textOf,
    viewOf,
} from "./frames.ts";
import { createInbox } from "./inbox.ts";
import { createOutbox, type PendingReceipt } from "./outbox.ts";
import { createPresenceFeed } from "./presence.ts";
import { Receipt } from "./receipt.ts";
import type { Request } from "./requests.ts";
import type { SavedSession } from "./saved_session.ts";

/** A connection as its session sees it. */
export interface Link {
    /** Why it ended; undefined while it is open. */
    endReason: HubConnectionError | undefined;

    /** The total of counted frames in its HELLO. */
    totalTold: number;

    /** How its WELCOME started the session; undefined before it. */
    sessionStart: SessionStart | undefined;

    /** There is something to send. */
    schedule(): void;

    /** The hub has said goodbye. */
    endWith(reason: HubConnectionError): void;
}

/** How a WELCOME started a session, or resumed it. */
export interface SessionStart {
    /** The id before; 0 on the first connection. */
    readonly oldId: bigint;
    /** Relays of the session before with an unknown outcome. */
    readonly unknownRelays: number;
}

export type Session = ReturnType<typeof createSession>;

/** Whether a session outlives a connection that ended so. After other codes the hub has ended the session, too. */
const survives = ({ number, isFinal }: HubConnectionError): boolean =>
    number === undefined ? !isFinal : [SHUTTING_DOWN, HEARTBEAT_TIMEOUT, SLOW_CONSUMER].includes(number);

/**
 * A session with the hub over one connection after another: attaches and detaches connections, hands each frame to whom it is for, and decides
 * what becomes of calls when a connection or the session is lost. Knows no transport.
 *
 * @param rejected Called with the error that answers a relay without a receipt.
 */
export function createSession(
    clock: Clock,
    resumes: boolean,
    sendBuffer: number,
    discards: boolean,
    saved: SavedSession | undefined,
    rejected: (error: HubRequestError) => void,
) {
    const inbox = createInbox(clock, () => outbox.writeAck());
    const presence = createPresenceFeed(() => outbox.updateSubscription());
    const outbox = createOutbox(sendBuffer, inbox.takeTotal, presence, () => link?.schedule());

    // The connection behind its WELCOME; undefined while there is none.
    let link: Link | undefined;
    let key: Uint8Array | undefined;
    let windowSeconds = 0;

    // Why the last connection ended, and why calls are refused.
    let lost: HubConnectionError | undefined;
    let refusal: HubConnectionError | undefined;
    let unknownRelays = 0;

    if (saved) {
        const [, savedKey, received, relays, processed, frames] = saved;
        key = Uint8Array.from(savedKey);
        inbox.beginSession(received);
        outbox.isRetaining = true;
        outbox.importRelays(relays, processed, Uint8Array.from(frames));
        // Receipts of the other client's relays may still come.
        outbox.correlationBase = (1 + Math.floor(Math.random() * 0xf_ffff)) * 2 ** 32;
    }

    /** Fails all pending calls, and every new one. */
    function refuse(pending: HubConnectionError, waiting = pending): void {
        unknownRelays += refusal ? 0 : outbox.unknownRelays();
        refusal = waiting;
        key = undefined;
        outbox.failCalls(pending, waiting);
    }

    const lose = () => refuse(sessionLost(lost, true), sessionLost(lost, false));

    /** Accepts a call: does what writes its frame, at once or when there is room. */
    function accept(action: () => void, signal: AbortSignal | undefined): Promise<void> {
        const reason = signal?.aborted ? signal.reason : (refusal ?? (outbox.isLeaving ? closedHere() : undefined));
        return reason ? Promise.reject(reason) : outbox.callWhenRoom(action, signal);
    }

    /** Accepts a call, and waits for its answer. What comes for an aborted one is dropped. */
    const ask = <T>(action: () => void, { promise }: Deferred<T>, signal: AbortSignal | undefined): Promise<T> =>
        abortable(
            accept(action, signal).then(() => promise),
            signal,
        );

    function receiveWelcome(next: Link, flags: number, version: number, payload: Uint8Array): boolean {
        const view = viewOf(payload);
        const isResumable = flags & RESUMABLE;
        if (version !== VERSION || payload.length < (isResumable ? 48 : 16)) {
            return false;
        }
        const id = readU64(view, 0);
        const oldId = session.userId;
        const isResumed = !!(flags & RESUME);
        if (!id || id >> 53n) {
            return false;
        }
        if (isResumed) {
            const processed = isResumable ? readNumber(view, 16 + KEY_BYTES) : NaN;
            if (saved && !lost && !(outbox.relayAt(processed) >= 0)) {
                // It was saved before the last relays were sent.
                outbox.importRelays(processed, processed, new Uint8Array(0));
            }
            if (!key || id !== oldId || !outbox.rewindTo(outbox.relayAt(processed))) {
                return false;
            }
            inbox.resumeFrom(next.totalTold);
        } else {
            if (key) {
                lose();
                if (outbox.isLeaving) {
                    // The calls to wait for were the old user's.
                    next.endWith(sessionLost(lost, true));
                    return true;
                }
            }
            outbox.beginSession();
            inbox.beginSession(0);
            outbox.isRetaining = resumes && !!isResumable;
        }
        session.userId = id;
        session.maxBody = Math.min(readU32(view, 8), MAX_BODY_BYTES);
        session.maxReceivers = Math.min(view.getUint16(12, true), MAX_RECEIVERS);
        session.heartbeatSeconds = view.getUint16(14, true);
        key = outbox.isRetaining ? payload.slice(16, 16 + KEY_BYTES) : undefined;
        windowSeconds = key ? readU32(view, 40) : 0;
        next.sessionStart = { oldId, unknownRelays };
        session.isResumed = isResumed;
        unknownRelays = 0;
        link = next;
        refusal = undefined;
        outbox.beginLink();
        return true;
    }

    /** Whether a counted frame is one that had been received before the session was resumed. */
    const dropsReplayed = () => outbox.isRetaining && inbox.dropReplayed();

    const countFrame = (length: number, flags: number) => outbox.isRetaining && inbox.countFrame(HEADER_BYTES + length, flags);

    /** Settles the relay that a counted frame with a correlation is about, unless that was done before the session was resumed. */
    function settleRelay(payload: Uint8Array, action: (receipt: PendingReceipt) => boolean): boolean {
        const correlation = payload.length < 8 ? 0 : readNumber(viewOf(payload), 0);
        const relay = correlation - outbox.correlationBase;
        const receipt = outbox.unreceipted.get(relay);
        const isReplayed = correlation && dropsReplayed();
        if (receipt ? isReplayed || !action(receipt) : !isReplayed && !(saved && correlation && (relay < 1 || relay >= 2 ** 32))) {
            return false;
        }
        if (!isReplayed) {
            if (outbox.unreceipted.delete(relay)) {
                outbox.noteProcessed(relay);
            }
            countFrame(payload.length, 0);
        }
        return true;
    }

    function receiveError(flags: number, code: number, payload: Uint8Array): boolean {
        const isCorrelated = flags & CORRELATED;
        const error = new HubRequestError(code, textOf(payload.subarray(isCorrelated ? 8 : 0)));
        const request = outbox.unanswered[0];
        if (isCorrelated) {
            return settleRelay(payload, ({ reject }) => (reject(error), true));
        }
        if (request && request.type !== HEARTBEAT) {
            if (request.isWatch) {
                presence.end(error, false);
            }
            request.failWith(error);
            outbox.noteAnswered();
        } else {
            rejected(error);
        }
        return true;
    }

    function receiveAnswer(type: number, flags: number, payload: Uint8Array): boolean {
        const request = outbox.unanswered[0];
        const isDone = request && (request.type | REPLY) === type && request.takeAnswer(payload, flags);
        if (isDone) {
            outbox.noteAnswered();
        }
        return isDone ?? !!request;
    }

    const session = {
        inbox,
        outbox,
        presence,

        /** The id and the limits; those of the last connection while there is none. */
        userId: saved?.[0] ?? 0n,
        maxBody: MAX_BODY_BYTES,
        maxReceivers: MAX_RECEIVERS,
        heartbeatSeconds: 0,
        isResumed: false,

        /** Milliseconds for which the session may be resumed after a loss, which the hub may notice later, by up to its heartbeat timeout. */
        resumeWindow: () => (key ? 1000 * (windowSeconds + 2 * session.heartbeatSeconds) : Infinity),

        /** Whether there is no connection, and calls need the session to be resumed. */
        needsLink: () => !link && !!key && outbox.hasCallers(),

        /** The GOODBYE of a hub that is shutting down, while there is no other connection: there may be no hub to come back to. */
        shutdownReason: () => (!link && lost?.number === SHUTTING_DOWN ? lost : undefined),

        /** What another client needs to go on with the session. */
        saveSession: (): SavedSession | undefined => key && [session.userId, key, inbox.totalTaken(), ...outbox.exportRelays()],

        /** Accepts a relay. Completes when the client has taken it: at once, unless there is no room. */
        sendRelay: (to: bigint[], body: Uint8Array, flags: number, signal?: AbortSignal): Promise<void> =>
            accept(() => outbox.writeRelay(to, body, flags), signal),

        /** Accepts a relay, and waits for its receipt. */
        askReceipt(to: bigint[], body: Uint8Array, flags: number, signal?: AbortSignal): Promise<Receipt> {
            const receipt = { ...defer<Receipt>(), receiverCount: to.length };
            return ask(() => outbox.writeRelay(to, body, flags, receipt), receipt, signal);
        },

        /** Sends a request and waits for its answer. */
        askHub<T>(make: (resolve: (value: T) => void, reject: (error: unknown) => void) => Request, signal?: AbortSignal): Promise<T> {
            const deferred = defer<T>();
            return ask(() => outbox.writeRequest(make(deferred.resolve, deferred.reject)), deferred, signal);
        },

        /** Processes a frame from a connection. False if it is wrong or not due. */
        receiveFrame(from: Link, type: number, flags: number, arg: number, view: DataView, start: number, end: number): boolean {
            const length = end - start;
            if (type === DELIVERY && from.sessionStart) {
                if (length < 8) {
                    return false;
                }
                if (!dropsReplayed()) {
                    if (discards) {
                        // With this option every delivery counts as taken at once.
                        countFrame(length, flags);
                    } else {
                        inbox.add(flags, view, start, end, outbox.isRetaining);
                    }
                }
                return true;
            }
            const payload = new Uint8Array(view.buffer, view.byteOffset + start, length);
            if (type === (GOODBYE | REPLY)) {
                from.endWith(!arg && outbox.isGoodbyeWritten ? closedHere() : new HubConnectionError(arg, textOf(payload)));
                return true;
            }
            if (!from.sessionStart) {
                return type === WELCOME && receiveWelcome(from, flags, arg, payload);
            }
            if (type === RECEIPT) {
                return settleRelay(payload, ({ receiverCount, resolve }) => {
                    const isRight = arg === receiverCount && length === 8 + arg;
                    if (isRight) {
                        resolve(new Receipt(payload.subarray(8)));
                    }
                    return isRight;
                });
            }
            if (type === ERROR) {
                return receiveError(flags, arg, payload);
            }
            if (type === (ACK | REPLY)) {
                const relay = length === 8 && outbox.isRetaining ? outbox.relayAt(readNumber(view, start)) : NaN;
                const isDue = relay >= 0;
                outbox.noteProcessed(isDue ? relay : 0);
                return isDue;
            }
            if (type === PRESENCE) {
                // Ignored while nobody watches.
                const isRight = (arg === 1 || arg === 2) && length % 8 === 0;
                if (isRight) {
                    presence.applyChange(arg === 1, readIds(viewOf(payload)));
                }
                return isRight;
            }
            return receiveAnswer(type, flags, payload);
        },

        /** Something was sent or received: releases memory, serves callers, and acknowledges. */
        catchUp(): void {
            outbox.pump();
            if (outbox.isRetaining) {
                inbox.acknowledgeIfDue();
            }
        },

        /** The HELLO of the next connection, which resumes the session if that is possible. */
        helloFor(next: Link, token: Uint8Array): Uint8Array {
            next.totalTold = inbox.totalTaken();
            return encodeHello(resumes, key, next.totalTold, token);
        },

        /** A connection has ended. Calls wait for the next one if the session may be resumed, and fail if not. */
        detach(ended: Link, reason: HubConnectionError): void {
            ended.endReason = reason;
            if (link === ended) {
                link = undefined;
                outbox.isLinked = false;
                lost = reason;
                presence.noteUncertain();
                if (!key || !survives(reason)) {
                    refuse(reason);
                }
            }
        },

        /** The resume window has passed: pending calls fail. */
        expire: lose,

        /** Queues the GOODBYE behind all accepted calls, and accepts no more. False if there is neither a connection nor a call that needs one. */
        leave(): boolean {
            const isNeeded = !!link || session.needsLink();
            if (!outbox.isLeaving) {
                outbox.leave();
            }
            return isNeeded;
        },

        /** There will be no further connection: fails all calls, and ends the readers: with the reason, or without an error if it was closed here. */
        endWith(reason: HubConnectionError, isClosedHere: boolean): void {
            const error = isClosedHere ? undefined : reason;
            refuse(reason);
            outbox.beginSession();
            presence.end(error, true);
            inbox.end(error);
        },
    };
    return session;
}
