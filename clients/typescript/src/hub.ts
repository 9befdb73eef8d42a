import { abortable } from "./abort.ts";
import type { ReconnectOptions } from "./backoff.ts";
import { toBytes, type Body } from "./body.ts";
import { systemClock, type Clock } from "./clock.ts";
import type { ConnectionOptions, Token } from "./connection.ts";
import type { Delivery } from "./delivery.ts";
import type { HubConnectionError } from "./errors.ts";
import type { HubEventMap } from "./events.ts";
import { BEST_EFFORT, CONFIRM, MAX_BODY_BYTES, type Id } from "./frames.ts";
import type { Presence } from "./presence_update.ts";
import type { Receipt } from "./receipt.ts";
import { echoRequest, listRequest } from "./requests.ts";
import { decodeSession, encodeSession } from "./saved_session.ts";
import { createSession, type Session } from "./session.ts";
import { createSupervisor, type Supervisor } from "./supervisor.ts";
import { parseUrl } from "./transports/open.ts";

/** For so long disposing waits for the hub's goodbye. */
const DISPOSE_MILLISECONDS = 5000;

/** How to connect. */
export interface ConnectOptions {
    /** Shown to the hub, or a function that is asked for one before each connection. */
    readonly token?: Token;

    /** Gives up connecting. */
    readonly signal?: AbortSignal;

    /** What another client has saved as `hub.session`: goes on with it, if the hub still knows it. */
    readonly session?: string | undefined;

    /** Milliseconds that an attempt to connect may take. Default: 10,000. */
    readonly connectTimeout?: number;

    /** How a lost connection is replaced; false: it is not. */
    readonly reconnect?: ReconnectOptions | false;

    /** Whether the session outlives a connection. Default: true. */
    readonly resume?: boolean;

    /** For programs that only send: what comes counts as taken, and is thrown away. Default: false. */
    readonly discard?: boolean;

    /** Bytes that may wait to be sent or acknowledged; callers wait beyond it. Default: 4 MiB. The hub acknowledges every 256 KiB or once a second: less than twice that slows senders down. */
    readonly sendBuffer?: number;

    /** Bytes that may wait for the program. Default: 8 MiB, or 72 MiB over WebSocket, where receiving cannot be paused. */
    readonly receiveBuffer?: number;

    /** The constructor of WebSockets, where there is no global one. */
    readonly WebSocket?: unknown;

    /** For `tls://`: what Node's `tls.connect` takes, such as `ca`, `cert`, `key`, `servername`. */
    readonly tls?: object;

    /** @internal */
    readonly clock?: Clock;
}

/** What may be said of any call. */
export interface CallOptions {
    /** Stops waiting; what was sent stays sent. */
    readonly signal?: AbortSignal | undefined;
}

/** How the hub carries out a relay. */
export interface RelayOptions extends CallOptions {
    /** Whether to wait until the hub tells what became of it. */
    readonly receipt?: boolean;

    /** Whether to wait until the receivers' programs have taken it, or are known not to. */
    readonly confirm?: boolean;

    /** Leaves out a receiver whose queue is full, instead of waiting for it. */
    readonly bestEffort?: boolean;
}

/** What the client is doing. */
export type HubState = "connected" | "reconnecting" | "closed";

/**
 * A user of a message delivery hub. Calls need not wait for each other: they are sent and answered in the order in which they were made; only
 * receipts of `confirm` come when they are known.
 *
 * A lost connection is replaced, and the session goes on: calls that are pending or made meanwhile wait and end as if nothing had happened,
 * and messages arrive without a gap or a repetition. Where the hub cannot resume the session, they fail with a `HubSessionLostError`, and
 * the client goes on as a new user; see the event `lost`.
 */
export interface Hub {
    addEventListener<K extends keyof HubEventMap>(
        type: K,
        listener: ((event: HubEventMap[K]) => void) | null,
        options?: boolean | AddEventListenerOptions,
    ): void;
    removeEventListener<K extends keyof HubEventMap>(
        type: K,
        listener: ((event: HubEventMap[K]) => void) | null,
        options?: boolean | EventListenerOptions,
    ): void;
}

