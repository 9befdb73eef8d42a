import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createFrameReader } from "../src/frame_reader.ts";
import { encodeHello } from "../src/frames.ts";
import { createOutbox } from "../src/outbox.ts";
import { createPresenceFeed } from "../src/presence.ts";
import { heartbeatRequest } from "../src/requests.ts";
import { Frames, ScriptedHub, soon, until } from "./scripted_hub.ts";
import { allCodes } from "./wire.ts";

type Part = string | { hex: string } | { repeat: Part; count: number };

interface Vector {
    readonly name: string;
    readonly bytes: Part[];
    readonly decoded: Record<string, never>;
    readonly error: string;
}

const folder = join(fileURLToPath(new URL("../../..", import.meta.url)), "spec/vectors");
const vectors = (name: string): Vector[] => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));

function bytesOf(parts: Part[]): Buffer {
    return Buffer.concat(
        parts.map((part) =>
            typeof part === "string"
                ? Buffer.from(part)
                : "hex" in part
                  ? Buffer.from(part.hex.replaceAll(" ", ""), "hex")
                  : Buffer.concat(Array(part.count).fill(bytesOf([part.repeat]))),
        ),
    );
}

const keyOf = (text: string | undefined) => (text === undefined ? undefined : bytesOf([{ hex: text }]));

/** What the client writes for a vector; undefined for what it never sends. */
function encode({ decoded, name }: Vector): Uint8Array | undefined {
    const frame = decoded as Record<string, any>;
    const outbox = createOutbox(
        1 << 24,
        () => Number(frame["total"]),
        createPresenceFeed(() => {}),
        () => {},
    );
    outbox.isRetaining = true;
    outbox.beginLink();
    switch (frame["type"]) {
        case "HELLO":
            // The client always says both, or only that its session may be resumed.
            return frame["flags"] === 2
                ? undefined
                : encodeHello(frame["flags"] > 0, keyOf(frame["session_key"]), frame["frames_received"] ?? 0, bytesOf(frame["token"]));
        case "ECHO":
            outbox.writeRequest({ ...heartbeatRequest(), type: 2, body: bytesOf(frame["payload"]) });
            break;
        case "IDENTITY":
            outbox.writeRequest({ ...heartbeatRequest(), type: 3 });
            break;
        case "LIST":
            if (frame["flags"]) {
                return undefined;
            }
            outbox.writeRequest({ ...heartbeatRequest(), type: 4 });
            break;
        case "RELAY": {
            const body = bytesOf(frame["body"]);
            const receipt = frame["correlation"] && { receiverCount: frame["receivers"].length };
            outbox.writeRelay(frame["receivers"].map(BigInt), name.length % 2 ? body : Uint8Array.from(body), frame["flags"] & 6, receipt);
            break;
        }
        case "ACK":
            outbox.writeAck();
            break;
        case "HEARTBEAT":
            outbox.sendHeartbeat();
            break;
        case "GOODBYE":
            if (bytesOf(frame["text"]).length > 0) {
                return undefined;
            }
            outbox.isRetaining = false;
            outbox.leave();
            break;
        default:
            assert.fail(`${frame["type"]} is not known to this test`);
    }
    return outbox.takeBytes(1 << 24);
}

test("what the client sends is what the vectors say", () => {
    let checked = 0;
    for (const vector of vectors("client-frames")) {
        const encoded = encode(vector);
        if (encoded) {
            const expected = bytesOf(vector.bytes);
            if ("correlation" in vector.decoded) {
                // Numbers are the client's own.
                encoded.copyWithin(8, 8, 16);
                expected.writeBigUInt64LE(1n, 8);
            }
            // Totals beyond 2^53 are no numbers that a client ever counts to.
            if (!/18446744073709551615/.test(JSON.stringify(vector.decoded["total"] ?? vector.decoded["frames_received"] ?? ""))) {
                assert.equal(Buffer.compare(encoded, expected), 0, vector.name);
                checked++;
            }
        }
    }
    assert.ok(checked >= 25, `${checked} were checked`);
});

test("what a hub sends is read as the vectors say, cut at every byte", () => {
    for (const vector of vectors("hub-frames")) {
        const bytes = bytesOf(vector.bytes);
        const cuts = bytes.length <= 200 ? bytes.length : 8;
        for (let cut = 0; cut < cuts; cut++) {
            const frames: Buffer[] = [];
            const reader = createFrameReader((type, flags, arg, view, start, end) => {
                const head = Buffer.from([type, flags, arg & 255, arg >> 8, 0, 0, 0, 0]);
                head.writeUInt32LE(end - start, 4);
                frames.push(Buffer.concat([head, new Uint8Array(view.buffer, view.byteOffset + start, end - start)]));
                return true;
            });
            for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut), bytes]) {
                assert.equal(reader.readFrames(Uint8Array.from(piece)), undefined);
            }
            assert.equal(frames.length, 2, vector.name);
            assert.equal(Buffer.compare(Buffer.concat(frames), Buffer.concat([bytes, bytes])), 0, vector.name);
        }
    }
});

