import type { OpenTransport } from "./transport.ts";

/** Stands for TCP and TLS where there are only WebSockets; bundlers for browsers take this file. */
export const openTcp: OpenTransport = ({ protocol }) => {
    throw new TypeError(`there is no ${protocol}// here: use ws:// or wss://`);
};
