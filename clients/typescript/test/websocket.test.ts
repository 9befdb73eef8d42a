import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../src/index.ts";
import { Frames, soon, until } from "./scripted_hub.ts";

/** A WebSocket whose other end is the test. */
class FakeSocket {
    static readonly made: FakeSocket[] = [];
    readonly sent: Uint8Array[] = [];
    readonly url: string;
    readonly protocols: string[];
    binaryType = "blob";
    bufferedAmount = 0;
    readyState = 1;
    onopen: () => void = () => {};
    onmessage: (event: { data: unknown }) => void = () => {};
    onclose: (event: { code: number; reason: string }) => void = () => {};
    onerror: (event: { message: string }) => void = () => {};

    constructor(url: string, protocols: string[]) {
        this.url = url;
        this.protocols = protocols;
        FakeSocket.made.push(this);
        setImmediate(() => this.onopen());
    }

    send(bytes: Uint8Array): void {
        this.sent.push(bytes.slice());
    }

    close(): void {
        this.readyState = 3;
    }

    receive(...frames: Uint8Array[]): void {
        const bytes = Uint8Array.from(Buffer.concat(frames));
        this.onmessage({ data: bytes.buffer });
    }
}

async function join(options = {}, address = "ws://hub.example") {
    const connecting = connect(address, { WebSocket: FakeSocket, reconnect: { minDelay: 0, maxDelay: 0 }, ...options });
    connecting.catch(() => {});
    await until(() => (FakeSocket.made.at(-1)?.sent.length ?? 0) > 0);
    const socket = FakeSocket.made.at(-1)!;
    return { connecting, socket };
}

test("the address, the subprotocol, and what a page's own address stands for", async () => {
    for (const [address, expected] of [
        ["ws://hub.example", "ws://hub.example/ws"],
        ["https://hub.example:8443/", "wss://hub.example:8443/ws"],
        ["wss://hub.example/elsewhere?x=1", "wss://hub.example/elsewhere?x=1"],
    ]) {
        const { connecting, socket } = await join({}, address);
        assert.deepEqual([socket.url, socket.protocols, socket.binaryType], [expected, ["mds.v1"], "arraybuffer"]);
        socket.receive(Frames.welcome(1, { key: 1 }));
        const hub = await soon(connecting);
        await hub.close({ signal: AbortSignal.abort() }).catch(() => {});
    }
});

test("while much waits in the socket nothing more is given to it, and the rest follows when it drains", async () => {
    const { connecting, socket } = await join();
    socket.receive(Frames.welcome(1, { key: 1 }));
    const hub = await soon(connecting);
    socket.bufferedAmount = 300_000;
    for (let i = 0; i < 10; i++) {
        await hub.relay(2, new Uint8Array(100_000));
    }
    const before = socket.sent.length;
    // Long enough for the client to look several times.
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(socket.sent.length, before);
    socket.bufferedAmount = 1000;
    hub.relay(2, "").catch(() => {});
    await until(() => socket.sent.slice(1).reduce((sum, { length }) => sum + length, 0) >= 1_000_000);
    assert.ok(socket.sent.every(({ length }) => length <= 65_536));
    await hub.close({ signal: AbortSignal.abort() }).catch(() => {});
});

test("a socket that has been full for long is looked at again by itself", async () => {
    const { connecting, socket } = await join();
    socket.receive(Frames.welcome(1, { key: 1 }));
    const hub = await soon(connecting);
    await hub.relay(2, "first");
    await until(() => socket.sent.length === 2);
    socket.bufferedAmount = 300_000;
    await hub.relay(2, "second");
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(socket.sent.length, 2);
    socket.bufferedAmount = 0;
    await until(() => socket.sent.length === 3);
    await hub.close({ signal: AbortSignal.abort() }).catch(() => {});
});

test("the hub's close tells its code, and text is a protocol error", async () => {
    for (const [code, reason, expected] of [
        [4014, "an operator", "removed"],
        [4002, "why", "protocol_error"],
    ] as const) {
        const { connecting, socket } = await join();
        socket.receive(Frames.welcome(1, { key: 1 }));
        const hub = await soon(connecting);
        socket.onclose({ code, reason });
        const { code: name, text } = await soon(hub.closed);
        assert.deepEqual([name, text], [expected, reason]);
    }
    for (const data of ["text", "8", "99999999999", ""]) {
        const { connecting, socket } = await join();
        socket.onmessage({ data });
        await assert.rejects(soon(connecting), { code: "protocol_error" });
    }
});