test("what a hub says reaches the program as the vectors say", async () => {
    for (const { name, bytes, decoded } of vectors("hub-frames")) {
        const frame = decoded as Record<string, any>;
        await using hub = await ScriptedHub.start();
        if (frame["type"] === "WELCOME") {
            if (frame["flags"] < 2) {
                const connecting = hub.connect();
                const peer = await hub.accept();
                await peer.expect("HELLO");
                peer.send(bytesOf(bytes));
                const client = await soon(connecting);
                assert.deepEqual(
                    [`${client.id}`, client.maxBody, client.maxReceivers],
                    [frame["user_id"], frame["max_body"], frame["max_receivers"]],
                    name,
                );
            }
            continue;
        }
        const { client, peer } = await hub.join();
        switch (frame["type"]) {
            case "DELIVERY": {
                peer.send(bytesOf(bytes));
                const { value } = await soon(client[Symbol.asyncIterator]().next());
                assert.deepEqual([`${value!.from}`, Buffer.compare(value!.body, bytesOf(frame["body"]))], [frame["sender"], 0], name);
                break;
            }
            case "LIST":
            case "PRESENCE": {
                const isList = frame["type"] === "LIST";
                const watch = client.watch();
                const first = watch.next();
                await peer.expect("LIST");
                peer.send(
                    isList ? bytesOf(bytes) : Frames.list(frame["arg"] === 2 ? [4] : []),
                    ...(frame["flags"] ? [Frames.list([])] : []),
                );
                if (!isList) {
                    await soon(first);
                    peer.send(bytesOf(bytes));
                }
                const { joined, left } = (isList ? await soon(first) : await soon(watch.next())).value!;
                const ids = frame["arg"] === 2 ? left : joined;
                if (frame["user_ids"]) {
                    assert.deepEqual(ids.map(String), frame["user_ids"], name);
                } else {
                    assert.ok(ids.length > 0);
                }
                break;
            }
            case "RECEIPT": {
                const receivers = frame["outcomes"].map(() => 2);
                const receipt = client.relay(receivers, "", { receipt: true });
                await peer.expect("RELAY");
                const answer = bytesOf(bytes);
                answer.writeBigUInt64LE(1n, 8);
                peer.send(answer);
                assert.deepEqual((await soon(receipt)).outcomes, frame["outcomes"], name);
                break;
            }
            case "ERROR": {
                const isCorrelated = frame["flags"] === 1;
                const call = isCorrelated ? client.relay(2, "", { receipt: true }) : client.list();
                const failing = assert.rejects(call, { code: frame["code"], text: bytesOf(frame["text"]).toString() });
                await peer.read();
                const answer = bytesOf(bytes);
                if (isCorrelated) {
                    answer.writeBigUInt64LE(1n, 8);
                }
                peer.send(answer);
                await soon(failing);
                break;
            }
            case "GOODBYE": {
                const reason = new Promise<any>((resolve) => {
                    client.addEventListener("reconnecting", (event) => resolve(event.reason));
                    void client.closed.then(resolve);
                });
                peer.send(bytesOf(bytes));
                const { code, text } = await soon(reason);
                assert.deepEqual([code, text], [frame["code"], bytesOf(frame["text"]).toString()], name);
                assert.ok(allCodes.includes(code));
                break;
            }
            default:
                // ACK, ECHO, IDENTITY and HEARTBEAT are answers: their own tests have them.
                await until(() => client.state === "connected");
        }
    }
});

test("what a hub must not send closes the connection with the vectors' error", async () => {
    for (const { name, bytes, error } of vectors("hub-frames-invalid")) {
        await using hub = await ScriptedHub.start();
        if (name.startsWith("welcome")) {
            const failing = assert.rejects(hub.connect(), { code: error }, name);
            const peer = await hub.accept();
            await peer.expect("HELLO");
            peer.send(bytesOf(bytes));
            await soon(failing);
        } else {
            const { client, peer } = await hub.join();
            void client.list().catch(() => {});
            void client.echo("").catch(() => {});
            void client.relay(2, "", { receipt: true }).catch(() => {});
            peer.send(bytesOf(bytes));
            assert.equal((await soon(client.closed)).code, error, name);
            await peer.readToEnd();
        }
    }
});
