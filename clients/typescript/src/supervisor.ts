import { defer } from "./abort.ts";
import { MAX_DELAY, pauseBefore, type ReconnectOptions } from "./backoff.ts";
import { adviceFor } from "./codes.ts";
import { openConnection, type Connection, type ConnectionOptions } from "./connection.ts";
import { HubConnectionError, closedHere } from "./errors.ts";
import type { Session } from "./session.ts";

/** Milliseconds that a program without a session has to take what it was sent. */
const MAX_PAUSE = 1e9;

const page = globalThis as Partial<EventTarget> & { document?: EventTarget };

export type Supervisor = ReturnType<typeof createSupervisor>;

/**
 * Keeps a client connected: replaces each connection that is lost, by the policy, until the client is closed for good.
 *
 * @param tell Tells the program what happens, and more of it.
 */
export function createSupervisor(
    options: ConnectionOptions,
    policy: ReconnectOptions | undefined,
    session: Session,
    tell: (type: string, details?: object) => void,
) {
    const { clock } = options;
    const { inbox } = session;
    const finished = defer<HubConnectionError>();
    const stopping = new AbortController();
    let connection: Connection;
    let attempts = 0;
    let refusedTokens = 0;
    let isWoken = false;
    let isOver = false;
    let interrupt = () => {};

    const policyAllows = (reason: HubConnectionError) =>
        policy &&
        !(attempts >= policy.maxAttempts!) &&
        (adviceFor(reason) === "t" ? typeof options.token === "function" && !refusedTokens : adviceFor(reason));

    // A client that is closing reconnects only for pending calls, and not to a hub that is shutting down.
    const mayReconnect = (reason: HubConnectionError) =>
        policyAllows(reason) && (!session.outbox.isLeaving || (session.needsLink() && !session.shutdownReason()));

    /** Waits for so long, or until what may interrupt it has come about. */
    function pause(milliseconds: number, isOver: () => boolean): Promise<void> {
        isWoken = false;
        return new Promise((resolve) => {
            const timer = clock.setTimeout(resolve, milliseconds);
            interrupt = () => {
                if (isOver() || stopping.signal.aborted) {
                    clock.clearTimeout(timer);
                    resolve();
                }
            };
        });
    }

    /** Makes the next connection, or returns why there is none. */
    async function reconnect(lost: HubConnectionError): Promise<HubConnectionError | undefined> {
        const since = clock.now();
        let reason = lost;
        let isTried = false;
        for (; mayReconnect(reason); isTried = true) {
            if (!isTried) {
                tell("reconnecting", { reason });
            }
            const window = session.resumeWindow();
            const isAsked = adviceFor(reason) === "p";
            if (clock.now() - since >= window) {
                session.expire();
                continue;
            }
            refusedTokens += +(adviceFor(reason) === "t");
            await pause(pauseBefore(attempts++, isAsked, clock.random(), window, policy!), () => isWoken && !isAsked);
            if (!connection.canPause() && !inbox.hasRoom()) {
                // Half of it, or else the next message would be too many again.
                await pause(Math.min(window, MAX_PAUSE) - (clock.now() - since), () => inbox.bytes < inbox.limit / 2);
            }
            try {
                connection = await openConnection(options, session, stopping.signal);
                refusedTokens = 0;
                return undefined;
            } catch (error) {
                reason = stopping.signal.aborted ? closedHere() : (error as HubConnectionError);
            }
        }
        // Only the program has prevented it, and no call of its own needs the session.
        return !isTried && policyAllows(reason) ? closedHere() : reason;
    }

    /** Replaces connections; returns why there is no further one. */
    async function run(): Promise<HubConnectionError> {
        for (;;) {
            const since = clock.now();
            const lost = await connection.ended;
            if (clock.now() - since >= (policy?.maxDelay ?? MAX_DELAY)) {
                attempts = 0;
            }
            const reason = await reconnect(lost);
            if (reason) {
                return reason;
            }
            const { oldId, unknownRelays } = connection.sessionStart!;
            if (session.isResumed) {
                tell("resumed");
            } else {
                tell("lost", { oldId, id: session.userId, unknownRelays, reason: lost });
            }
            tell("connected");
        }
    }

    const supervisor = {
        /** Resolves with the reason when the client is closed for good. */
        finished: finished.promise,
        isOver: () => isOver,

        isOpen: () => !connection.endReason,

        /** Makes the first connection, with one attempt, and replaces it from then on. */
        async begin(signal: AbortSignal | undefined): Promise<void> {
            connection = await openConnection(options, session, signal);
            const wake = () => {
                connection.wakeUp();
                isWoken = true;
                interrupt();
            };
            // Timers of hidden pages may not have run, and a network that has come back is tried at once. Elsewhere there is no page.
            page.addEventListener?.("online", wake, stopping);
            page.document?.addEventListener("visibilitychange", wake, stopping);
            inbox.roomMade = () => {
                connection.readOn();
                interrupt();
            };
            void run()
                .catch((error) => error)
                .then((reason) => {
                    supervisor.stop();
                    isOver = true;
                    session.endWith(reason, session.outbox.isLeaving && reason.code === "normal");
                    finished.resolve(reason);
                    tell("closed", { reason });
                });
        },

        /** Makes no further connection. */
        stop(): void {
            stopping.abort();
            interrupt();
        },

        /** Makes no further connection, and cuts the one there is. */
        cut(): void {
            session.leave();
            supervisor.stop();
            connection.endWith(closedHere());
        },
    };
    return supervisor;
}
