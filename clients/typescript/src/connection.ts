import { defer } from "./abort.ts";
import type { Clock } from "./clock.ts";
import type { DeliveryQueue } from "./delivery_queue.ts";
import { HubConnectionError } from "./errors.ts";
import { FrameReader } from "./frame_reader.ts";
import { DELIVERY, MAX_TOKEN_BYTES, WELCOME, utf8 } from "./frames.ts";
import { Heartbeat, type Pulse } from "./heartbeat.ts";
import type { Link, Session, SessionStart } from "./session.ts";
import { openTransport } from "./transports/open.ts";
import type { Transport, TransportListener, TransportOptions } from "./transports/transport.ts";

/** The most bytes in one `send`, and the most that wait in the transport before callers do. */
const MAX_SEND_BYTES = 64 * 1024;
const MAX_BUFFERED_BYTES = 256 * 1024;

/**
 * Bytes that may wait for the program. Where receiving cannot be paused only the hub's own queue limit holds it back, which is 64 MiB
 * unless it was told otherwise.
 */
const RECEIVE_BYTES = 8 << 20;
const UNPAUSED_RECEIVE_BYTES = 72 << 20;

export interface ConnectionOptions extends TransportOptions {
    readonly url: URL;
    readonly clock: Clock;
    readonly token: Token | undefined;
    readonly connectTimeout: number;
    readonly receiveBuffer: number | undefined;
}

/** A token, or what gives one for each connection. */
export type Token = string | ((signal: AbortSignal) => string | Promise<string>);

/** A transport to the hub, and what is sent and received on it until it ends. */
export class Connection implements Link, TransportListener, Pulse {
    closeReason: HubConnectionError | undefined;
    told = 0;
    start: SessionStart | undefined;

    readonly #options: ConnectionOptions;
    readonly #session: Session;
    readonly #deliveries: DeliveryQueue;
    readonly #reader: FrameReader;
    readonly #opened = defer<void>();
    readonly #ended = defer<HubConnectionError>();
    #transport: Transport | undefined;
    #heartbeat: Heartbeat | undefined;
    #isScheduled = false;
    #lastTail = 0;
    #isPaused = false;
    #endReason: HubConnectionError | undefined;

