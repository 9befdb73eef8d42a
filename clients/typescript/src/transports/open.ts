import type { OpenTransport } from "./transport.ts";
import { openWebSocket } from "./websocket.ts";

/** Reads an address: `ws://`, `wss://`, `tcp://` or `tls://`; a page's own `http://` or `https://` stands for its WebSocket. */
export function parseUrl(address: string | URL): URL {
    const url = new URL(new URL(address).href.replace(/^http/, "ws"));
    if (url.pathname === "/") {
        url.pathname = "/ws";
    }
    return url;
}

/** Connects. */
export const openTransport: OpenTransport = async (url, ...rest) =>
    (/^ws/.test(url.protocol) ? openWebSocket : (await import("#tcp")).openTcp)(url, ...rest);
