// The clients that are compared, all used alike. In a browser they come in one bundle.
import { connect as connectHub } from "@message-delivery/client";

const BODY = new Uint8Array(128).fill(97);
const TEXT = "a".repeat(128);

/** Messages that are sent before the others have a turn, where sending cannot be awaited. */
const BATCH = 1000;

/**
 * Connects: `receive` calls back with each message's length until it is answered with true; `send` sends so many.
 * @param to Whom to send to: the other one's id.
 */
export const kinds = {
    async hub(url, to) {
        const hub = await connectHub(url, { discard: to !== undefined });
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
                const receiver = BigInt(to);
                for (let i = 0; i < number; i += BATCH) {
                    for (let j = 1; j < BATCH; j++) {
                        hub.relay(receiver, BODY);
                    }
                    await hub.relay(receiver, BODY);
                }
            },
            close: () => hub.close(),
        };
    },
    async nats(url) {
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
    async socketio(url, to) {
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
