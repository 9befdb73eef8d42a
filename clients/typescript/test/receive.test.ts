import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delivery } from "../src/delivery.ts";
import { FakeClock, Frames, ScriptedHub, soon, until } from "./scripted_hub.ts";
import { totalOf } from "./wire.ts";

test("deliveries arrive byte for byte however they are cut", async () => {
    const bodies = [Buffer.alloc(0), Buffer.from("a"), Buffer.alloc(300, 7), Buffer.from([0, 10, 13, 255])];
    const all = Buffer.concat(bodies.map((body, i) => Frames.delivery(i + 2, body)));
    for (let cut = 1; cut < all.length; cut += cut < 60 ? 1 : 17) {
        await using hub = await ScriptedHub.start();
        const { client, peer } = await hub.join();
        const reader = client[Symbol.asyncIterator]();
        for (let at = 0; at < all.length; at += cut) {
            peer.send(all.subarray(at, at + cut));
            await new Promise((resolve) => setImmediate(resolve));
        }
        for (const [i, body] of bodies.entries()) {
            const { value } = await soon(reader.next());
            assert.deepEqual([value!.from, Buffer.from(value!.body), value!.length], [BigInt(i + 2), body, body.length]);
        }
    }
});

test("a body is bytes, text, or JSON", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    peer.send(Frames.delivery(2n ** 53n - 1n, '{"a":["ü"]}'), Frames.delivery(2, "no json"));
    const reader = client[Symbol.asyncIterator]();
    const { value } = await soon(reader.next());
    assert.equal(value!.from, 9007199254740991n);
    assert.equal(value!.text(), '{"a":["ü"]}');
    assert.deepEqual(value!.json(), { a: ["ü"] });
    const { value: other } = await soon(reader.next());
    assert.throws(() => other!.json(), SyntaxError);
});

test("one reader at a time, and another goes on where it stopped", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    peer.send(Frames.delivery(2, "a"), Frames.delivery(2, "b"));
    for await (const delivery of client) {
        assert.equal(delivery.text(), "a");
        await assert.rejects(client[Symbol.asyncIterator]().next(), /another loop receives/);
        break;
    }
    for await (const delivery of client) {
        assert.equal(delivery.text(), "b");
        break;
    }
});

test("receiving can be aborted and taken up again", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    const abort = new AbortController();
    const waiting = (async () => {
        for await (const _ of client.receive({ signal: abort.signal })) {
            assert.fail("nothing was sent");
        }
    })();
    const rejected = assert.rejects(waiting, { name: "AbortError" });
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    await soon(rejected);
    peer.send(Frames.delivery(2, "a"));
    const { value } = await soon(client[Symbol.asyncIterator]().next());
    assert.equal(value!.text(), "a");
});

test("requests for the next message that do not wait for each other are served in turn", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    const reader = client[Symbol.asyncIterator]();
    const asked = [reader.next(), reader.next(), reader.next()];
    peer.send(...["a", "b", "c"].map((body) => Frames.delivery(2, body)));
    const texts = (await soon(Promise.all(asked))).map(({ value }) => value!.text());
    assert.deepEqual(texts, ["a", "b", "c"]);
});

test("a reader that stops stops the client from reading, and what waits stays bounded", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join({ receiveBuffer: 100_000 });
    const body = new Uint8Array(10_000);
    let sent = 0;
    while (sent < 10_000 && peer.socket.writableLength < 1 << 20) {
        peer.send(Frames.delivery(2, body));
        sent++;
        await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(sent < 10_000, "the client reads without end");
    const reader = client[Symbol.asyncIterator]();
    for (let i = 0; i < sent; i++) {
        assert.equal((await soon(reader.next())).value!.length, 10_000);
    }
});

