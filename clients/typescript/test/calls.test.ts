import assert from "node:assert/strict";
import { test } from "node:test";
import type { HubRequestError } from "../src/index.ts";
import { Frames, ScriptedHub, soon, until } from "./scripted_hub.ts";
import { relayOf } from "./wire.ts";

test("each call sends its frame and gets its answer", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    const list = client.list();
    const echo = client.echo("hällo");
    await peer.expect("LIST");
    const { payload } = await peer.expect("ECHO");
    assert.equal(payload.toString(), "hällo");
    peer.send(Frames.list([2, 3], { more: true }), Frames.list([9007199254740991]), Frames.echo(payload));
    assert.deepEqual(await soon(list), [2n, 3n, 9007199254740991n]);
    assert.equal(Buffer.from(await soon(echo)).toString(), "hällo");
});

test("a body is a string, bytes of any view, a blob, or a stream", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    const bytes = new Uint8Array([0, 1, 2, 255, 4]);
    async function* pieces() {
        yield "ab";
        yield new Uint8Array([99]);
    }
    const bodies = [
        "",
        "aß€😀",
        "x".repeat(100_000),
        bytes,
        bytes.buffer,
        new DataView(bytes.buffer, 1, 3),
        new Uint16Array([1, 2]),
        new Blob(["blob"]),
        new Response("stream").body!,
        pieces(),
    ];
    const expected = [
        Buffer.from(""),
        Buffer.from("aß€😀"),
        Buffer.from("x".repeat(100_000)),
        Buffer.from(bytes),
        Buffer.from(bytes),
        Buffer.from([1, 2, 255]),
        Buffer.from([1, 0, 2, 0]),
        Buffer.from("blob"),
        Buffer.from("stream"),
        Buffer.from("abc"),
    ];
    for (const [i, body] of bodies.entries()) {
        await client.relay(2, body);
        assert.deepEqual(relayOf(await peer.expect("RELAY")).body, expected[i]);
    }
});

test("the caller's memory is free when a relay completes", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    const body = new Uint8Array([1, 2, 3]);
    const relay = client.relay(2, body);
    await relay;
    body.fill(9);
    assert.deepEqual(relayOf(await peer.expect("RELAY")).body, Buffer.from([1, 2, 3]));
});

test("flags of a relay are those of its options", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    const settled = [
        client.relay(2, ""),
        client.relay(2, "", { bestEffort: true }),
        client.relay(2, "", { receipt: true }),
        client.relay(2, "", { confirm: true }),
        client.relay(2, "", { confirm: true, bestEffort: true }),
    ].map((call) => call.catch(() => {}));
    const flags = [];
    for (let i = 0; i < settled.length; i++) {
        flags.push((await peer.expect("RELAY")).flags);
    }
    assert.deepEqual(flags, [0, 2, 1, 5, 7]);
});

test("an error belongs to the oldest request, and those behind it get their own answers", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    const refused = assert.rejects(client.list(), { name: "HubRequestError", code: "not_allowed", text: "no list" });
    const echoed = client.echo("");
    await peer.expect("LIST");
    await peer.expect("ECHO");
    peer.send(Frames.error("not_allowed", "no list"), Frames.echo(Buffer.alloc(0)));
    await soon(refused);
    assert.equal((await soon(echoed)).length, 0);
});

for (const isTheRelays of [true, false]) {
    test(`an error of a plain relay is told from one of the request behind it (${isTheRelays ? "relay" : "request"})`, async () => {
        await using hub = await ScriptedHub.start();
        const { client, peer } = await hub.join();
        const rejected: HubRequestError[] = [];
        client.addEventListener("rejected", ({ error }) => rejected.push(error));
        await client.relay(2, "");
        const outcome = client.echo("").then(
            () => "answered",
            (error) => error.code,
        );
        const other = client.echo("");
        await peer.expect("RELAY");
        await peer.expect("HEARTBEAT");
        await peer.expect("ECHO");
        await peer.expect("ECHO");
        const error = Frames.error("overloaded");
        peer.send(
            ...(isTheRelays ? [error, Frames.heartbeat(), Frames.echo(Buffer.alloc(0))] : [Frames.heartbeat(), error]),
            Frames.echo(Buffer.alloc(0)),
        );
        assert.equal(await soon(outcome), isTheRelays ? "answered" : "overloaded");
        assert.equal((await soon(other)).length, 0);
        assert.deepEqual(
            rejected.map(({ code }) => code),
            isTheRelays ? ["overloaded"] : [],
        );
    });
}

test("the answer to an aborted call is swallowed in its place", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    const abort = new AbortController();
    const list = assert.rejects(client.list({ signal: abort.signal }), { name: "AbortError" });
    const receipt = assert.rejects(client.relay(2, "", { receipt: true, signal: abort.signal }), { name: "AbortError" });
    const echoed = client.echo("");
    await peer.expect("LIST");
    abort.abort();
    await soon(list);
    await soon(receipt);
    await peer.expect("RELAY");
    await peer.expect("ECHO");
    peer.send(Frames.list([2]), Frames.receipt(1, "accepted"), Frames.echo(Buffer.alloc(0)));
    assert.equal((await soon(echoed)).length, 0);
});

test("a call with an aborted signal is not sent", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    const signal = AbortSignal.abort();
    for (const call of [
        client.relay(2, "", { signal }),
        client.relay(2, "", { signal, receipt: true }),
        client.list({ signal }),
        client.echo("", { signal }),
        client.echo("", { signal }),
    ]) {
        await assert.rejects(call, { name: "AbortError" });
    }
    await client.relay(2, "the first");
    assert.equal(relayOf(await peer.expect("RELAY")).body.toString(), "the first");
});

