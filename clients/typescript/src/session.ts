import { Acknowledgements } from "./acknowledgements.ts";
import { abortable, defer } from "./abort.ts";
import type { Clock } from "./clock.ts";
import type { DeliveryQueue } from "./delivery_queue.ts";
import { HubSessionLostError, closedHere, violation, type HubConnectionError, type HubRequestError } from "./errors.ts";
import {
    GOODBYE,
    MAX_BODY_BYTES,
    MAX_RECEIVERS,
    REPLY,
    RESUMABLE,
    RESUME,
    WELCOME,
    decodeWelcome,
    encodeHello,
    type Id,
    type Welcome,
} from "./frames.ts";
import { PresenceFeed } from "./presence.ts";
import type { Receipt } from "./receipt.ts";
import { Receiver } from "./receiver.ts";
import type { EchoRequest, IdentityRequest, ListRequest } from "./requests.ts";
import type { SavedSession } from "./saved_session.ts";
import { Sender, taken } from "./sender.ts";

/** A connection as its session sees it. */
export interface Link {
    /** Why it ended; undefined while it is open. */
    closeReason: HubConnectionError | undefined;

    /** The total of counted frames in its HELLO. */
    told: number;

    /** How its WELCOME started the session; undefined before it. */
    start: SessionStart | undefined;

    /** There is something to send. */
    schedule(): void;
}

/** How a WELCOME started a session, or resumed it. */
export interface SessionStart {
    readonly resumed: boolean;
    /** The id before; 0 on the first connection. */
    readonly oldId: bigint;
    readonly heartbeatSeconds: number;
    /** Relays of the session before with an unknown outcome. */
    readonly unknownRelays: number;
}

export interface SessionOptions {
    readonly clock: Clock;
    readonly resume: boolean;
    readonly sendBuffer: number;
    readonly discard: boolean;
}

/**
 * A session with the hub over one connection after another: attaches and detaches connections, and decides what becomes of calls when a
 * connection or the session is lost. Knows no transport.
 */
export class Session {
    readonly presence: PresenceFeed;
    readonly acks: Acknowledgements;
    readonly sender: Sender;

    /** The id and the limits; those of the last connection while there is none. */
    welcome: Pick<Welcome, "id" | "maxBody" | "maxReceivers" | "heartbeatSeconds"> = {
        id: 0n,
        maxBody: MAX_BODY_BYTES,
        maxReceivers: MAX_RECEIVERS,
        heartbeatSeconds: 0,
    };

    /** Whether the program closes the client. */
    isClosing = false;

    /** Whether the last connection was lost behind the GOODBYE, so that it is not known what was sent. */
    wasLostWhileClosing = false;

    readonly #resumes: boolean;
    readonly #receiver: Receiver;

    // The connection behind its WELCOME; undefined while there is none.
    #link: Link | undefined;
    #key: Uint8Array | undefined;
    #windowSeconds = 0;

    // Why the last connection ended, and why calls are refused.
    #lost: HubConnectionError | undefined;
    #refusal: HubConnectionError | undefined;
    #unknownRelays = 0;

