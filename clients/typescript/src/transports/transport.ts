import type { HubConnectionError } from "../errors.ts";

/** Carries bytes to the hub and back. */
export interface Transport {
    /** Bytes that were given to `send` and have not left. */
    readonly buffered: number;

    /** Those of them whose memory is still read. */
    readonly borrowed: number;

    send(bytes: Uint8Array): void;

    /** Calls `drained` soon after less waits. */
    watchDrain(): void;

    /** Ends the connection. Nothing is told after that. */
    close(): void;

    /** Stops receiving, and goes on. Undefined where that is impossible, as in browsers. */
    readonly pause: (() => void) | undefined;
    readonly resume: (() => void) | undefined;
}

/** Is told what happens. */
export interface TransportListener {
    received(chunk: Uint8Array): void;
    drained(): void;
    closed(reason: HubConnectionError): void;
}

/** What of the program's options is the transport's. */
export interface TransportOptions {
    /** The constructor of WebSockets, where there is no global one. */
    readonly WebSocket?: WebSocketConstructor | undefined;

    /** For `tls://`: what Node's `tls.connect` takes, such as `ca`, `cert`, `key`, `servername`. */
    readonly tls?: object | undefined;
}

/** Whatever makes WebSockets as browsers do. */
export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike;

/** What the client uses of a WebSocket. */
export interface WebSocketLike {
    binaryType: string;
    readonly bufferedAmount: number;
    send(data: Uint8Array<ArrayBuffer>): void;
    close(code?: number, reason?: string): void;
    pause?(): void;
    resume?(): void;
    onopen: ((event: never) => unknown) | null;
    onmessage: ((event: never) => unknown) | null;
    onclose: ((event: never) => unknown) | null;
    onerror: ((event: never) => unknown) | null;
}
