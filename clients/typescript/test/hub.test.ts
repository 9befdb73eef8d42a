import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import WebSocketOfPackage from "ws";
import { HubConnectionError, connect, type ConnectOptions, type Hub, type Receipt } from "../src/index.ts";
import { CuttingProxy, RealHub, TestCertificate, seeded } from "./real_hub.ts";
import { soon, until } from "./scripted_hub.ts";

interface Way {
    readonly scheme: string;
    readonly options: ConnectOptions;
}

/** Ways to a hub: Node's own WebSocket, one that is given, and sockets. */
const ways: Record<string, Way> = {
    tcp: { scheme: "tcp", options: {} },
    WebSocket: { scheme: "ws", options: {} },
    "WebSocket of a package": { scheme: "ws", options: { WebSocket: WebSocketOfPackage } },
};

const swift: ConnectOptions = { reconnect: { minDelay: 1, maxDelay: 10 } };

for (const [name, { scheme, options }] of Object.entries(ways)) {
    test(`alice and bob talk, and see each other come and go (${name})`, async () => {
        await using hub = await RealHub.start();
        const alice = await connect(`${scheme}://127.0.0.1:${hub.port}`, options);
        const watch = alice.watch();
        assert.deepEqual((await soon(watch.next())).value, { snapshot: true, joined: [], left: [] });
        const bob = await connect(`${scheme}://127.0.0.1:${hub.port}`, options);
        assert.deepEqual([alice.id, bob.id, alice.maxBody, alice.maxReceivers], [1n, 2n, 1 << 20, 255]);
        assert.deepEqual((await soon(watch.next())).value, { snapshot: false, joined: [2n], left: [] });
        assert.deepEqual(await alice.list(), [2n]);
        const largest = new Uint8Array(1 << 20).map((_, i) => i * 7);
        for (const body of ["hallo bob", "", largest]) {
            await alice.relay([bob.id, bob.id, alice.id], body);
        }
        for (const user of [alice, bob]) {
            const bodies = [];
            for await (const delivery of user) {
                assert.equal(delivery.from, alice.id);
                bodies.push(delivery);
                if (bodies.length === 3) {
                    break;
                }
            }
            assert.deepEqual([bodies[0]!.text(), bodies[1]!.text(), Buffer.compare(bodies[2]!.body, largest)], ["hallo bob", "", 0]);
        }
        assert.deepEqual((await alice.relay([bob.id, 99, 0], "", { receipt: true })).outcomes, ["accepted", "unknown", "unknown"]);
        assert.deepEqual(await alice.echo(largest), largest);
        await bob.close();
        assert.deepEqual((await soon(watch.next())).value, { snapshot: false, joined: [], left: [2n] });
        await alice.close();
        assert.equal((await alice.closed).code, "normal");
    });

    for (const seed of [1, 2, 3]) {
        test(`everything arrives once and in order however often connections are cut (${name}, ${seed})`, async () => {
            await using hub = await RealHub.start();
            const random = seeded(seed);
            await using proxy = await CuttingProxy.start(hub.port, 300_000, random);
            const url = `${scheme}://127.0.0.1:${proxy.port}`;
            const enter = async (): Promise<Hub> => {
                for (;;) {
                    try {
                        return await connect(url, { ...options, ...swift });
                    } catch {
                        // A first connection is tried once, and may be cut.
                    }
                }
            };
            await using alice = await enter();
            await using bob = await enter();
            const lost: string[] = [];
            alice.addEventListener("lost", ({ reason }) => lost.push(`alice: ${reason.message}`));
            bob.addEventListener("lost", ({ reason }) => lost.push(`bob: ${reason.message}`));
            const count = 3000;
            const receipts: Promise<Receipt>[] = [];
            const sending = (async () => {
                for (let i = 0; i < count; i++) {
                    const body = new Uint8Array(4 + Math.floor(random() * (i % 100 === 0 ? 100_000 : 300)));
                    new DataView(body.buffer).setInt32(0, i);
                    if (i % 3 === 0) {
                        receipts.push(alice.relay(bob.id, body, i % 2 === 0 ? { confirm: true } : { receipt: true }));
                    } else {
                        await alice.relay(bob.id, body);
                    }
                }
            })();
            let next = 0;
            for await (const delivery of bob) {
                assert.deepEqual([delivery.from, new DataView(delivery.body.slice().buffer).getInt32(0)], [alice.id, next++]);
                delivery.ack();
                if (next === count) {
                    break;
                }
            }
            await soon(sending);
            proxy.isCutting = false;
            const all = await soon(Promise.all(receipts));
            assert.deepEqual(lost, []);
            assert.ok(all.every(({ accepted }) => accepted));
            assert.ok(all.some(({ delivered }) => delivered));
            assert.ok(proxy.cuts >= 10, `${proxy.cuts} cuts`);
        });
    }

    test(`after a restart of the hub there is a new identity (${name})`, async () => {
        const first = await RealHub.start();
        const alice = await connect(`${scheme}://127.0.0.1:${first.port}`, { ...options, reconnect: { minDelay: 20, maxDelay: 50 } });
        await using _ = alice;
        const events: string[] = [];
        for (const type of ["reconnecting", "resumed", "lost", "connected", "closed"] as const) {
            alice.addEventListener(type, () => events.push(type));
        }
        const pending = assert.rejects(alice.relay(alice.id, "", { confirm: true }), { name: "HubSessionLostError" });
        await alice.echo("");
        await first.kill();
        await using second = await RealHub.start("--port", `${first.port}`);
        await soon(pending);
        await until(() => alice.state === "connected");
        assert.deepEqual(events, ["reconnecting", "lost", "connected"]);
        assert.deepEqual((await alice.relay(alice.id, "", { receipt: true })).outcomes, ["accepted"]);
        assert.ok(second.port === first.port);
    });

    test(`a hub that stops says so, and close does not wait for another (${name})`, async () => {
        await using hub = await RealHub.start();
        const alice = await connect(`${scheme}://127.0.0.1:${hub.port}`, options);
        const reconnecting = new Promise<string | undefined>((resolve) =>
            alice.addEventListener("reconnecting", ({ reason }) => resolve(reason.code)),
        );
        void alice.relay(alice.id, "", { confirm: true }).catch(() => {});
        await alice.echo("");
        await hub.stop();
        assert.equal(await soon(reconnecting), "shutting_down");
        await assert.rejects(soon(alice.close()), { code: "shutting_down" });
    });

    test(`a message is confirmed when bob's program has taken it, and not before (${name})`, async () => {
        await using hub = await RealHub.start("--confirm-timeout", "1s");
        const url = `${scheme}://127.0.0.1:${hub.port}`;
        await using alice = await connect(url, options);
        await using bob = await connect(url, options);
        await using carol = await connect(url, { ...options, discard: true });
        assert.deepEqual((await soon(alice.relay([bob.id, carol.id], "never read", { confirm: true }))).outcomes, [
            "accepted",
            "delivered",
        ]);
        const confirmed = alice.relay(bob.id, "read", { confirm: true });
        for await (const delivery of bob) {
            delivery.ack();
            if (delivery.text() === "read") {
                break;
            }
        }
        assert.deepEqual((await soon(confirmed)).outcomes, ["delivered"]);
    });

    test(`a program that does not read makes its senders wait, and loses nothing (${name})`, async () => {
        await using hub = await RealHub.start("--queue-limit", "256KiB", "--stall-timeout", "1m");
        const url = `${scheme}://127.0.0.1:${hub.port}`;
        await using alice = await connect(url, { ...options, sendBuffer: 512 * 1024 });
        // Where receiving cannot be paused, only what bob has not acknowledged holds the hub back.
        await using bob = await connect(url, name !== "tcp" ? options : { ...options, receiveBuffer: 200_000 });
        const body = new Uint8Array(50_000);
        let sent = 0;
        const sending = (async () => {
            for (; sent < 200; sent++) {
                await alice.relay(bob.id, body);
            }
        })();
        await new Promise((resolve) => setTimeout(resolve, 300));
        assert.ok(sent < 200, "nobody waits");
        let received = 0;
        for await (const _ of bob) {
            if (++received === 200) {
                break;
            }
        }
        await soon(sending);
    });
}

