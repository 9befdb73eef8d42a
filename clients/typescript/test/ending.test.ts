import assert from "node:assert/strict";
import { test } from "node:test";
import { HubConnectionError } from "../src/index.ts";
import { FakeClock, Frames, ScriptedHub, soon, until } from "./scripted_hub.ts";
import { allCodes } from "./wire.ts";

const survives = ["shutting_down", "heartbeat_timeout", "slow_consumer"];
const comesBack = [...survives, "handshake_timeout", "too_many_connections", "rate_limited", "overloaded"];

for (const code of allCodes) {
    test(`a goodbye with ${code} ${comesBack.includes(code) ? "is followed by another connection" : "is the end"}`, async () => {
        await using hub = await ScriptedHub.start();
        const { client, peer } = await hub.join();
        const reader = client[Symbol.asyncIterator]();
        const call: Promise<any> = client.echo("").catch((error) => error);
        await peer.expect("ECHO");
        peer.send(Frames.goodbye(code, "says the hub"));
        if (comesBack.includes(code)) {
            const second = await hub.accept();
            const hello = await second.expect("HELLO");
            assert.equal(hello.flags, survives.includes(code) ? 3 : 1);
            second.send(Frames.welcome(1, { key: 2, resumed: survives.includes(code) }));
            if (survives.includes(code)) {
                await second.expect("ECHO");
                second.send(Frames.echo(Buffer.alloc(0)));
                assert.equal((await soon(call)).length, 0);
            } else {
                assert.equal((await soon(call)).code, code);
            }
        } else {
            const reason = await soon(client.closed);
            assert.deepEqual([reason.code, reason.text, client.state], [code, "says the hub", "closed"]);
            assert.equal(await soon(call), reason);
            await assert.rejects(reader.next(), reason);
            await assert.rejects(client.relay(2, ""), reason);
            await assert.rejects(client.watch().next(), reason);
        }
        await peer.readToEnd();
    });

    test(`a goodbye with ${code} instead of a welcome fails with it`, async () => {
        await using hub = await ScriptedHub.start();
        const connecting = hub.connect();
        const peer = await hub.accept();
        await peer.expect("HELLO");
        peer.send(Frames.goodbye(code, "why"));
        await assert.rejects(
            soon(connecting),
            (error) => error instanceof HubConnectionError && error.code === code && error.text === "why",
        );
    });
}

test("a goodbye before the welcome of a resumption ends no session", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    await client.relay(2, "kept");
    peer.end();
    (await hub.expectResume(0)).send(Frames.goodbye("overloaded"));
    (await hub.expectResume(0)).send(Frames.goodbye("too_many_connections"));
    (await hub.expectResume(0)).end();
    const last = await hub.expectResume(0);
    last.send(Frames.welcome(1, { key: 2, resumed: true }));
    await last.expect("RELAY");
});

test("a refused token is asked for once more, and a fixed one is the end", async () => {
    await using hub = await ScriptedHub.start();
    let asked = 0;
    const { client, peer } = await hub.join({ token: () => `token ${++asked}` });
    peer.end();
    (await hub.expectResume(0)).send(Frames.goodbye("auth_failed"));
    (await hub.expectResume(0)).send(Frames.goodbye("auth_failed"));
    assert.equal((await soon(client.closed)).code, "auth_failed");
    assert.equal(asked, 3);
    const other = await hub.join({ token: "fixed" });
    other.peer.end();
    (await hub.expectResume(0)).send(Frames.goodbye("auth_failed"));
    assert.equal((await soon(other.client.closed)).code, "auth_failed");
});

test("pauses are drawn below a bound that doubles up to fifteen seconds, from a tenth of it where the hub asks for one", async () => {
    const clock = new FakeClock(1);
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join({ clock, reconnect: {} }, { window: 4_000_000 });
    peer.end();
    for (const pause of [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]) {
        await until(() => client.state === "reconnecting" && clock.next !== undefined && clock.next <= 15_000 && clock.next !== 10_000);
        assert.equal(clock.next, pause);
        clock.advance(pause - 1);
        assert.equal(hub.waitingConnections, 0);
        clock.advance(1);
        (await hub.expectResume(0)).cut();
        await until(() => clock.next !== 10_000);
    }
});