    constructor(options: SessionOptions, deliveries: DeliveryQueue, rejected: (error: HubRequestError) => void) {
        this.#resumes = options.resume;
        this.acks = new Acknowledgements(options.clock, () => this.sender.acknowledge());
        this.presence = new PresenceFeed(() => this.sender.updateSubscription());
        this.sender = new Sender(options.sendBuffer, this.acks, this.presence, () => this.#link?.schedule());
        this.#receiver = new Receiver(this.sender, this.acks, deliveries, this.presence, options.discard, rejected);
        deliveries.taken = (delivery) => {
            if (delivery.number > 0) {
                this.acks.take(delivery.number);
            }
        };
    }

    /** Milliseconds for which the session may be resumed after a loss, which the hub may notice later, by up to its heartbeat timeout. */
    get resumeWindow(): number | undefined {
        return this.#key && 1000 * (this.#windowSeconds + 2 * this.welcome.heartbeatSeconds);
    }

    /** Whether there is no connection, and calls need the session to be resumed. */
    get needsConnection(): boolean {
        return !this.#link && !!this.#key && !this.#refusal && this.sender.hasCallers;
    }

    /** The GOODBYE of a hub that is shutting down, while there is no other connection: there may be no hub to come back to. */
    get shutdown(): HubConnectionError | undefined {
        return !this.#link && this.#lost?.code === "shutting_down" ? this.#lost : undefined;
    }

    /** What another client needs to go on with the session. */
    get saved(): SavedSession | undefined {
        return this.#key && { id: this.welcome.id, key: this.#key, received: this.acks.total, ...this.sender.frames.export() };
    }

    /** Goes on with a session that another client has saved. */
    import(saved: SavedSession): void {
        this.#key = saved.key;
        this.welcome = { ...this.welcome, id: saved.id };
        this.#receiver.isImported = true;
        this.acks.clear(saved.received);
        this.sender.frames.retains = true;
        this.sender.frames.import(saved.relays, saved.processed, saved.frames);
        // Receipts of the other client's relays may still come.
        this.sender.epoch = 1 + Math.floor(Math.random() * 0xf_ffff);
    }

    /** Accepts a relay. Completes when the client has taken it: at once, unless there is no room. */
    relay(to: Id | readonly Id[], body: string | Uint8Array, flags: number, signal?: AbortSignal): Promise<void> {
        const refusal = this.#refuses(signal);
        return refusal ?? this.sender.relay(to, body, flags, undefined, signal);
    }

    /** Accepts a relay, and waits for its receipt. What comes for an aborted call is dropped. */
    relayForReceipt(to: Id | readonly Id[], body: string | Uint8Array, flags: number, signal?: AbortSignal): Promise<Receipt> {
        const refusal = this.#refuses(signal);
        if (refusal) {
            return refusal;
        }
        const receipt = Object.assign(defer<Receipt>(), { receivers: typeof to === "object" ? to.length : 1 });
        return this.#answer(this.sender.relay(to, body, flags, receipt, signal), receipt.promise, signal);
    }

    /** Sends a request and waits for its answer. What comes for an aborted call is dropped. */
    request<R extends EchoRequest | IdentityRequest | ListRequest>(request: R, signal?: AbortSignal): R["result"] {
        const refusal = this.#refuses(signal);
        if (refusal) {
            return refusal;
        }
        return this.#answer(this.sender.request(request, signal), request.result as Promise<never>, signal);
    }

    /** Processes a frame from a connection. Returns why that is to end, if it is. */
    receive(
        link: Link,
        type: number,
        flags: number,
        arg: number,
        bytes: Uint8Array,
        start: number,
        end: number,
    ): HubConnectionError | undefined {
        return link.start || type === (GOODBYE | REPLY)
            ? this.#receiver.receive(type, flags, arg, bytes, start, end)
            : type === WELCOME
              ? this.#receiveWelcome(link, flags, arg, bytes.subarray(start, end))
              : violation(`a frame of type 0x${type.toString(16)} where its WELCOME is due`);
    }

    /** The bytes before a position were sent, and what was received has been dealt with: releases memory and serves callers. */
    settle(sent: number): void {
        this.sender.frames.release(sent);
        this.sender.pump();
        if (this.sender.frames.retains) {
            this.acks.acknowledgeIfDue();
        }
    }

    /** The HELLO of the next connection, which resumes the session if that is possible. */
    hello(link: Link, token: Uint8Array): Uint8Array {
        link.told = this.acks.total;
        const flags = !this.#resumes ? 0 : this.#key ? RESUMABLE | RESUME : RESUMABLE;
        return encodeHello({ flags, key: this.#key, received: link.told, token });
    }

    /** A connection has ended; false if it had ended before. Calls wait for the next one if the session may be resumed, and fail if not. */
    detach(link: Link, reason: HubConnectionError): boolean {
        if (link.closeReason) {
            return false;
        }
        link.closeReason = reason;
        if (this.#link === link) {
            this.#link = undefined;
            this.sender.isConnected = false;
            this.#lost = reason;
            this.wasLostWhileClosing = this.sender.isClosing;
            this.presence.noteUncertain();
            if (!this.#key || !survives(reason)) {
                this.#key = undefined;
                this.#refuse(reason, reason);
            }
        }
        return true;
    }

    /** The resume window has passed: pending calls fail. */
    expire(): void {
        if (!this.#link && this.#key) {
            this.#key = undefined;
            this.#lose();
        }
    }

    /** Queues the GOODBYE behind all accepted calls, and accepts no more. False if there is neither a connection nor a call that needs one. */
    beginClose(): boolean {
        const isNeeded = !!this.#link || this.needsConnection;
        this.isClosing = true;
        if (!this.sender.isClosing && (this.#link || !this.#refusal)) {
            this.sender.beginClose();
        }
        return isNeeded;
    }

    /** There will be no further connection: fails all calls and releases the memory. */
    end(reason: HubConnectionError, isClosedHere: boolean): void {
        this.#key = undefined;
        this.#refuse(reason, reason);
        this.sender.frames.clear();
        this.acks.dispose();
        this.presence.complete(isClosedHere ? undefined : reason);
    }

    #refuses(signal: AbortSignal | undefined): Promise<never> | undefined {
        const reason = signal?.aborted ? signal.reason : (this.#refusal ?? (this.sender.isClosing ? closedHere() : undefined));
        return reason === undefined ? undefined : Promise.reject(reason);
    }

    #answer<T>(sent: Promise<void>, answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
        if (!signal) {
            return sent === taken ? answer : sent.then(() => answer);
        }
        answer.catch(() => {});
        return abortable(
            sent.then(() => answer),
            signal,
        );
    }

    #receiveWelcome(link: Link, flags: number, version: number, payload: Uint8Array): HubConnectionError | undefined {
        const welcome = decodeWelcome(flags, version, payload);
        if (!welcome) {
            return violation(`a WELCOME of version ${version} with ${payload.length} bytes that this client does not understand`);
        }
        const oldId = this.welcome.id;
        const { frames } = this.sender;
        if (welcome.resumed) {
            if (!this.#key || !welcome.key || welcome.id !== oldId) {
                return violation(`a WELCOME that resumes a session of user ${welcome.id}, which nobody asked for`);
            }
            if (this.#receiver.isImported && !this.#lost && frames.relayAt(welcome.processed) === undefined) {
                // It was saved before the last relays were sent.
                frames.import(welcome.processed, welcome.processed, new Uint8Array(0));
            }
            const relay = frames.relayAt(welcome.processed);
            if (relay === undefined || !frames.rewind(relay)) {
                return violation(
                    `a WELCOME with ${welcome.processed} relays processed, which is not between what it had acknowledged and what was sent`,
                );
            }
            this.acks.resume(link.told);
        } else {
            if (this.#key) {
                this.#lose();
                if (this.sender.isClosing) {
                    // The calls to wait for were the old user's.
                    return new HubSessionLostError(this.#lost, true);
                }
            }
            frames.clear();
            this.acks.clear();
            frames.retains = this.#resumes && !!welcome.key;
        }
        this.#key = frames.retains ? welcome.key : undefined;
        this.#windowSeconds = welcome.windowSeconds;
        this.welcome = welcome;
        link.start = { resumed: welcome.resumed, oldId, heartbeatSeconds: welcome.heartbeatSeconds, unknownRelays: this.#unknownRelays };
        this.#unknownRelays = 0;
        this.#link = link;
        this.#refusal = undefined;
        this.sender.restart();
        return undefined;
    }

    #lose(): void {
        this.#refuse(new HubSessionLostError(this.#lost, true), new HubSessionLostError(this.#lost, false));
    }

    /** Fails all pending calls, and every new one. */
    #refuse(pending: HubConnectionError, waiting: HubConnectionError): void {
        this.#unknownRelays += this.#refusal ? 0 : this.sender.unknownRelays;
        this.#refusal = waiting;
        this.sender.fail(pending, waiting);
    }
}

/** Whether a session outlives a connection that ended so. After other codes the hub has ended the session, too. */
const survives = ({ code, advice }: HubConnectionError): boolean =>
    code === undefined ? advice === "yes" : code === "shutting_down" || code === "heartbeat_timeout" || code === "slow_consumer";
