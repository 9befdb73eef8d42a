import { codeName } from "../codes.ts";
import { HubConnectionError, violation } from "../errors.ts";
import type { Transport, TransportListener, TransportOptions, WebSocketConstructor, WebSocketLike } from "./transport.ts";

/** How often the socket is asked whether less waits: there is no event for it. */
const POLL_MILLISECONDS = 10;

/** Closes of the hub have the code of its GOODBYE and this. */
const CLOSE_CODES = 4000;

/** Connects to a hub over WebSocket. */
export function openWebSocket(url: URL, options: TransportOptions, listener: TransportListener, signal: AbortSignal): Promise<Transport> {
    const constructor = options.WebSocket ?? (globalThis.WebSocket as unknown as WebSocketConstructor | undefined);
    if (!constructor) {
        throw new TypeError("there is no WebSocket here: give a constructor as { WebSocket }, or connect to tcp://HOST:PORT");
    }
    return new Promise((resolve, reject) => {
        const socket = new constructor(url.href, ["mds.v1"]);
        const transport = new WebSocketTransport(socket, listener);
        socket.binaryType = "arraybuffer";
        const abort = () => {
            transport.close();
            reject(signal.reason);
        };
        signal.addEventListener("abort", abort);
        let isOpen = false;
        let problem: unknown;
        socket.onopen = () => {
            isOpen = true;
            signal.removeEventListener("abort", abort);
            resolve(transport);
        };
        socket.onmessage = ({ data }: { data: unknown }) => {
            if (data instanceof ArrayBuffer) {
                listener.received(new Uint8Array(data));
            } else {
                transport.fail(violation("a text message, which no hub does"));
            }
        };
        socket.onerror = (event: { error?: unknown; message?: string }) => {
            problem = event.error ?? event.message;
        };
        socket.onclose = ({ code, reason }: { code: number; reason: string }) => {
            const detail = problem instanceof Error ? problem.message : problem;
            const error =
                code >= CLOSE_CODES && code < CLOSE_CODES + 1000
                    ? new HubConnectionError(codeName(code - CLOSE_CODES), reason)
                    : new HubConnectionError(
                          undefined,
                          (isOpen ? "the connection was lost" : `no connection to ${url.host}`) + ` (${detail || `close ${code}`})`,
                          problem,
                      );
            signal.removeEventListener("abort", abort);
            reject(error);
            transport.fail(error);
        };
    });
}

class WebSocketTransport implements Transport {
    /** What is sent is copied at once. */
    readonly borrowed = 0;
    readonly pause: (() => void) | undefined;
    readonly resume: (() => void) | undefined;

    readonly #socket: WebSocketLike;
    readonly #listener: TransportListener;
    #poll: ReturnType<typeof setTimeout> | undefined;

    constructor(socket: WebSocketLike, listener: TransportListener) {
        this.#socket = socket;
        this.#listener = listener;
        this.pause = socket.pause?.bind(socket);
        this.resume = socket.resume?.bind(socket);
    }

    get buffered(): number {
        return this.#socket.bufferedAmount;
    }

    send(bytes: Uint8Array): void {
        this.#socket.send(bytes as Uint8Array<ArrayBuffer>);
    }

    watchDrain(): void {
        this.#poll ??= setTimeout(() => {
            this.#poll = undefined;
            this.#listener.drained();
        }, POLL_MILLISECONDS);
    }

    fail(reason: HubConnectionError): void {
        this.#release();
        this.#listener.closed(reason);
    }

    close(): void {
        this.#release();
        // An error that comes when a connection is given up that is not open yet is nobody's.
        this.#socket.onerror = () => {};
        this.#socket.close();
    }

    #release(): void {
        clearTimeout(this.#poll);
        this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    }
}
