import assert from "node:assert/strict";
import { once } from "node:events";
import * as net from "node:net";
import { Frames, type Frame } from "./wire.ts";
import { FakeClock } from "./fake_clock.ts";
import { connect } from "../src/index.ts";
import type { ConnectOptions, Hub } from "../src/hub.ts";

/** Fails a test that would wait for ever. */
export async function soon<T>(promise: Promise<T>, what = "what is waited for"): Promise<T> {
    let timer: NodeJS.Timeout;
    const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${what} has not happened within 20 s`)), 20_000);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Waits until something is so, looking at it whenever the event loop has turned. */
export async function until(condition: () => boolean, what = "a condition"): Promise<void> {
    const end = Date.now() + 20_000;
    while (!condition()) {
        assert.ok(Date.now() < end, `${what} did not come about within 20 s`);
        await new Promise((resolve) => setImmediate(resolve));
    }
}

/** Plays the hub byte by byte on a real socket. */
export class ScriptedHub {
    readonly #server = net.createServer();
    readonly #arrived: net.Socket[] = [];
    readonly #peers: Peer[] = [];
    readonly #clients: Hub[] = [];
    #waiting: (() => void) | undefined;
    port = 0;

    static async start(): Promise<ScriptedHub> {
        const hub = new ScriptedHub();
        hub.#server.on("connection", (socket) => {
            hub.#arrived.push(socket);
            hub.#waiting?.();
        });
        hub.#server.listen(0, "127.0.0.1");
        await once(hub.#server, "listening");
        hub.port = (hub.#server.address() as net.AddressInfo).port;
        return hub;
    }

    get url(): string {
        return `tcp://127.0.0.1:${this.port}`;
    }

    /** Connections that have come, and that no script has accepted. */
    get waitingConnections(): number {
        return this.#arrived.length;
    }

    async accept(): Promise<Peer> {
        while (this.#arrived.length === 0) {
            await soon(new Promise<void>((resolve) => (this.#waiting = resolve)), "a connection");
        }
        const peer = new Peer(this.#arrived.shift()!);
        this.#peers.push(peer);
        return peer;
    }

    /** Starts to connect a client, and closes it with the hub. */
    connect(options: ConnectOptions = {}): Promise<Hub> {
        const connecting = connect(this.url, { reconnect: { minDelay: 0, maxDelay: 0 }, ...options });
        connecting.then(
            (client) => this.#clients.push(client),
            () => {},
        );
        return connecting;
    }

    /** Connects with a session that can be resumed, whose key is sixteen times 1. */
    async join(options: ConnectOptions = {}, welcome: Parameters<typeof Frames.welcome>[1] = {}): Promise<{ client: Hub; peer: Peer }> {
        const connecting = this.connect(options);
        const peer = await this.accept();
        assert.equal((await peer.expect("HELLO")).flags, 1);
        peer.send(Frames.welcome(1, { key: 1, ...welcome }));
        return { client: await soon(connecting), peer };
    }

    /** Connects with a session that ends with its connection. */
    async joinPlain(options: ConnectOptions = {}): Promise<{ client: Hub; peer: Peer }> {
        const connecting = this.connect({ resume: false, ...options });
        const peer = await this.accept();
        assert.equal((await peer.expect("HELLO")).flags, 0);
        peer.send(Frames.welcome(1));
        return { client: await soon(connecting), peer };
    }

    /** Accepts a connection that is to resume, and checks what its HELLO says; the WELCOME is left to the caller. */
    async expectResume(received: number, key = 1): Promise<Peer> {
        const peer = await this.accept();
        const hello = await peer.expect("HELLO");
        assert.equal(hello.flags, 3);
        assert.deepEqual([...hello.payload.subarray(4, 20)], Array(16).fill(key));
        assert.equal(hello.payload.readBigUInt64LE(20), BigInt(received));
        return peer;
    }

    async [Symbol.asyncDispose](): Promise<void> {
        this.#server.close();
        for (const peer of this.#peers) {
            peer.socket.destroy();
        }
        await Promise.all(this.#clients.map((client) => client.close({ signal: AbortSignal.abort() }).catch(() => {})));
        for (const socket of this.#arrived) {
            socket.destroy();
        }
    }
}

/** One connection as the hub sees it. */
export class Peer {
    readonly socket: net.Socket;
    #received = Buffer.alloc(0);
    #hasEnded = false;
    #waiting: (() => void) | undefined;

    constructor(socket: net.Socket) {
        this.socket = socket;
        socket.setNoDelay(true);
        socket.on("error", () => {});
        socket.on("data", (chunk) => {
            this.#received = Buffer.concat([this.#received, chunk]);
            this.#waiting?.();
        });
        socket.on("close", () => {
            this.#hasEnded = true;
            this.#waiting?.();
        });
        socket.on("end", () => {
            this.#hasEnded = true;
            this.#waiting?.();
        });
    }

    send(...frames: Uint8Array[]): void {
        this.socket.write(Buffer.concat(frames));
    }

    async read(): Promise<Frame> {
        const header = await this.#bytes(8);
        return Frames.read(Buffer.concat([header, await this.#bytes(header.readUInt32LE(4))]));
    }

    /** Reads a frame and checks its type. */
    async expect(type: string): Promise<Frame> {
        const frame = await this.read();
        assert.equal(frame.type, type);
        return frame;
    }

    /** All frames that come before the answer to a heartbeat-like request that the test makes; needs no time. */
    async framesUntil(type: string): Promise<Frame[]> {
        const frames = [];
        for (;;) {
            const frame = await this.read();
            if (frame.type === type) {
                return frames;
            }
            frames.push(frame);
        }
    }

    /** Ends the connection as a cut cable would, but at once. */
    cut(): void {
        this.socket.resetAndDestroy();
    }

    /** Sends no more, so that the client has all that was sent before it sees the end. */
    end(): void {
        this.socket.end();
    }

    /** Completes when the client has closed its side, however; what it has sent before is returned. */
    async readToEnd(): Promise<Frame[]> {
        while (!this.#hasEnded) {
            await soon(new Promise<void>((resolve) => (this.#waiting = resolve)), "the end of a connection");
        }
        const frames = [];
        while (this.#received.length >= 8) {
            frames.push(await this.read());
        }
        return frames;
    }

    async #bytes(count: number): Promise<Buffer> {
        while (this.#received.length < count) {
            assert.ok(!this.#hasEnded, "the client has ended its connection");
            await soon(new Promise<void>((resolve) => (this.#waiting = resolve)), `${count} bytes`);
        }
        const bytes = this.#received.subarray(0, count);
        this.#received = this.#received.subarray(count);
        return bytes;
    }
}

export { FakeClock, Frames };