    private constructor(options: ConnectionOptions, session: Session, deliveries: DeliveryQueue) {
        this.#options = options;
        this.#session = session;
        this.#deliveries = deliveries;
        this.#opened.promise.catch(() => {});
        this.#reader = new FrameReader((type, flags, arg, bytes, start, end) => {
            this.#endReason = session.receive(this, type, flags, arg, bytes, start, end);
            if (this.#endReason || this.closeReason) {
                return false;
            }
            if (type === WELCOME && this.start) {
                this.#open(this.start);
            }
            if ((type === DELIVERY || type === WELCOME) && !deliveries.hasRoom) {
                // Also after WELCOME: deliveries of the connection before may fill the queue.
                this.#pause();
                return false;
            }
            return true;
        });
    }

    /** Connects, sends HELLO and waits for WELCOME. */
    static async open(options: ConnectionOptions, session: Session, deliveries: DeliveryQueue, signal?: AbortSignal): Promise<Connection> {
        const connection = new Connection(options, session, deliveries);
        const attempt = new AbortController();
        const abort = () => attempt.abort(signal!.reason);
        const { clock, connectTimeout, url } = options;
        const timer = clock.setTimeout(
            () => attempt.abort(new HubConnectionError(undefined, `${url.host} did not answer within ${connectTimeout / 1000} s`)),
            connectTimeout,
        );
        signal?.addEventListener("abort", abort);
        const aborted = defer<never>();
        attempt.signal.addEventListener("abort", () => aborted.reject(attempt.signal.reason));
        try {
            signal?.throwIfAborted();
            await Promise.race([aborted.promise, connection.#connect(attempt.signal)]);
            return connection;
        } catch (error) {
            const reason = error instanceof HubConnectionError ? error : new HubConnectionError(undefined, `${error}`, error);
            connection.close(reason);
            throw signal?.aborted || error instanceof TypeError ? error : reason;
        } finally {
            clock.clearTimeout(timer);
            signal?.removeEventListener("abort", abort);
        }
    }

    /** Resolves with the reason when it has ended. */
    get ended(): Promise<HubConnectionError> {
        return this.#ended.promise;
    }

    /** Whether receiving can be paused. */
    get canPause(): boolean {
        return !!this.#transport?.pause;
    }

    /** Ends the connection now and drops what is not sent. The first reason is kept. */
    close(reason: HubConnectionError): void {
        if (this.#session.detach(this, reason)) {
            this.#heartbeat?.stop();
            this.#reader.clear();
            this.#transport?.close();
            this.#opened.reject(reason);
            this.#ended.resolve(reason);
        }
    }

    /** There is something to send. It leaves when nobody adds to it any more, so that much of it leaves at once. */
    schedule(): void {
        if (!this.#isScheduled && this.start) {
            this.#isScheduled = true;
            this.#lastTail = -1;
            queueMicrotask(this.#flushWhenQuiet);
        }
    }

    /** The page has woken up, or the network is back. */
    wake(): void {
        this.#heartbeat?.check();
    }

    /** There may be room for deliveries again. */
    readOn(): void {
        if (this.#isPaused && this.#deliveries.hasRoom && !this.closeReason) {
            this.#isPaused = false;
            this.#heartbeat?.noteReceived();
            this.#read(this.#reader.read());
            if (!this.#isPaused && !this.closeReason) {
                this.#transport!.resume!();
            }
        }
    }

    received(chunk: Uint8Array): void {
        if (this.closeReason) {
            return;
        }
        this.#heartbeat?.noteReceived();
        this.#read(this.#reader.push(chunk));
    }

    drained(): void {
        this.#flush();
    }

    closed(reason: HubConnectionError): void {
        this.close(
            reason.code === undefined && this.#reader.hasPartial && this.start
                ? new HubConnectionError(undefined, `${reason.text}, in the middle of a frame`, reason, reason.advice)
                : reason,
        );
    }

    sendHeartbeat(): boolean {
        const { frames } = this.#session.sender;
        return frames.isTaken && this.#transport!.buffered === 0 && this.#session.sender.heartbeat();
    }

    get isExcused(): boolean {
        return this.#isPaused || this.#session.sender.mayBeHeldBack;
    }

    async #connect(signal: AbortSignal): Promise<void> {
        const token = utf8(await tokenOf(this.#options.token, signal));
        if (token.length > MAX_TOKEN_BYTES) {
            throw new HubConnectionError(undefined, `the token has ${token.length} bytes; at most ${MAX_TOKEN_BYTES} are possible`);
        }
        signal.throwIfAborted();
        const transport = await openTransport(this.#options.url, this.#options, this, signal);
        if (signal.aborted || this.closeReason) {
            transport.close();
            throw this.closeReason ?? signal.reason;
        }
        this.#transport = transport;
        this.#deliveries.limit = this.#options.receiveBuffer ?? (transport.pause ? RECEIVE_BYTES : UNPAUSED_RECEIVE_BYTES);
        // Nothing is sent before WELCOME, which says from where a resumed session goes on.
        transport.send(this.#session.hello(this, token));
        await this.#opened.promise;
    }

    #open(start: SessionStart): void {
        if (start.heartbeatSeconds > 0) {
            this.#heartbeat = new Heartbeat(this, this.#options.clock, start.heartbeatSeconds);
        }
        this.schedule();
        this.#opened.resolve();
    }

    /** What has been received so far is dealt with. */
    #read(error: HubConnectionError | undefined): void {
        const reason = error ?? this.#endReason;
        if (reason) {
            this.close(reason);
        } else if (this.start && !this.closeReason) {
            this.#settle();
        }
    }

    /** Stops reading until there is room for deliveries. */
    #pause(): void {
        if (this.#transport!.pause) {
            this.#isPaused = true;
            this.#transport!.pause();
        } else {
            // Browsers cannot stop reading: the hub keeps what comes from here on, and the session is resumed when there is room.
            this.#endReason = new HubConnectionError("slow_consumer", "the program does not take what it is sent");
        }
    }

    readonly #flushWhenQuiet = (): void => {
        const { written } = this.#session.sender.frames;
        if (written !== this.#lastTail && written - this.#session.sender.frames.next < MAX_SEND_BYTES) {
            // Somebody may be adding frames, one after another, and be next in line.
            this.#lastTail = written;
            queueMicrotask(this.#flushWhenQuiet);
        } else {
            this.#isScheduled = false;
            this.#flush();
        }
    };

    #flush(): void {
        if (!this.start || this.closeReason) {
            return;
        }
        const transport = this.#transport!;
        const { frames } = this.#session.sender;
        let bytes;
        while (transport.buffered < MAX_BUFFERED_BYTES && (bytes = frames.take(MAX_SEND_BYTES))) {
            transport.send(bytes);
            this.#heartbeat?.noteSent();
        }
        this.#settle();
        if (!frames.isTaken) {
            transport.watchDrain();
        }
    }

    #settle(): void {
        this.#session.settle(this.#session.sender.frames.next - this.#transport!.borrowed);
    }
}

async function tokenOf(token: Token | undefined, signal: AbortSignal): Promise<string> {
    try {
        return typeof token === "function" ? await token(signal) : (token ?? "");
    } catch (error) {
        signal.throwIfAborted();
        throw new HubConnectionError(undefined, `there is no token: ${error instanceof Error ? error.message : error}`, error);
    }
}
