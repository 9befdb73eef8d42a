import assert from "node:assert/strict";
import { test } from "node:test";
import { HubConnectionError, HubSessionLostError } from "../src/index.ts";
import type { Delivery } from "../src/delivery.ts";
import { Frames, ScriptedHub, soon, until } from "./scripted_hub.ts";
import { relayOf } from "./wire.ts";

/** Reads so many messages, and says which. */
async function readBodies(iterator: AsyncIterator<Delivery, undefined>, count: number): Promise<string[]> {
    const bodies = [];
    for (let i = 0; i < count; i++) {
        const result = await soon(iterator.next());
        bodies.push(result.value!.text());
    }
    return bodies;
}

test("a conversation cut at each byte arrives once and in order", async () => {
    const frames = [
        Frames.delivery(7, "a"),
        Frames.receipt(1, "accepted"),
        Frames.delivery(8, "bb", { confirm: true }),
        Frames.error("overloaded", "", 2),
        Frames.delivery(9, "ccc"),
    ];
    const all = Buffer.concat(frames);
    for (let cut = 0; cut <= all.length; cut++) {
        await using hub = await ScriptedHub.start();
        const { client, peer } = await hub.join();
        const accepted = client.relay(2, "x", { receipt: true });
        const refused = assert.rejects(client.relay(2, "y", { receipt: true }), { code: "overloaded" });
        const reader = client[Symbol.asyncIterator]();
        await peer.expect("RELAY");
        await peer.expect("RELAY");
        peer.send(all.subarray(0, cut));
        peer.end();
        const second = await hub.expectResume(0);
        // The program takes nothing before the session has been resumed: all of it comes again.
        second.send(Frames.welcome(1, { key: 2, resumed: true, processed: 2 }), all);
        assert.deepEqual(await readBodies(reader, 3), ["a", "bb", "ccc"]);
        assert.deepEqual((await soon(accepted)).outcomes, ["accepted"]);
        await soon(refused);
    }
});

test("a conversation cut behind every frame, whatever the program has taken, reaches it once and in order", async () => {
    const frames = [
        Frames.delivery(11, "0"),
        Frames.receipt(1, "accepted"),
        Frames.delivery(12, "1", { confirm: true }),
        Frames.error("overloaded", "", 2),
        Frames.delivery(13, "2"),
        Frames.receipt(3, "held"),
        Frames.delivery(14, "3", { confirm: true }),
    ];
    const isDelivery = [true, false, true, false, true, false, true];
    for (let cut = 0; cut <= frames.length; cut++) {
        const arrived = isDelivery.slice(0, cut).filter((delivery) => delivery).length;
        for (let taken = 0; taken <= arrived; taken++) {
            let counted = 0;
            for (let deliveries = 0; counted < cut && deliveries + (isDelivery[counted] ? 1 : 0) <= taken; counted++) {
                deliveries += isDelivery[counted] ? 1 : 0;
            }
            for (let repeats = 0; repeats <= frames.length - counted; repeats++) {
                await using hub = await ScriptedHub.start();
                const { client, peer } = await hub.join();
                const receipts = [1, 2, 3].map(() => client.relay(7, "", { receipt: true }).catch((error) => error.code));
                for (let i = 0; i < receipts.length; i++) {
                    await peer.expect("RELAY");
                }
                const reader = client[Symbol.asyncIterator]();
                peer.send(...frames.slice(0, cut));
                const bodies = [];
                for (let i = 0; i < taken; i++) {
                    const { value } = await soon(reader.next());
                    bodies.push(value!.text());
                    value!.ack();
                }
                peer.end();
                const second = await hub.expectResume(counted);
                second.send(Frames.welcome(1, { key: 2, resumed: true, processed: 3 }), ...frames.slice(counted, counted + repeats));
                second.end();
                const third = await hub.accept();
                const hello = await third.expect("HELLO");
                const total = Number(hello.payload.readBigUInt64LE(20));
                assert.ok(total >= counted);
                third.send(Frames.welcome(1, { key: 3, resumed: true, processed: 3 }), ...frames.slice(total));
                bodies.push(...(await readBodies(reader, 4 - taken)));
                assert.deepEqual(bodies, ["0", "1", "2", "3"]);
                const results = await soon(Promise.all(receipts));
                assert.deepEqual(results[0].outcomes, ["accepted"]);
                assert.equal(results[1], "overloaded");
                assert.deepEqual(results[2].outcomes, ["held"]);
            }
        }
    }
});

