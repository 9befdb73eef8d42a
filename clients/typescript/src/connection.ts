import { defer, onAbort } from "./abort.ts";
import type { Clock } from "./clock.ts";
import { SLOW_CONSUMER } from "./codes.ts";
import { HubConnectionError, closedHere } from "./errors.ts";
import { createFrameReader } from "./frame_reader.ts";
import { DELIVERY, WELCOME, utf8 } from "./frames.ts";
import { startHeartbeat, type Heartbeat, type Pulse } from "./heartbeat.ts";
import type { Link, Session } from "./session.ts";
import { openTransport } from "./transports/open.ts";
import type { Transport, TransportOptions } from "./transports/transport.ts";

/** The most bytes in one `send`, and the most that wait in the transport before callers do. */
const MAX_SEND_BYTES = 64 * 1024;
const MAX_BUFFERED_BYTES = 256 * 1024;

/**
 * Bytes that may wait for the program. Where receiving cannot be paused only the hub's own queue limit holds it back, which is 64 MiB
 * unless it was told otherwise.
 */
const RECEIVE_BYTES = 8 << 20;
const UNPAUSED_RECEIVE_BYTES = 72 << 20;

/** Rounds of the microtasks in which nothing happens before what was written leaves: a loop with `for await` takes a few for each turn. */
const QUIET_ROUNDS = 4;

const NOTHING = new Uint8Array(0);

/** A token, or what gives one for each connection. */
export type Token = string | ((signal: AbortSignal) => string | Promise<string>);

export interface ConnectionOptions extends TransportOptions {
    readonly url: URL;
    readonly clock: Clock;
    readonly token: Token | undefined;
    readonly connectTimeout: number;
    readonly receiveBuffer: number | undefined;
}

/** A transport to the hub, and what is sent and received on it until it ends. */
export interface Connection extends Link, Pulse {
    /** Resolves with the reason when it has ended. */
    readonly ended: Promise<HubConnectionError>;

    /** Whether receiving can be paused. */
    canPause(): boolean;

    /** The page has woken up, or the network is back. */
    wakeUp(): void;

    /** There may be room for deliveries again. */
    readOn(): void;
}

/** Connects, sends HELLO and waits for WELCOME. */
export function openConnection(options: ConnectionOptions, session: Session, signal: AbortSignal | undefined): Promise<Connection> {
    const { clock, connectTimeout, url, token } = options;
    const { inbox, outbox } = session;
    const opened = defer<Connection>();
    const ended = defer<HubConnectionError>();
    const ending = new AbortController();
    let transport: Transport | undefined;
    let heartbeat: Heartbeat | undefined;
    let isScheduled = false;
    let lastProgress = 0;
    let quietRounds = 0;
    let lastFlushed = 0;
    let forget: (() => void) | undefined;

    const reader = createFrameReader((type, flags, arg, view, start, end) => {
        const isRight = session.receiveFrame(connection, type, flags, arg, view, start, end);
        if (type === WELCOME && connection.sessionStart) {
            if (session.heartbeatSeconds) {
                heartbeat = startHeartbeat(connection, clock, session.heartbeatSeconds);
            }
            settle();
            opened.resolve(connection);
        }
        // Also after WELCOME: deliveries of the connection before may fill the queue.
        if ((type === DELIVERY || type === WELCOME) && !inbox.hasRoom()) {
            if (transport!.pause) {
                reader.isStopped = true;
                transport!.pause();
            } else {
                // WebSockets cannot stop reading: the hub keeps what comes from here on, and the session is resumed when there is room.
                connection.endWith(new HubConnectionError(SLOW_CONSUMER, "the program is too slow"));
            }
        }
        return isRight;
    });

    /** Reads what has come, and deals with what it has brought about. */
    function read(chunk: Uint8Array = NOTHING): void {
        if (!connection.endReason) {
            heartbeat?.noteReceived();
            const error = reader.readFrames(chunk);
            if (error) {
                connection.endWith(error);
            } else {
                flush();
            }
        }
    }

    function flush(): void {
        let bytes;
        // Not before WELCOME, which says from where the session goes on.
        while (
            connection.sessionStart &&
            !connection.endReason &&
            transport!.buffered() < MAX_BUFFERED_BYTES &&
            (bytes = outbox.takeBytes(MAX_SEND_BYTES))
        ) {
            for (let at = 0; at < bytes.length; at += MAX_SEND_BYTES) {
                transport!.send(bytes.subarray(at, at + MAX_SEND_BYTES));
            }
            heartbeat?.noteSent();
        }
        session.catchUp();
    }

    function flushWhenQuiet(): void {
        const written = outbox.bytesWritten();
        const progress = written - inbox.bytes;
        quietRounds = progress === lastProgress ? quietRounds + 1 : 0;
        lastProgress = progress;
        isScheduled = quietRounds < QUIET_ROUNDS && written - lastFlushed < MAX_SEND_BYTES;
        if (isScheduled) {
            // Somebody may be adding frames, or taking messages that are acknowledged, one after another, and be next in line.
            queueMicrotask(flushWhenQuiet);
        } else {
            lastFlushed = written;
            flush();
        }
    }

    /** Nothing is to be waited for any more. */
    const settle = () => {
        clock.clearTimeout(timer);
        forget?.();
    };

    const connection: Connection = {
        endReason: undefined,
        totalTold: 0,
        sessionStart: undefined,
        ended: ended.promise,
        canPause: () => !!transport?.pause,
        wakeUp: () => heartbeat?.check(),
        schedule() {
            if (!isScheduled) {
                isScheduled = true;
                queueMicrotask(flushWhenQuiet);
            }
        },
        readOn() {
            if (reader.isStopped && inbox.hasRoom() && !connection.endReason) {
                reader.isStopped = false;
                read();
                if (!reader.isStopped) {
                    transport!.resume!();
                }
            }
        },
        beat: outbox.sendHeartbeat,
        isExcused: () => reader.isStopped || outbox.mayBeHeldBack(),
        endWith(reason) {
            if (!connection.endReason) {
                session.detach(connection, reason);
                settle();
                reader.isStopped = true;
                heartbeat?.stop();
                ending.abort();
                transport?.close();
                opened.reject(reason);
                ended.resolve(reason);
            }
        },
    };

    const timer = clock.setTimeout(() => connection.endWith(new HubConnectionError(undefined, `${url.host} is silent`)), connectTimeout);
    forget = onAbort(signal, () => {
        opened.reject(signal!.reason);
        connection.endWith(closedHere());
    });
    (async () => {
        const bytes = utf8((typeof token === "function" ? await token(ending.signal) : token) ?? "");
        if (!ending.signal.aborted) {
            transport = await openTransport(url, options, { received: read, drained: flush, lost: connection.endWith }, ending.signal);
            inbox.limit = options.receiveBuffer ?? (transport.pause ? RECEIVE_BYTES : UNPAUSED_RECEIVE_BYTES);
            // Nothing else is sent before WELCOME, which says from where a resumed session goes on.
            transport.send(session.helloFor(connection, bytes));
        }
    })().catch((error) => {
        if (error instanceof TypeError) {
            opened.reject(error);
        }
        connection.endWith(error instanceof HubConnectionError ? error : new HubConnectionError(undefined, `${error}`, error));
    });
    return opened.promise;
}
