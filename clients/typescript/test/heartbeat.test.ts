import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock, Frames, ScriptedHub, soon, until } from "./scripted_hub.ts";

async function start(options = {}) {
    const clock = new FakeClock();
    const hub = await ScriptedHub.start();
    const joined = await hub.join({ clock, reconnect: { maxAttempts: 0 }, ...options }, { heartbeat: 60 });
    return { clock, hub, ...joined };
}

test("a client that has nothing to say says so at half of the time, and lives as long as it is answered", async () => {
    const { clock, hub, client, peer } = await start();
    await using _ = hub;
    for (let i = 0; i < 20; i++) {
        clock.advance(30_000);
        await peer.expect("HEARTBEAT");
        peer.send(Frames.heartbeat());
        const echoed = client.echo("");
        await peer.expect("ECHO");
        peer.send(Frames.echo(Buffer.alloc(0)));
        await soon(echoed);
    }
    assert.equal(client.state, "connected");
});

test("a hidden page whose timers run once a minute lives", async () => {
    const { clock, hub, client, peer } = await start();
    await using _ = hub;
    for (let minute = 0; minute < 10; minute++) {
        clock.skip(60_000);
        await peer.expect("HEARTBEAT");
        peer.send(Frames.heartbeat());
        await new Promise((resolve) => setImmediate(resolve));
        await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(client.state, "connected");
});

test("what arrives wakes a page whose timers do not run at all", async () => {
    const { clock, hub, client, peer } = await start();
    await using _ = hub;
    // No timer runs: only what the hub sends.
    const run = clock.setTimeout;
    clock.setTimeout = (action, milliseconds) => run.call(clock, action, milliseconds + 1e9);
    clock.skip(31_000);
    await peer.expect("HEARTBEAT");
    clock.skip(31_000);
    peer.send(Frames.heartbeat());
    await peer.expect("HEARTBEAT");
    assert.equal(client.state, "connected");
});

test("a hub that says nothing for two intervals after a heartbeat is dead", async () => {
    const { clock, hub, client, peer } = await start();
    await using _ = hub;
    for (let half = 0; half < 4; half++) {
        clock.advance(30_000);
        assert.equal(client.state, "connected");
    }
    clock.advance(30_000);
    assert.equal((await soon(client.closed)).code, "heartbeat_timeout");
    await peer.readToEnd();
});

test("a machine that has slept does not blame the hub before it has asked", async () => {
    const { clock, hub, client, peer } = await start();
    await using _ = hub;
    clock.advance(30_000);
    await peer.expect("HEARTBEAT");
    clock.skip(8 * 3_600_000);
    assert.equal(client.state, "connected");
    peer.send(Frames.heartbeat());
    await peer.expect("HEARTBEAT");
});

test("a hub that may be holding this sender back is not taken for dead", async () => {
    const { clock, hub, client, peer } = await start();
    await using _ = hub;
    await client.relay(2, "the receiver may be full");
    await peer.expect("RELAY");
    for (let half = 0; half < 10; half++) {
        clock.advance(30_000);
    }
    assert.equal(client.state, "connected");
});

test("zero seconds turn it off, and a client that does not read does not blame the hub", async () => {
    const clock = new FakeClock();
    await using hub = await ScriptedHub.start();
    const { client, peer } = await hub.join({ clock });
    clock.advance(3_600_000);
    await client.relay(2, "the first");
    await peer.expect("RELAY");
    const other = await hub.join({ clock, receiveBuffer: 1 }, { heartbeat: 60 });
    other.peer.send(Frames.delivery(2), Frames.delivery(3));
    await until(() => other.client.state === "connected");
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (let half = 0; half < 10; half++) {
        clock.advance(30_000);
        await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(other.client.state, "connected");
});
