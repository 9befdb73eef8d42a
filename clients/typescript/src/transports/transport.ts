import type { HubConnectionError } from "../errors.ts";

/** Carries bytes to the hub and back. What is given to `send` is not written to any more. */
export interface Transport {
    /** Bytes that were given to `send` and have not left. */
    buffered(): number;

    send(bytes: Uint8Array): void;

    /** Ends the connection. */
    close(): void;

    /** Stops receiving, and goes on. Undefined where that is impossible, as with WebSockets. */
    readonly pause?: () => void;
    readonly resume?: () => void;
}

/** Is told what happens. */
export interface TransportListener {
    received(chunk: Uint8Array): void;

    /** Less waits than before. */
    drained(): void;

    /** The connection has ended, or could not be made. */
    lost(reason: HubConnectionError): void;
}

/** What of the program's options is the transport's. */
export interface TransportOptions {
    /** The constructor of WebSockets, where there is no global one. */
    readonly WebSocket?: unknown;

    /** For `tls://`: what Node's `tls.connect` takes, such as `ca`, `cert`, `key`, `servername`. */
    readonly tls?: object | undefined;
}

/** Connects, until it is aborted; what happens is told to the listener, also that there is no connection, and before this completes. */
export type OpenTransport = (url: URL, options: TransportOptions, listener: TransportListener, signal: AbortSignal) => Promise<Transport>;