test("where receiving cannot be paused, a program that is slow comes back for the rest, and loses nothing", async () => {
    await using hub = await RealHub.start();
    await using alice = await connect(hub.tcp);
    await using bob = await connect(hub.ws, { ...swift, receiveBuffer: 200_000 });
    const events: string[] = [];
    bob.addEventListener("reconnecting", ({ reason }) => events.push(`${reason.code}`));
    bob.addEventListener("lost", () => events.push("lost"));
    for (let i = 0; i < 100; i++) {
        await alice.relay(bob.id, new Uint8Array(50_000).fill(i));
    }
    await until(() => events.length > 0);
    let received = 0;
    for await (const delivery of bob) {
        assert.equal(delivery.body[0], received);
        if (++received === 100) {
            break;
        }
    }
    assert.ok(events.every((event) => event === "slow_consumer"));
});

test("a token lets alice in, and none or a wrong one does not", async () => {
    const folder = mkdtempSync(join(tmpdir(), "mds-ts-"));
    const secret = join(folder, "secret");
    const key = randomBytes(32);
    writeFileSync(secret, key.toString("base64url"), { mode: 0o600 });
    await using hub = await RealHub.start("--auth", "jwt", "--jwt-secret", secret, "--jwt-issuer", "test", "--jwt-audience", "hub");
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({
        sub: "alice",
        iss: "test",
        aud: "hub",
        exp: Math.floor(Date.now() / 1000) + 600,
    })}`;
    const token = `${claims}.${createHmac("sha256", key.toString("base64url")).update(claims).digest("base64url")}`;
    for (const { scheme, options } of Object.values(ways)) {
        const url = `${scheme}://127.0.0.1:${hub.port}`;
        await assert.rejects(connect(url, options), { code: "auth_required" });
        await assert.rejects(connect(url, { ...options, token: "wrong" }), { code: "auth_failed" });
        await using alice = await connect(url, { ...options, token: () => token });
        assert.deepEqual(await alice.list(), []);
    }
    rmSync(folder, { recursive: true });
});