export class Hub extends EventTarget implements AsyncIterable<Delivery> {
    readonly #session: Session;
    readonly #supervisor: Supervisor;
    #closing: Promise<HubConnectionError | false | undefined> | undefined;

    /** @internal */
    constructor(address: string | URL, options: ConnectOptions) {
        super();
        const { resume = true, reconnect = {}, clock = systemClock, sendBuffer = 4 << 20, discard = false, session } = options;
        const { connectTimeout = 10_000 } = options;
        const tell = (type: string, details?: object) => void this.dispatchEvent(Object.assign(new Event(type), details));
        this.#session = createSession(
            clock,
            resume && !!reconnect,
            sendBuffer,
            discard,
            session === undefined ? undefined : decodeSession(session),
            (error) => tell("rejected", { error }),
        );
        this.#supervisor = createSupervisor(
            { ...options, url: parseUrl(address), clock, connectTimeout } as ConnectionOptions,
            reconnect || undefined,
            this.#session,
            tell,
        );
    }

    /** @internal */
    connect(signal: AbortSignal | undefined): Promise<void> {
        return this.#supervisor.begin(signal);
    }

    /** This user's id; another one after the event `lost`. */
    get id(): bigint {
        return this.#session.userId;
    }

    /** Whether the connection there is, or the last one, goes on with a session that there was before. */
    get resumed(): boolean {
        return this.#session.isResumed;
    }

    /** The most bytes a body may have. */
    get maxBody(): number {
        return this.#session.maxBody;
    }

    /** The most receivers a relay may list. */
    get maxReceivers(): number {
        return this.#session.maxReceivers;
    }

    get state(): HubState {
        return this.#supervisor.isOver() ? "closed" : this.#supervisor.isOpen() ? "connected" : "reconnecting";
    }

    /** Resolves when the client is closed for good, whoever closed it, with the reason; never fails. */
    get closed(): Promise<HubConnectionError> {
        return this.#supervisor.finished;
    }

    /**
     * The session as it is now, for `connect` in another page or process after this client is gone; undefined if it cannot be resumed. Keep
     * it as long as this client lives and does not use it any more: what is taken or sent later is not in it. It is a secret.
     */
    get session(): string | undefined {
        const saved = this.#session.saveSession();
        return saved && encodeSession(saved);
    }

    /** Asks who else is there: ids, ascending. */
    list({ signal }: CallOptions = {}): Promise<bigint[]> {
        return this.#session.askHub((resolve, reject) => listRequest(this.#session.presence, resolve, reject), signal);
    }

    /** Sends bytes that the hub sends back. */
    async echo(body: Body, { signal }: CallOptions = {}): Promise<Uint8Array> {
        const bytes = await toBytes(body, MAX_BODY_BYTES);
        return this.#session.askHub<Uint8Array>((resolve, reject) => echoRequest(bytes, resolve, reject), signal);
    }

    /**
     * Sends a message to one user or several (1 to 255). Without `receipt` it completes when the client has taken the message, not when it has
     * arrived: that is at once, unless `sendBuffer` bytes wait already; the event `rejected` tells if the hub answers with an error. A message
     * that is aborted before that is not sent. With `receipt` or `confirm` it completes with what became of it.
     */
    relay(to: Id | readonly Id[], body: Body, options: RelayOptions & ({ receipt: true } | { confirm: true })): Promise<Receipt>;
    relay(to: Id | readonly Id[], body: Body, options?: RelayOptions & { receipt?: false; confirm?: false }): Promise<void>;
    relay(to: Id | readonly Id[], body: Body, options?: RelayOptions): Promise<Receipt | void>;
    relay(to: Id | readonly Id[], body: Body, options?: RelayOptions): Promise<Receipt | void> {
        try {
            const receivers = typeof to === "object" ? to.map(BigInt) : [BigInt(to)];
            for (const id of receivers) {
                if (id >> 64n) {
                    throw new RangeError(`${id} is no id`);
                }
            }
            if (!receivers.length || receivers.length > this.maxReceivers) {
                throw new RangeError(`${receivers.length} receivers; the limit is ${this.maxReceivers}`);
            }
            const bytes = toBytes(body, this.maxBody);
            if (bytes instanceof Promise) {
                return abortable(bytes, options?.signal).then((all) => this.#relay(receivers, all, options));
            }
            return this.#relay(receivers, bytes, options);
        } catch (error) {
            return Promise.reject(error);
        }
    }

    /**
     * The messages that arrive, in the order in which each sender sent them, across reconnections. Asking for the next one tells the hub that
     * the one before was taken, unless `ack` has. Leaving the loop loses nothing: another one goes on where it stopped. One loop at a time.
     */
    [Symbol.asyncIterator](): AsyncIterableIterator<Delivery> {
        return this.receive();
    }

    /** The same, until it is aborted. */
    receive({ signal }: CallOptions = {}): AsyncIterableIterator<Delivery> {
        return this.#session.inbox.deliveries(signal);
    }

    /**
     * Who is there, and who comes and goes from then on: the first update names all others, each further one the difference to the one
     * before. A reconnection does not end it; what changed meanwhile is one more update. Whoever is slow gets fewer and larger updates.
     */
    watch({ signal }: CallOptions = {}): AsyncIterableIterator<Presence> {
        return this.#session.presence.updates(signal);
    }

    /**
     * Says goodbye: sends everything the client has taken before, and waits until the hub has carried it out and answered. Calls made from now
     * on fail. Throws if the connection ended before that. Aborting cuts the connection.
     */
    async close({ signal }: CallOptions = {}): Promise<void> {
        const session = this.#session;
        if (!this.#closing) {
            session.inbox.beginClose();
            const isNeeded = session.leave();
            const shutdown = session.shutdownReason();
            if (!isNeeded || shutdown) {
                this.#supervisor.stop();
            }
            this.#closing = this.closed.then((reason) => (!isNeeded || reason.code === "normal" ? isNeeded && shutdown : reason));
        }
        try {
            const lost = await abortable(this.#closing, signal);
            if (lost) {
                throw lost;
            }
        } finally {
            if (signal?.aborted) {
                this.#supervisor.cut();
                await this.closed;
            }
        }
    }

    /** Closes as `close` does, for at most five seconds and without an error. */
    async dispose(): Promise<void> {
        await this.close({ signal: AbortSignal.timeout(DISPOSE_MILLISECONDS) }).catch(() => {});
    }

    #relay(to: bigint[], body: Uint8Array, options: RelayOptions | undefined): Promise<Receipt | void> {
        if (!options) {
            return this.#session.sendRelay(to, body, 0);
        }
        const flags = (options.bestEffort ? BEST_EFFORT : 0) | (options.confirm ? CONFIRM : 0);
        return options.receipt || options.confirm
            ? this.#session.askReceipt(to, body, flags, options.signal)
            : this.#session.sendRelay(to, body, flags, options.signal);
    }
}

// Where there is no Symbol.asyncDispose, what compilers make of `await using` looks for this one.
const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose");

export interface Hub {
    /** `await using` disposes of it. */
    [Symbol.asyncDispose](): Promise<void>;
}

Hub.prototype[asyncDispose] = Hub.prototype.dispose;

/**
 * Connects and waits until the hub has given an id. A first connection that fails is not tried again.
 *
 * @param url `ws://HOST:PORT` or `wss://HOST:PORT`; in Node, Deno and Bun also `tcp://HOST:PORT` and `tls://HOST:PORT`.
 */
export async function connect(url: string | URL, options: ConnectOptions = {}): Promise<Hub> {
    const hub = new Hub(url, options);
    await hub.connect(options.signal);
    return hub;
}
