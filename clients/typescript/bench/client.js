// One end of a measurement, in a process of its own: node client.js KIND send|receive URL COUNT WARMUP [TO]
// Prints "ready ID", and what it has measured at its end.
import { connect as connectHub } from "../dist/index.js";

const [kind, role, url, countText, warmupText, to] = process.argv.slice(2);
const count = Number(countText);
const warmup = Number(warmupText);
const BODY = new Uint8Array(128).fill(97);
const TEXT = "a".repeat(128);

/** Messages that are sent before the sender lets others have a turn, as programs do that await what can be awaited. */
const BATCH = 1000;

const kinds = {
    async hub() {
        const hub = await connectHub(url, { discard: role === "send" });
        return {
            id: `${hub.id}`,
            async receive(each) {
                for await (const delivery of hub) {
                    if (each(delivery.length)) {
                        return;
                    }
                }
            },
            async send(number) {
                for (let i = 0; i < number; i++) {
                    await hub.relay(Number(to), BODY);
                }
            },
            close: () => hub.close(),
        };
    },
    async nats() {
        const { wsconnect } = await import("@nats-io/nats-core");
        const nats = await wsconnect({ servers: url });
        return {
            id: "x",
            async receive(each) {
                const subscription = nats.subscribe("to.x");
                await nats.flush();
                for await (const message of subscription) {
                    if (each(message.data.length)) {
                        return;
                    }
                }
            },
            async send(number) {
                for (let i = 0; i < number; i += BATCH) {
                    for (let j = 0; j < BATCH; j++) {
                        nats.publish("to.x", BODY);
                    }
                    await nats.flush();
                }
            },
            close: () => nats.drain(),
        };
    },
    async socketio() {
        const { io } = await import("socket.io-client");
        const socket = io(url, { transports: ["websocket"] });
        await new Promise((resolve) => socket.on("connect", resolve));
        return {
            id: socket.id,
            receive: (each) => new Promise((resolve) => socket.on("message", (text) => each(text.length) && resolve())),
            async send(number) {
                for (let i = 0; i < number; i += BATCH) {
                    for (let j = 1; j < BATCH; j++) {
                        socket.emit("relay", to, TEXT);
                    }
                    await socket.emitWithAck("relay", to, TEXT);
                }
            },
            close: () => socket.close(),
        };
    },
};

const client = await kinds[kind]();
const cpu = () => {
    const { user, system } = process.cpuUsage();
    return user + system;
};
let began;
let beganCpu;
const begin = () => {
    began = performance.now();
    beganCpu = cpu();
};
const report = () => console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000, microseconds: (cpu() - beganCpu) / count }));

if (role === "receive") {
    let received = 0;
    const receiving = client.receive((length) => {
        if (length !== 128) {
            throw new Error(`${length} bytes`);
        }
        if (++received === warmup) {
            begin();
            console.log("warm");
        }
        return received === warmup + count;
    });
    console.log(`ready ${client.id}`);
    await receiving;
    report();
} else {
    console.log(`ready ${client.id}`);
    await client.send(warmup);
    // The other end has to have got them: what follows is measured.
    await new Promise((resolve) => process.stdin.once("data", resolve));
    begin();
    await client.send(count);
    await new Promise((resolve) => process.stdin.once("data", resolve));
    report();
}
await client.close();
process.exit(0);
