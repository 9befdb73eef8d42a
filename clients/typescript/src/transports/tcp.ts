import * as net from "node:net";
import * as tls from "node:tls";
import { HubConnectionError } from "../errors.ts";
import type { OpenTransport } from "./transport.ts";

/** Errors of TLS that would come again: a certificate or a way to speak TLS that one side does not accept. */
const FINAL_TLS = /^(ERR_TLS|ERR_SSL|ERR_OSSL|EPROTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_)/;

/** Connects to a hub over TCP, or TLS on it. */
export const openTcp: OpenTransport = (url, options, listener, signal) => {
    if (!/^t(cp|ls):/.test(url.protocol) || !url.hostname) {
        throw new TypeError(`${url} is none of ws://, wss://, tcp:// and tls:// with a host`);
    }
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const port = Number(url.port || 8888);
    const isTls = url.protocol === "tls:";
    return new Promise((resolve) => {
        const socket = isTls
            ? tls.connect({ host, port, ...(net.isIP(host) ? {} : { servername: host }), ...options.tls })
            : net.connect({ host, port });
        let isOpen = false;
        let problem: (Error & { code?: string }) | undefined;
        const written = () => listener.drained();
        socket.once(isTls ? "secureConnect" : "connect", () => {
            if (socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress) {
                // Nobody listens there, and the system has connected the socket to itself.
                socket.destroy(new Error("nobody listens there"));
                return;
            }
            isOpen = true;
            socket.setNoDelay(true);
            resolve({
                buffered: () => socket.writableLength,
                send: (bytes) => void socket.write(bytes, written),
                close: () => void (socket.writableLength > 0 ? socket.destroy() : socket.destroySoon()),
                pause: () => void socket.pause(),
                resume: () => void socket.resume(),
            });
        });
        socket.on("error", (error) => (problem = error));
        socket.on("data", (chunk) => listener.received(chunk));
        socket.on("end", () => socket.destroy());
        socket.on("close", () => {
            const what = isOpen ? `the connection to ${url.host} was lost` : `no connection to ${url.host}`;
            const error = new HubConnectionError(undefined, problem ? `${what}: ${problem.message}` : what, problem);
            listener.lost(Object.assign(error, { isFinal: isTls && FINAL_TLS.test(problem?.code ?? "") }));
        });
        signal.addEventListener("abort", () => socket.destroy());
    });
};