test("what the hub has received up to each byte is not sent again, and the rest is in order", async () => {
    for (let received = 0; received <= 4; received++) {
        await using hub = await ScriptedHub.start();
        const { client, peer } = await hub.join();
        await client.relay(2, "a");
        await client.relay([2, 3], "b");
        const echoed = client.echo("");
        await client.relay(2, "c", { bestEffort: true });
        await client.relay(2n, "d");
        for (let i = 0; i < 6; i++) {
            await peer.read();
        }
        peer.cut();
        const second = await hub.expectResume(0);
        second.send(Frames.welcome(1, { key: 2, resumed: true, processed: received }));
        await client.relay(2, "last");
        const again: string[] = [];
        for (;;) {
            const frame = await second.read();
            if (frame.type === "RELAY") {
                const { body } = relayOf(frame);
                again.push(body.toString());
                if (again.at(-1) === "last") {
                    break;
                }
            } else {
                again.push(frame.type);
                second.send(frame.type === "ECHO" ? Frames.echo(Buffer.alloc(0)) : Frames.heartbeat());
            }
        }
        assert.deepEqual(
            again.filter((item) => item.length === 1 || item === "last"),
            [..."abcd".slice(received), "last"],
        );
        assert.ok(again.indexOf("HEARTBEAT") < again.indexOf("ECHO"));
        assert.equal((await soon(echoed)).length, 0);
    }
});

test("a receipt lost on its way comes again and completes once", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    const receipt = client.relay(2, "x", { receipt: true });
    await peer.expect("RELAY");
    peer.cut();
    const second = await hub.expectResume(0);
    second.send(Frames.welcome(1, { key: 2, resumed: true, processed: 1 }), Frames.receipt(1, "held"));
    const { outcomes, accepted, delivered } = await soon(receipt);
    assert.deepEqual([outcomes, accepted, delivered], [["held"], true, false]);
});

test("each resumption has a new key, and the old one is used until a welcome has come", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    peer.cut();
    (await hub.expectResume(0, 1)).cut();
    (await hub.expectResume(0, 1)).send(Frames.goodbye("overloaded"));
    const third = await hub.expectResume(0, 1);
    third.send(Frames.welcome(1, { key: 2, resumed: true }));
    await until(() => client.state === "connected");
    third.end();
    (await hub.expectResume(0, 2)).send(Frames.welcome(1, { key: 3, resumed: true }));
});

for (const code of [undefined, "shutting_down", "heartbeat_timeout", "slow_consumer"]) {
    test(`calls made meanwhile wait and go behind what was sent before (${code ?? "end"})`, async () => {
        await using hub = await ScriptedHub.start();
        const { client, peer } = await hub.join();
        await client.relay(2, "before");
        await peer.expect("RELAY");
        if (code) {
            peer.send(Frames.goodbye(code));
        }
        peer.end();
        const second = await hub.expectResume(0);
        await client.relay(2, "meanwhile");
        const receipt = client.relay(3, "receipt", { confirm: true });
        second.send(Frames.welcome(1, { key: 2, resumed: true }));
        for (const body of ["before", "meanwhile", "receipt"]) {
            assert.equal(relayOf(await second.expect("RELAY")).body.toString(), body);
        }
        second.send(Frames.receipt(3, "delivered"));
        assert.equal((await soon(receipt)).delivered, true);
    });
}