test("empty bodies count too", async () => {
    await using hub = await ScriptedHub.start();
    const { peer } = await hub.join({ receiveBuffer: 10_000 });
    const many = Buffer.concat(Array(10_000).fill(Frames.delivery(2)));
    let sent = 0;
    while (sent < 1000 && peer.socket.writableLength < 1 << 20) {
        peer.send(many);
        sent++;
        await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(sent < 1000, "the client reads without end");
});

test("sixty-four frames are acknowledged at once, and fewer after a second", async () => {
    const clock = new FakeClock();
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join({ clock, discard: true });
    peer.send(...Array(64).fill(Frames.delivery(2)));
    assert.equal(totalOf(await peer.expect("ACK")), 64n);
    peer.send(Frames.delivery(2));
    const echoed = client.echo("");
    await peer.expect("ECHO");
    peer.send(Frames.echo(Buffer.alloc(0)));
    await soon(echoed);
    clock.advance(999);
    const again = client.echo("");
    await peer.expect("ECHO");
    peer.send(Frames.echo(Buffer.alloc(0)));
    await soon(again);
    clock.advance(1);
    assert.equal(totalOf(await peer.expect("ACK")), 65n);
});

test("a quarter of a mebibyte is acknowledged at once", async () => {
    await using hub = await ScriptedHub.start();
    const { peer } = await hub.join({ clock: new FakeClock(), discard: true });
    peer.send(...Array(3).fill(Frames.delivery(2, new Uint8Array(100_000))));
    assert.equal(totalOf(await peer.expect("ACK")), 3n);
});

test("nothing is acknowledged for a program that never receives", async () => {
    const clock = new FakeClock();
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join({ clock });
    peer.send(...Array(100).fill(Frames.delivery(2, "", { confirm: true })));
    const echoed = client.echo("");
    await peer.expect("ECHO");
    peer.send(Frames.echo(Buffer.alloc(0)));
    await soon(echoed);
    clock.advance(10_000);
    await client.relay(2, "");
    await peer.expect("RELAY");
});

for (const acks of [true, false]) {
    test(`who waits for a delivery is told as soon as the program ${acks ? "says that it has taken it" : "asks for the next"}`, async () => {
        await using hub = await ScriptedHub.start();
        const { client, peer } = await hub.join({ clock: new FakeClock() });
        const reader = client[Symbol.asyncIterator]();
        peer.send(Frames.delivery(2), Frames.delivery(3, "", { confirm: true }));
        await soon(reader.next());
        const { value } = await soon(reader.next());
        await client.relay(2, "nothing is acknowledged before");
        await peer.expect("RELAY");
        if (acks) {
            value!.ack();
            value!.ack();
        } else {
            void reader.next().catch(() => {});
        }
        assert.equal(totalOf(await peer.expect("ACK")), 2n);
    });
}

test("receipts behind a delivery that was not taken wait for it", async () => {
    const clock = new FakeClock();
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join({ clock });
    const receipt = client.relay(2, "", { receipt: true });
    await peer.expect("RELAY");
    peer.send(Frames.delivery(2, "", { confirm: true }), Frames.receipt(1, "accepted"));
    await soon(receipt);
    clock.advance(10_000);
    await client.relay(2, "");
    await peer.expect("RELAY");
    const { value } = await soon(client[Symbol.asyncIterator]().next());
    value!.ack();
    assert.equal(totalOf(await peer.expect("ACK")), 2n);
});

test("what was taken between hello and welcome is acknowledged behind the welcome", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join({ reconnect: { minDelay: 0, maxDelay: 0 } });
    const reader = client[Symbol.asyncIterator]();
    peer.send(Frames.delivery(2, "", { confirm: true }), Frames.delivery(3));
    const { value } = await soon(reader.next());
    peer.end();
    const second = await hub.expectResume(0);
    value!.ack();
    second.send(Frames.welcome(1, { key: 2, resumed: true }));
    assert.equal(totalOf(await second.expect("ACK")), 1n);
    second.send(Frames.delivery(2, "", { confirm: true }), Frames.delivery(3), Frames.delivery(4));
    assert.equal((await soon(reader.next())).value!.from, 3n);
    assert.equal((await soon(reader.next())).value!.from, 4n);
});