test("a session is given up when its window has passed, and the client goes on as a new user", async () => {
    const clock = new FakeClock(1);
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join({ clock, reconnect: {} }, { window: 10 });
    const failing = assert.rejects(client.echo(""), { name: "HubSessionLostError" });
    await peer.expect("ECHO");
    peer.end();
    await until(() => client.state === "reconnecting" && clock.next !== undefined);
    // Several attempts fall into the window.
    assert.ok(clock.next! <= 1250);
    clock.skip(9_000);
    (await hub.expectResume(0)).cut();
    await until(() => clock.next !== undefined && clock.next <= 1250);
    clock.skip(1_250);
    (await hub.expectResume(0)).cut();
    await soon(failing);
    clock.advance(10_000);
    const next = await hub.accept();
    assert.equal((await next.expect("HELLO")).flags, 1);
    next.send(Frames.welcome(2, { key: 2 }));
    await until(() => client.id === 2n);
});

test("attempts end after as many as the policy allows", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join({ reconnect: { minDelay: 0, maxDelay: 0, maxAttempts: 2 } });
    peer.end();
    (await hub.expectResume(0)).cut();
    (await hub.expectResume(0)).cut();
    assert.equal((await soon(client.closed)).code, undefined);
    const none = await hub.join({ reconnect: false, resume: false }).catch(() => undefined);
    assert.equal(none, undefined);
});

test("close sends everything taken before, then goodbye, and waits for the hub's", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    await client.relay(2, "last");
    const receipt = client.relay(2, "", { receipt: true });
    const closing = client.close();
    await assert.rejects(client.relay(2, "too late"), { code: "normal" });
    await peer.expect("RELAY");
    await peer.expect("RELAY");
    await peer.expect("GOODBYE");
    peer.send(Frames.receipt(2, "accepted"), Frames.delivery(2, "behind it"), Frames.goodbye("normal"));
    await soon(closing);
    assert.equal((await soon(receipt)).accepted, true);
    const bodies = [];
    for await (const delivery of client) {
        bodies.push(delivery.text());
    }
    assert.deepEqual(bodies, ["behind it"]);
    assert.equal((await client.closed).code, "normal");
    await peer.readToEnd();
    await client.close();
});

test("close acknowledges what has been taken before the goodbye, and no more", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join({ clock: new FakeClock() });
    const reader = client[Symbol.asyncIterator]();
    peer.send(Frames.delivery(2), Frames.delivery(3), Frames.delivery(4));
    await soon(reader.next());
    (await soon(reader.next())).value!.ack();
    const closing = client.close();
    assert.equal((await peer.expect("ACK")).payload.readUInt32LE(0), 2);
    await peer.expect("GOODBYE");
    peer.send(Frames.goodbye("normal"));
    await soon(closing);
});

test("close tells when the hub ended before its goodbye, and waits for a session that calls need", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    const echoed = client.echo("");
    await peer.expect("ECHO");
    peer.end();
    const closing = client.close();
    const second = await hub.expectResume(0);
    second.send(Frames.welcome(1, { key: 2, resumed: true }));
    await second.expect("ECHO");
    await second.expect("GOODBYE");
    second.send(Frames.echo(Buffer.alloc(0)), Frames.goodbye("normal"));
    await soon(echoed);
    await soon(closing);
    const other = await hub.joinPlain({ reconnect: false });
    const failing = assert.rejects(other.client.close(), HubConnectionError);
    await other.peer.expect("GOODBYE");
    other.peer.cut();
    await soon(failing);
});

