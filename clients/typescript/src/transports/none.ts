/** Stands for TCP and TLS where there are only WebSockets; bundlers for browsers take this file. */
export function openTcp(url: URL): Promise<never> {
    throw new TypeError(`there is no ${url.protocol}// here: connect to ws:// or wss://`);
}
