import * as net from "node:net";
import * as tls from "node:tls";
import { HubConnectionError } from "../errors.ts";
import type { Transport, TransportListener, TransportOptions } from "./transport.ts";

/** Errors of TLS that would come again: a certificate or a way to speak TLS that one side does not accept. */
const FINAL_TLS = /^(ERR_TLS|ERR_SSL|ERR_OSSL|EPROTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_)/;

/** Connects to a hub over TCP, or TLS on it. */
export function openTcp(url: URL, options: TransportOptions, listener: TransportListener, signal: AbortSignal): Promise<Transport> {
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const port = Number(url.port || 8888);
    const isTls = url.protocol === "tls:";
    return new Promise((resolve, reject) => {
        const socket = isTls
            ? tls.connect({ host, port, ...(net.isIP(host) ? {} : { servername: host }), ...options.tls })
            : net.connect({ host, port });
        const transport = new TcpTransport(socket, listener);
        let isOpen = false;
        const abort = () => {
            transport.close();
            reject(signal.reason);
        };
        signal.addEventListener("abort", abort);
        socket.once(isTls ? "secureConnect" : "connect", () => {
            signal.removeEventListener("abort", abort);
            if (socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress) {
                // Nobody listens there, and the system has connected the socket to itself.
                transport.close();
                reject(new HubConnectionError(undefined, `no connection to ${url.host}: nobody listens there`));
                return;
            }
            isOpen = true;
            socket.setNoDelay(true);
            resolve(transport);
        });
        let problem: (Error & { code?: string }) | undefined;
        socket.on("error", (error) => (problem = error));
        socket.on("data", (chunk) => listener.received(chunk));
        socket.on("end", () => socket.destroy());
        socket.on("close", () => {
            const isFinal = isTls && FINAL_TLS.test(problem?.code ?? "");
            const error = new HubConnectionError(
                undefined,
                (isOpen ? "the connection was lost" : `no connection to ${url.host}`) + (problem ? `: ${problem.message}` : ""),
                problem,
                isFinal ? "no" : "yes",
            );
            signal.removeEventListener("abort", abort);
            reject(error);
            listener.closed(error);
        });
    });
}

class TcpTransport implements Transport {
    readonly #socket: net.Socket;
    readonly #written: () => void;

    constructor(socket: net.Socket, listener: TransportListener) {
        this.#socket = socket;
        this.#written = () => listener.drained();
    }

    get buffered(): number {
        return this.#socket.writableLength;
    }

    get borrowed(): number {
        return this.#socket.writableLength;
    }

    readonly pause = (): void => void this.#socket.pause();
    readonly resume = (): void => void this.#socket.resume();

    send(bytes: Uint8Array): void {
        this.#socket.write(bytes, this.#written);
    }

    /** Every write tells when it is done. */
    watchDrain(): void {}

    close(): void {
        if (this.#socket.writableLength > 0 || this.#socket.connecting) {
            this.#socket.destroy();
        } else {
            this.#socket.end();
            this.#socket.destroySoon();
        }
    }
}