test("what the hub would refuse is refused before it is sent, naming value and limit", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join({}, { maxBody: 1000, maxReceivers: 3 });
    const large = new Uint8Array(1001);
    async function* endless() {
        for (;;) {
            yield large;
        }
    }
    await assert.rejects(client.relay(2, large), /RangeError: .*1001 bytes or more; the limit is 1000/);
    await assert.rejects(client.relay(2, "ü".repeat(501)), /1002 bytes or more; the limit is 1000/);
    await assert.rejects(client.relay(2, endless()), /1001 bytes or more; the limit is 1000/);
    await assert.rejects(client.relay([], ""), /0 receivers; the limit is 3/);
    await assert.rejects(client.relay([1, 2, 3, 4], ""), /4 receivers; the limit is 3/);
    await assert.rejects(client.relay(-1, ""), /-1 is no id/);
    await assert.rejects(client.relay([1, 2.5], ""), /RangeError.*2.5/);
    await assert.rejects(client.relay("bob" as never, ""), SyntaxError);
    await assert.rejects(client.relay(1n << 64n, ""), /is no id/);
    await assert.rejects(client.relay(2, 5 as never), TypeError);
    await assert.rejects(client.echo(new Uint8Array((1 << 20) + 1)), /1048577 bytes or more; the limit is 1048576/);
    await client.relay([2, 2 ** 52 + 1, (1n << 64n) - 1n], new Uint8Array(1000));
    assert.deepEqual(relayOf(await peer.expect("RELAY")).to, [2n, BigInt(2 ** 52 + 1), (1n << 64n) - 1n]);
});

test("callers wait when the hub does not read, and one that is aborted is never sent", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.joinPlain({ sendBuffer: 1 << 20 });
    peer.socket.pause();
    const body = new Uint8Array(1 << 20);
    let sent = 0;
    for (; sent < 100; sent++) {
        let isTaken = false;
        const relay = client.relay(2, body).then(() => (isTaken = true));
        for (let turn = 0; turn < 20 && !isTaken; turn++) {
            await new Promise((resolve) => setImmediate(resolve));
        }
        if (!isTaken) {
            void relay;
            break;
        }
    }
    assert.ok(sent < 100, "callers never wait");
    const abort = new AbortController();
    const aborted = assert.rejects(client.relay(2, "aborted", { signal: abort.signal }), { name: "AbortError" });
    const last = client.relay(2, "last");
    abort.abort();
    await soon(aborted);
    peer.socket.resume();
    for (;;) {
        const { body } = relayOf(await peer.expect("RELAY"));
        assert.notEqual(body.toString(), "aborted");
        if (body.toString() === "last") {
            break;
        }
    }
    await soon(last);
});

test("frames of one microtask, and of a loop that awaits each call, leave in one write", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    let chunks = 0;
    peer.socket.on("data", () => chunks++);
    for (let i = 0; i < 100; i++) {
        void client.relay(2, "x");
    }
    for (let i = 0; i < 100; i++) {
        await client.relay(2, "y");
    }
    for (let i = 0; i < 200; i++) {
        await peer.expect("RELAY");
    }
    assert.equal(chunks, 1);
});

test("a hub that does not answer is given up, and connecting can be aborted at every stage", async () => {
    await using hub = await ScriptedHub.start();
    const abort = new AbortController();
    const early = assert.rejects(hub.connect({ signal: AbortSignal.abort() }), { name: "AbortError" });
    await soon(early);
    const waiting = assert.rejects(hub.connect({ signal: abort.signal }), { name: "AbortError" });
    const peer = await hub.accept();
    await peer.expect("HELLO");
    abort.abort();
    await soon(waiting);
    await peer.readToEnd();
    const asking = new AbortController();
    const token = assert.rejects(hub.connect({ signal: asking.signal, token: () => new Promise<string>(() => {}) }), {
        name: "AbortError",
    });
    asking.abort();
    await soon(token);
    await assert.rejects(hub.connect({ connectTimeout: 20 }), /127.0.0.1:.* is silent/);
});

test("nobody who listens is an error that names the place, and so is an address that is none", async () => {
    const hub = await ScriptedHub.start();
    await hub[Symbol.asyncDispose]();
    await assert.rejects(hub.connect(), (error: Error) => error.message.includes(`127.0.0.1:${hub.port}`));
    const { connect } = await import("../src/index.ts");
    await assert.rejects(connect("ftp://x"), /ftp:\/\/x.* is none of ws:\/\//);
    await assert.rejects(connect("nonsense"), TypeError);
});

test("a token is in the hello, and is asked for before each connection", async () => {
    await using hub = await ScriptedHub.start();
    const tokens = ["first", "zweiter"];
    const connecting = hub.connect({ token: async () => tokens.shift()! });
    const peer = await hub.accept();
    assert.equal((await peer.expect("HELLO")).payload.subarray(4).toString(), "first");
    peer.send(Frames.welcome(1, { key: 1 }));
    await soon(connecting);
    peer.end();
    const second = await hub.expectResume(0);
    assert.deepEqual(tokens, []);
    second.send(Frames.welcome(1, { key: 2, resumed: true }));
    const client = await connecting;
    await until(() => client.state === "connected");
});