test("TLS: over sockets and WebSockets, and who is not trusted is not talked to", async () => {
    using certificate = new TestCertificate();
    await using hub = await RealHub.start("--tls-cert", certificate.file, "--tls-key", certificate.key);
    const trusting = { ca: certificate.pem };
    await using alice = await connect(`tls://localhost:${hub.port}`, { tls: trusting });
    const secured = class extends WebSocketOfPackage {
        constructor(url: string, protocols: string[]) {
            super(url, protocols, trusting);
        }
    };
    await using bob = await connect(`wss://localhost:${hub.port}`, { WebSocket: secured });
    await alice.relay(bob.id, "secret");
    for await (const delivery of bob) {
        assert.equal(delivery.text(), "secret");
        break;
    }
    await assert.rejects(connect(`tls://localhost:${hub.port}`), (error) => error instanceof HubConnectionError && error.isFinal === true);
    await assert.rejects(connect(`tls://other:${hub.port}`, { tls: { ...trusting, host: "127.0.0.1" } }), { isFinal: true });
    await assert.rejects(connect(`wss://localhost:${hub.port}`), HubConnectionError);
});

test("a page's other origin, and what is no hub, are refused", async () => {
    await using hub = await RealHub.start();
    const fromElsewhere = class extends WebSocketOfPackage {
        constructor(url: string, protocols: string[]) {
            super(url, protocols, { origin: "https://example.org" });
        }
    };
    await assert.rejects(connect(hub.ws, { WebSocket: fromElsewhere }), /403/);
    await assert.rejects(connect(`${hub.ws}/elsewhere`, { WebSocket: WebSocketOfPackage }), /404/);
});
