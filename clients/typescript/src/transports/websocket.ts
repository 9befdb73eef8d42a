import { onAbort } from "../abort.ts";
import { HubConnectionError } from "../errors.ts";
import type { OpenTransport } from "./transport.ts";

/** How often the socket is asked whether less waits: there is no event for it. */
const POLL_MILLISECONDS = 10;

/** Closes of the hub have the code of its GOODBYE and this. */
const CLOSE_CODES = 4000;

/** Connects to a hub over WebSocket. */
export const openWebSocket: OpenTransport = (url, options, listener, signal) => {
    const constructor = (options.WebSocket ?? globalThis.WebSocket) as new (url: string, protocols: string[]) => WebSocket;
    if (!constructor) {
        throw new TypeError("there is no WebSocket here: give { WebSocket }");
    }
    return new Promise((resolve) => {
        const socket = new constructor(url.href, ["mds.v1"]);
        const close = () => socket.close();
        let poll: unknown;
        const watch = () => {
            poll ??= setTimeout(() => {
                poll = undefined;
                if (!signal.aborted && socket.bufferedAmount) {
                    watch();
                }
                listener.drained();
            }, POLL_MILLISECONDS);
        };
        let isOpen = false;
        const lose = (code: number, reason: string) =>
            listener.lost(
                code < CLOSE_CODES
                    ? new HubConnectionError(undefined, `no connection to ${url.host} (${reason || code})`)
                    : new HubConnectionError(code - CLOSE_CODES, reason),
            );
        socket.binaryType = "arraybuffer";
        socket.onopen = () => {
            isOpen = true;
            resolve({
                buffered: () => socket.bufferedAmount,
                send(bytes) {
                    socket.send(bytes as Uint8Array<ArrayBuffer>);
                    watch();
                },
                close,
            });
        };
        // The hub sends no text: that is taken for a frame of a type that there is not.
        socket.onmessage = ({ data }) => listener.received(new Uint8Array(typeof data === "string" ? 8 : data));
        socket.onclose = ({ code, reason }) => lose(code, reason);
        socket.onerror = (event) => {
            // Node does not always close what was not open.
            if (!isOpen) {
                lose(0, (event as ErrorEvent).error?.message || (event as ErrorEvent).message);
            }
        };
        onAbort(signal, close);
    });
};
