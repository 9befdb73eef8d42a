import type { Transport, TransportListener, TransportOptions } from "./transport.ts";
import { openWebSocket } from "./websocket.ts";

const schemes: Record<string, string> = { "http:": "ws:", "https:": "wss:" };

/** Reads an address: `ws://`, `wss://`, `tcp://` or `tls://`; a page's own `http://` or `https://` stands for its WebSocket. */
export function parseUrl(address: string | URL): URL {
    const given = new URL(address);
    const scheme = schemes[given.protocol] ?? given.protocol;
    const url = new URL(scheme + given.href.slice(given.protocol.length));
    if (isWebSocket(url)) {
        url.hash = "";
        if (url.pathname === "/") {
            url.pathname = "/ws";
        }
    } else if ((url.protocol !== "tcp:" && url.protocol !== "tls:") || !url.hostname) {
        throw new TypeError(`${given.href} is none of ws://, wss://, tcp:// and tls:// and a host`);
    }
    return url;
}

const isWebSocket = (url: URL): boolean => url.protocol === "ws:" || url.protocol === "wss:";

/** Connects; what happens on the connection is told to the listener. */
export async function openTransport(
    url: URL,
    options: TransportOptions,
    listener: TransportListener,
    signal: AbortSignal,
): Promise<Transport> {
    const open = isWebSocket(url) ? openWebSocket : (await import("#tcp")).openTcp;
    return open(url, options, listener, signal);
}