test("a goodbye lost on its way is said again behind what was lost with it", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    await client.relay(2, "x");
    const closing = client.close();
    await peer.expect("RELAY");
    await peer.expect("GOODBYE");
    peer.cut();
    const second = await hub.expectResume(0);
    second.send(Frames.welcome(1, { key: 2, resumed: true }));
    await second.expect("RELAY");
    await second.expect("GOODBYE");
    second.send(Frames.goodbye("normal"));
    await soon(closing);
});

test("an aborted close cuts the connection, and disposing tells no error", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    const abort = new AbortController();
    const closing = assert.rejects(client.close({ signal: abort.signal }), { name: "AbortError" });
    await peer.expect("GOODBYE");
    abort.abort();
    await soon(closing);
    await peer.readToEnd();
    assert.equal(client.state, "closed");
    const other = await hub.join();
    const disposing = other.client[Symbol.asyncDispose]();
    await other.peer.expect("GOODBYE");
    other.peer.cut();
    await soon(disposing);
});

test("close is not held up by messages that nobody reads", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join({ receiveBuffer: 1 });
    peer.send(...Array(100).fill(Frames.delivery(2, new Uint8Array(5000))));
    const closing = client.close();
    await peer.expect("GOODBYE");
    peer.send(Frames.goodbye("normal"));
    await soon(closing);
});

test("closing while reconnecting ends it without an error", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join({ reconnect: { minDelay: 100_000, maxDelay: 100_000 }, clock: new FakeClock(1) });
    peer.end();
    await until(() => client.state === "reconnecting");
    await soon(client.close());
    assert.equal((await client.closed).code, "normal");
});

test("what is not due, or not of this protocol, closes with a protocol error", async () => {
    const wrong: Record<string, Buffer> = {
        "an answer that nobody asked for": Frames.identity(1),
        "an echo that nobody asked for": Frames.echo(Buffer.from("x")),
        "a list that nobody asked for": Frames.list([1]),
        "a heartbeat that nobody asked for": Frames.heartbeat(),
        "a receipt that is not due": Frames.receipt(1, "accepted"),
        "an error in the place of a receipt that is not due": Frames.error("overloaded", "", 1),
        "an acknowledgement of more than was sent": Frames.ack(1),
        "an acknowledgement beyond all numbers": Frames.ack(2n ** 64n - 1n),
        "a second welcome": Frames.welcome(1, { key: 1 }),
        "an unknown type": Frames.frame(0xff, 0, 0),
        "a client's frame": Frames.frame(0x05, 0, 1, Buffer.alloc(8)),
        "an unknown type of 4 GiB": Buffer.from([0x99, 0, 0, 0, 255, 255, 255, 255]),
        "a delivery of 4 GiB": Buffer.from([0x85, 0, 0, 0, 255, 255, 255, 255]),
        text: Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"),
    };
    for (const [what, bytes] of Object.entries(wrong)) {
        await using hub = await ScriptedHub.start();
        const { client, peer } = await hub.join();
        peer.send(bytes);
        assert.equal((await soon(client.closed)).code, "protocol_error", what);
        await peer.readToEnd();
    }
    for (const bytes of [...Object.values(wrong).filter((frame) => frame[0] !== 0x81), Frames.welcome(0), Frames.welcome(2n ** 53n)]) {
        await using hub = await ScriptedHub.start();
        const connecting = hub.connect();
        const peer = await hub.accept();
        await peer.expect("HELLO");
        peer.send(bytes);
        await assert.rejects(soon(connecting), { code: "protocol_error" });
    }
});

test("a receipt that is not this relay's is a protocol error", async () => {
    for (const receipt of [Frames.receipt(2, "accepted"), Frames.receipt(1, "accepted", "accepted"), Frames.receipt(0, "accepted")]) {
        await using hub = await ScriptedHub.start();
        const { client, peer } = await hub.join();
        const failing = assert.rejects(client.relay(2, "", { receipt: true }), { code: "protocol_error" });
        await peer.expect("RELAY");
        peer.send(receipt);
        await soon(failing);
    }
});