test("nothing is sent behind a hello before its welcome has come", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    peer.end();
    await until(() => client.state === "reconnecting");
    await client.relay(2, "made meanwhile");
    const second = await hub.expectResume(0);
    // The client has been told that its hello was written, and has had time to do something about it.
    await new Promise((resolve) => setTimeout(resolve, 30));
    second.send(Frames.welcome(1, { key: 2, resumed: true }));
    await client.relay(2, "last");
    assert.equal(relayOf(await second.expect("RELAY")).body.toString(), "made meanwhile");
    assert.equal(relayOf(await second.expect("RELAY")).body.toString(), "last");
});

test("a list of which a part had come begins anew", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    const list = client.list();
    await peer.expect("LIST");
    peer.send(Frames.list([2, 3], { more: true }));
    peer.end();
    const second = await hub.expectResume(0);
    second.send(Frames.welcome(1, { key: 2, resumed: true }));
    await second.expect("LIST");
    second.send(Frames.list([3, 4]));
    assert.deepEqual(await soon(list), [3n, 4n]);
});

test("receipts of confirm come in any order", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    const first = client.relay(2, "", { confirm: true });
    const second = client.relay([3, 4], "", { receipt: true });
    await peer.expect("RELAY");
    await peer.expect("RELAY");
    peer.send(Frames.receipt(2, "accepted", "unknown"), Frames.receipt(1, "delivered"));
    assert.deepEqual((await soon(first)).outcomes, ["delivered"]);
    assert.deepEqual((await soon(second)).outcomes, ["accepted", "unknown"]);
});

for (const processed of [2, 4, 2 ** 40]) {
    test(`a welcome with ${processed} relays processed, which cannot be, closes with a protocol error`, async () => {
        await using hub = await ScriptedHub.start();
        const { client, peer } = await hub.join();
        for (const body of ["a", "b", "c"]) {
            await client.relay(2, body);
            await peer.expect("RELAY");
        }
        const echoed = client.echo("");
        await peer.expect("HEARTBEAT");
        await peer.expect("ECHO");
        peer.send(Frames.ack(3));
        peer.send(Frames.heartbeat(), Frames.echo(Buffer.alloc(0)));
        await soon(echoed);
        peer.end();
        (await hub.expectResume(0)).send(Frames.welcome(1, { key: 2, resumed: true, processed }));
        assert.equal((await soon(client.closed)).code, "protocol_error");
    });
}

test("relays that are not acknowledged count toward the send buffer, also without a connection", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join({ sendBuffer: 1 });
    await client.relay(2, new Uint8Array(1 << 20));
    await peer.expect("RELAY");
    let isTaken = false;
    const waiting = client.relay(2, "waits").then(() => (isTaken = true));
    peer.cut();
    const second = await hub.expectResume(0);
    assert.equal(isTaken, false);
    second.send(Frames.welcome(1, { key: 2, resumed: true, processed: 1 }));
    await soon(waiting);
});

test("after a restart of the hub calls fail, the id changes, and nothing is sent as another user", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join();
    const events: string[] = [];
    client.addEventListener("reconnecting", () => events.push("reconnecting"));
    client.addEventListener("lost", ({ oldId, id, unknownRelays }) => events.push(`lost ${oldId} ${id} ${unknownRelays}`));
    client.addEventListener("resumed", () => events.push("resumed"));
    client.addEventListener("connected", () => events.push("connected"));
    await client.relay(2, "unknown");
    const receipt = client.relay(2, "", { receipt: true });
    const failing = assert.rejects(receipt, (error) => error instanceof HubSessionLostError && error.mayBeCarriedOut);
    await peer.expect("RELAY");
    peer.cut();
    const second = await hub.expectResume(0);
    second.send(Frames.welcome(9, { key: 5 }));
    await soon(failing);
    await until(() => client.state === "connected" && events.includes("connected"));
    assert.deepEqual(events, ["reconnecting", "lost 1 9 2", "connected"]);
    assert.equal(client.id, 9n);
    await client.relay(3, "new");
    assert.equal(relayOf(await second.expect("RELAY")).body.toString(), "new");
});