test("messages of a lost session do not count in the next", async () => {
    const clock = new FakeClock();
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join({ clock });
    const reader = client[Symbol.asyncIterator]();
    peer.send(Frames.delivery(2, "", { confirm: true }), Frames.delivery(3, "", { confirm: true }));
    await soon(reader.next());
    peer.end();
    await until(() => client.state === "reconnecting");
    clock.advance(0);
    const second = await hub.expectResume(0);
    second.send(Frames.welcome(9, { key: 2 }), Frames.delivery(4));
    await until(() => client.id === 9n);
    const { value } = await soon(reader.next());
    assert.equal(value!.from, 3n);
    value!.ack();
    clock.advance(10_000);
    await client.relay(2, "");
    await second.expect("RELAY");
    assert.equal((await soon(reader.next())).value!.from, 4n);
    void reader.next().catch(() => {});
    second.end();
    await until(() => client.state === "reconnecting");
    clock.advance(0);
    await hub.expectResume(1, 2);
});

test("a reader that never reads holds no more after each reconnection", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join({ receiveBuffer: 1 });
    const body = new Uint8Array(1000);
    peer.send(Frames.delivery(2, body));
    let current = peer;
    for (let key = 2; key < 6; key++) {
        current.cut();
        // Who does not read learns of a loss only when it sends.
        const echoed = client.echo("").catch(() => {});
        current = await hub.expectResume(0, key - 1);
        current.send(Frames.welcome(1, { key, resumed: true }), Frames.delivery(2, body), Frames.delivery(3, body));
        void echoed;
    }
    const reader = client[Symbol.asyncIterator]();
    const first: Delivery = (await soon(reader.next())).value!;
    const second: Delivery = (await soon(reader.next())).value!;
    assert.deepEqual([first.from, second.from], [2n, 3n]);
});

test("the next loop takes what the one before left", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join({ clock: new FakeClock() });
    peer.send(Frames.delivery(2, "", { confirm: true }));
    for await (const _ of client) {
        break;
    }
    await client.relay(2, "");
    await peer.expect("RELAY");
    void client[Symbol.asyncIterator]()
        .next()
        .catch(() => {});
    assert.equal(totalOf(await peer.expect("ACK")), 1n);
});

test("presence: the first update is the list, and each other one a change", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    const watch = client.watch();
    const first = watch.next();
    assert.equal((await peer.expect("LIST")).flags, 1);
    peer.send(Frames.list([2, 3]));
    assert.deepEqual((await soon(first)).value, { snapshot: true, joined: [2n, 3n], left: [] });
    const second = watch.next();
    peer.send(Frames.presence(1, 5, 4));
    assert.deepEqual((await soon(second)).value, { snapshot: false, joined: [4n, 5n], left: [] });
    peer.send(Frames.presence(2, 2), Frames.presence(1, 6), Frames.presence(2, 6), Frames.presence(2, 4), Frames.presence(1, 2));
    const echoed = client.echo("");
    await peer.expect("ECHO");
    peer.send(Frames.echo(Buffer.alloc(0)));
    await soon(echoed);
    assert.deepEqual((await soon(watch.next())).value, { snapshot: false, joined: [], left: [4n] });
    await watch.return!();
    assert.equal((await peer.expect("LIST")).flags, 0);
    peer.send(Frames.list([]));
});

test("presence: a reconnection is one difference", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    const watch = client.watch();
    const first = watch.next();
    await peer.expect("LIST");
    peer.send(Frames.list([2, 3]));
    await soon(first);
    peer.end();
    const second = await hub.expectResume(0);
    second.send(Frames.welcome(1, { key: 2, resumed: true }));
    assert.equal((await second.expect("LIST")).flags, 1);
    second.send(Frames.list([3, 4]));
    assert.deepEqual((await soon(watch.next())).value, { snapshot: false, joined: [4n], left: [2n] });
});

test("presence: a hub that refuses ends the watch and nothing else, and watching can be aborted", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    const refused = assert.rejects(client.watch().next(), { code: "not_allowed" });
    await peer.expect("LIST");
    peer.send(Frames.error("not_allowed"));
    await soon(refused);
    const echoed = client.echo("");
    assert.equal((await peer.expect("LIST")).flags, 0);
    peer.send(Frames.list([]));
    await peer.expect("ECHO");
    peer.send(Frames.echo(Buffer.alloc(0)));
    await soon(echoed);
    const abort = new AbortController();
    const aborted = assert.rejects(client.watch({ signal: abort.signal }).next(), { name: "AbortError" });
    await peer.expect("LIST");
    abort.abort();
    await soon(aborted);
});
