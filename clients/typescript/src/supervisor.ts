import { MAX_DELAY, pauseBefore, type ReconnectOptions } from "./backoff.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { defer } from "./abort.ts";
import type { DeliveryQueue } from "./delivery_queue.ts";
import { HubConnectionError, closedHere } from "./errors.ts";
import type { Session, SessionStart } from "./session.ts";
import { onWake } from "./wake.ts";

/** What the program is told, in this order. */
export interface SupervisorEvents {
    reconnecting(reason: HubConnectionError): void;
    resumed(): void;
    lost(start: SessionStart, reason: HubConnectionError): void;
    connected(): void;
    closed(reason: HubConnectionError): void;
}

/** Keeps a client connected: replaces each connection that is lost, by the policy, until the client is closed for good. */
export class Supervisor {
    /** Resolves with the reason when the client is closed for good. */
    readonly closed = defer<HubConnectionError>();

    closeReason: HubConnectionError | undefined;

    readonly #options: ConnectionOptions;
    readonly #policy: ReconnectOptions | undefined;
    readonly #session: Session;
    readonly #deliveries: DeliveryQueue;
    readonly #events: SupervisorEvents;
    readonly #stopping = new AbortController();
    #connection: Connection | undefined;
    #interrupt: (() => void) | undefined;
    #isWoken = false;
    #refusedTokens = 0;

    constructor(
        options: ConnectionOptions,
        policy: ReconnectOptions | undefined,
        session: Session,
        deliveries: DeliveryQueue,
        events: SupervisorEvents,
    ) {
        this.#options = options;
        this.#policy = policy;
        this.#session = session;
        this.#deliveries = deliveries;
        this.#events = events;
    }

    get isConnected(): boolean {
        return !!this.#connection && !this.#connection.closeReason;
    }

    /** Makes the first connection, with one attempt, and replaces it from then on. */
    async connect(signal: AbortSignal | undefined): Promise<SessionStart> {
        const connection = await Connection.open(this.#options, this.#session, this.#deliveries, signal);
        const removeWake = onWake((isOnline) => {
            this.#connection?.wake();
            if (isOnline) {
                this.#isWoken = true;
                this.#interrupt?.();
            }
        });
        this.#deliveries.roomMade = () => {
            this.#connection?.readOn();
            this.#interrupt?.();
        };
        void this.#run(connection)
            .catch((error) => new HubConnectionError(undefined, `the client cannot go on: ${error}`, error, "no"))
            .then((reason) => {
                removeWake();
                this.#finish(reason);
            });
        return connection.start!;
    }

    /** Makes no further connection. */
    stop(): void {
        this.#stopping.abort(closedHere());
        this.#interrupt?.();
    }

    /** Makes no further connection, and cuts the one there is. */
    cut(): void {
        this.#session.beginClose();
        this.stop();
        this.#connection?.close(closedHere());
    }

    /** Replaces connections; returns why there is no further one. */
    async #run(first: Connection): Promise<HubConnectionError> {
        let connection = first;
        let attempts = 0;
        for (;;) {
            this.#connection = connection;
            const since = this.#now;
            const lost = await connection.ended;
            if (this.#now - since >= (this.#policy?.maxDelay ?? MAX_DELAY)) {
                attempts = 0;
            }
            const next = await this.#reconnect(lost, attempts, connection.canPause);
            if (next instanceof HubConnectionError) {
                return next;
            }
            ({ connection, attempts } = next);
            this.#connection = connection;
            if (connection.start!.resumed) {
                this.#events.resumed();
            } else {
                this.#events.lost(connection.start!, lost);
            }
            this.#events.connected();
        }
    }

    async #reconnect(
        lost: HubConnectionError,
        attempts: number,
        canPause: boolean,
    ): Promise<{ connection: Connection; attempts: number } | HubConnectionError> {
        let reason = lost;
        const since = this.#now;
        if (this.#mayReconnect(reason, attempts)) {
            this.#events.reconnecting(reason);
        }
        let isTried = false;
        while (this.#mayReconnect(reason, attempts)) {
            isTried = true;
            const window = this.#session.resumeWindow;
            if (window !== undefined && this.#now - since >= window) {
                this.#session.expire();
                continue;
            }
            this.#refusedTokens += reason.advice === "token" ? 1 : 0;
            const isAsked = reason.advice === "pause";
            await this.#pause(
                pauseBefore(attempts++, reason.advice, this.#options.clock.random(), window, this.#policy!),
                () => this.#isWoken && !isAsked,
            );
            if (!canPause && !this.#deliveries.hasRoom) {
                // Half of it, or else the next message would be too many again.
                await this.#pause((window ?? 0) - (this.#now - since), () => this.#deliveries.bytes < this.#deliveries.limit / 2);
            }
            if (this.#stopping.signal.aborted) {
                return closedHere();
            }
            try {
                const connection = await Connection.open(this.#options, this.#session, this.#deliveries, this.#stopping.signal);
                this.#refusedTokens = 0;
                return { connection, attempts };
            } catch (error) {
                if (this.#stopping.signal.aborted) {
                    return closedHere();
                }
                reason = error instanceof HubConnectionError ? error : new HubConnectionError(undefined, `${error}`, error, "no");
            }
        }
        // Only the program has prevented it, and no call of its own needs the session.
        const isClosedHere = !isTried && this.#policyAllows(reason, attempts) && !this.#session.wasLostWhileClosing;
        return isClosedHere ? closedHere() : reason;
    }

    /** Waits for so long, or until what may interrupt it has come about. */
    #pause(milliseconds: number, isOver: () => boolean): Promise<void> {
        const { clock } = this.#options;
        this.#isWoken = false;
        return new Promise((resolve) => {
            const end = () => {
                clock.clearTimeout(timer);
                this.#interrupt = undefined;
                resolve();
            };
            const timer = clock.setTimeout(end, milliseconds);
            this.#interrupt = () => {
                if (isOver() || this.#stopping.signal.aborted) {
                    end();
                }
            };
        });
    }

    // A client that is closing reconnects only for pending calls, and not to a hub that is shutting down.
    #mayReconnect(reason: HubConnectionError, attempts: number): boolean {
        const session = this.#session;
        return this.#policyAllows(reason, attempts) && (!session.isClosing || (session.needsConnection && !session.shutdown));
    }

    #policyAllows(reason: HubConnectionError, attempts: number): boolean {
        return (
            !!this.#policy &&
            attempts < (this.#policy.maxAttempts ?? Infinity) &&
            (reason.advice === "yes" ||
                reason.advice === "pause" ||
                (reason.advice === "token" && typeof this.#options.token === "function" && this.#refusedTokens === 0))
        );
    }

    #finish(reason: HubConnectionError): void {
        this.closeReason = reason;
        const isClosedHere = reason.code === "normal" && this.#session.isClosing;
        this.#session.end(reason, isClosedHere);
        this.#deliveries.complete(isClosedHere ? undefined : reason);
        this.closed.resolve(reason);
        this.#events.closed(reason);
    }

    get #now(): number {
        return this.#options.clock.now();
    }
}