test("a call that had found no room when the session was lost was never sent", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join({ sendBuffer: 1 });
    await client.relay(2, new Uint8Array(1 << 20));
    const failing = assert.rejects(client.relay(2, "y"), (error) => error instanceof HubSessionLostError && !error.mayBeCarriedOut);
    await peer.expect("RELAY");
    peer.cut();
    (await hub.expectResume(0)).send(Frames.welcome(9, { key: 5 }));
    await soon(failing);
});

test("without resume a lost connection fails what was pending, and is replaced with a new identity", async () => {
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.joinPlain();
    const failing = assert.rejects(client.echo(""), (error) => error instanceof HubConnectionError && error.code === undefined);
    await peer.expect("ECHO");
    peer.cut();
    await soon(failing);
    const second = await hub.accept();
    assert.equal((await second.expect("HELLO")).flags, 0);
    second.send(Frames.welcome(2));
    await until(() => client.id === 2n);
    await client.relay(3, "new");
    await second.expect("RELAY");
});

test("a session that another client has saved goes on: nothing lost, nothing twice, and what was not processed is sent", async () => {
    await using hub = await ScriptedHub.start();
    const { client: old, peer } = await hub.join({ reconnect: { maxAttempts: 0 } });
    const reader = old[Symbol.asyncIterator]();
    for (const body of ["a", "b", "c"]) {
        await old.relay(2, body);
    }
    const orphan = old.relay(2, "d", { receipt: true }).catch((error) => error);
    for (let i = 0; i < 4; i++) {
        await peer.expect("RELAY");
    }
    peer.send(Frames.ack(1), Frames.delivery(2, "1"), Frames.delivery(2, "2"));
    assert.deepEqual(await readBodies(reader, 2), ["1", "2"]);
    const saved = old.session!;
    peer.cut();
    await soon(orphan);

    const connecting = hub.connect({ session: saved });
    // "2" was handed out, but the program had not said that it was done with it.
    const second = await hub.expectResume(1);
    second.send(Frames.welcome(1, { key: 2, resumed: true, processed: 2 }), Frames.delivery(2, "2"), Frames.receipt(4, "accepted"));
    const client = await soon(connecting);
    assert.deepEqual([client.resumed, client.id], [true, 1n]);
    const mine = client.relay(2, "mine", { receipt: true });
    for (const body of ["c", "d"]) {
        assert.equal(relayOf(await second.expect("RELAY")).body.toString(), body);
    }
    const { correlation } = relayOf(await second.expect("RELAY"));
    assert.notEqual(correlation, 5n);
    second.send(Frames.receipt(correlation!, "accepted"));
    assert.equal((await soon(mine)).accepted, true);
    assert.deepEqual(await readBodies(client[Symbol.asyncIterator](), 1), ["2"]);
});

test("a saved session that the hub does not know is a new one", async () => {
    await using hub = await ScriptedHub.start();
    const { client: old, peer } = await hub.join({ reconnect: { maxAttempts: 0 } });
    await old.relay(2, "a");
    await peer.expect("RELAY");
    const saved = old.session!;
    peer.cut();
    await soon(old.closed);
    const connecting = hub.connect({ session: saved });
    const second = await hub.expectResume(0);
    second.send(Frames.welcome(5, { key: 2 }));
    const client = await soon(connecting);
    assert.deepEqual([client.resumed, client.id], [false, 5n]);
    await client.relay(2, "b");
    assert.equal(relayOf(await second.expect("RELAY")).body.toString(), "b");
    await assert.rejects(hub.connect({ session: "nonsense" }), SyntaxError);
});

test("a session that was saved before its last relays were sent goes on behind them", async () => {
    await using hub = await ScriptedHub.start();
    const { client: old, peer } = await hub.join({ reconnect: { maxAttempts: 0 } });
    const saved = old.session!;
    await old.relay(2, "a");
    await peer.expect("RELAY");
    peer.cut();
    await soon(old.closed);
    const connecting = hub.connect({ session: saved });
    const second = await hub.expectResume(0);
    second.send(Frames.welcome(1, { key: 2, resumed: true, processed: 1 }));
    const client = await soon(connecting);
    await client.relay(2, "b");
    assert.equal(relayOf(await second.expect("RELAY")).body.toString(), "b");
});
