// A client of the torture: started by it, told what to do on standard input, tells its history on standard output.
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { HubRequestError, connect, type Hub } from "../src/index.ts";
import { Bodies } from "./body.ts";
import { History } from "./history.ts";
import { Mix, Pace, type Draft } from "./load.ts";

const { values } = parseArgs({
    args: process.argv.slice(2),
    allowPositionals: true,
    options: Object.fromEntries(
        ["number", "endpoint", "run", "seed", "rate", "confirm", "faults", "scheme", "pattern"].map((name) => [
            name,
            { type: "string" as const },
        ]),
    ),
});
const argument = (name: string): string => values[name] as string;

const TICK = 10;
const MAX_PENDING = 256;
const MAX_FAREWELL = 30_000;

/** Faults end, and their consequences within this: a lost connection needs no other explanation before. */
const AFTERMATH = 15_000;

/** How the checker calls the kind of client, and the end of a session. */
const LIBRARY = 1;
const CONNECTION_LOST = 0;
const LEFT = 2;

const RECEIPT = 1;
const outcomeCodes = ["accepted", "held", "unknown", "full", "unreachable", "delivered"];

const bodies = new Bodies(argument("pattern"), Number(argument("run")));
const mix = new Mix(Number(argument("seed")), argument("confirm") === "True");
const pace = new Pace(Number(argument("rate")));
let calmSince = argument("faults") === "True" ? Infinity : -Infinity;
let stopsSending = false;
let leaves = false;
const history = new History(obey);

const pending = new Set<Promise<void>>();
let sessions = 0n;
let session = 0n;
let number = 0n;
let hasConcluded = false;

function obey(words: string[]): void {
    switch (words[0]) {
        case "users":
            mix.users = split(words[1]).map((user) => ({ id: BigInt(user.replace("t", "")), isText: user.startsWith("t") }));
            mix.gone = split(words[2]).map(BigInt);
            break;
        case "calm":
            calmSince = performance.now();
            break;
        case "stop":
            stopsSending = true;
            break;
        default:
            leaves = true;
    }
}

const split = (list = ""): string[] => list.split(",").filter((item) => item !== "");

function join(id: bigint): void {
    session = (BigInt(argument("number")) << 32n) | ++sessions;
    number = 0n;
    hasConcluded = false;
    history.tell("J", session, id, LIBRARY);
}

async function enter(): Promise<Hub> {
    for (;;) {
        try {
            return await connect(`${argument("scheme")}://${argument("endpoint")}`, {
                reconnect: { minDelay: 50, maxDelay: 1000 },
                connectTimeout: 15_000,
            });
        } catch {
            // The client tries a first connection once; a fault may have met it.
            await sleep(100);
        }
    }
}

async function receive(hub: Hub): Promise<void> {
    try {
        for await (const delivery of hub) {
            const { state, author, number: place } = bodies.read(Buffer.from(delivery.body));
            history.tell("R", session, 0, delivery.from, state, author, place, delivery.length);
            // Before the hub is told that it was taken.
            await history.settle();
        }
    } catch (error) {
        history.tell("U", session, `was closed for good: ${error}`);
    }
}

/** Makes calls in the order in which they are told; what the session they are meant for does not live to see is given up. */
async function send(hub: Hub, drafts: Draft[]): Promise<void> {
    const relays = drafts.map((draft) => {
        const relay = { ...draft, session, number: ++number };
        history.tell("S", session, relay.number, draft.flags, draft.bytes, draft.receivers.join());
        return relay;
    });
    await history.settle();
    for (const { session: mine, number: place, receivers, flags, bytes, isText } of relays) {
        if (mine !== session) {
            history.tell("B", mine, place);
            continue;
        }
        const options = { receipt: (flags & RECEIPT) > 0, bestEffort: (flags & 2) > 0, confirm: (flags & 4) > 0 };
        const call = hub
            .relay(receivers, bodies.write(bytes, mine, place, isText), options)
            .then((receipt) => {
                if (receipt) {
                    const codes = receipt.outcomes.map((outcome) => outcomeCodes.indexOf(outcome));
                    history.tell("A", mine, place, Buffer.from(codes).toString("hex").toUpperCase());
                }
            })
            .catch((error) =>
                error instanceof HubRequestError ? history.tell("X", mine, place, error.number!) : history.tell("B", mine, place),
            );
        pending.add(call);
        void call.then(() => pending.delete(call));
        if (!(flags & RECEIPT)) {
            await call;
        }
    }
}

async function run(): Promise<void> {
    const hub = await enter();
    join(hub.id);
    hub.addEventListener("resumed", () => history.tell("M", session));
    hub.addEventListener("lost", ({ id }) => {
        history.tell("E", session, CONNECTION_LOST, 0, 0, 0);
        join(id);
    });
    hub.addEventListener("reconnecting", ({ reason }) => {
        if (performance.now() - calmSince > AFTERMATH) {
            history.tell("U", session, `lost its connection while there were no faults: ${reason.message}`);
        }
    });
    hub.addEventListener("rejected", ({ error }) => history.tell("U", session, `a relay was rejected: ${error.message}`));
    const receiving = receive(hub);
    while (!leaves && hub.state !== "closed") {
        await sleep(TICK);
        const drafts: Draft[] = [];
        if (stopsSending) {
            if (!hasConcluded) {
                // The last relay; its receipt tells that all before is carried out.
                hasConcluded = true;
                drafts.push({ receivers: [hub.id], flags: RECEIPT, bytes: Bodies.stampBytes, isText: false });
            }
        } else if (pending.size < MAX_PENDING) {
            for (let count = pace.take(64); count > 0; count--) {
                const draft = mix.next(hub.id);
                if (draft) {
                    drafts.push(draft);
                }
            }
        }
        if (drafts.length > 0) {
            await send(hub, drafts);
        }
    }
    await Promise.all(pending);
    try {
        await hub.close({ signal: AbortSignal.timeout(MAX_FAREWELL) });
    } catch (error) {
        history.tell("U", session, `could not say goodbye: ${error}`);
    }
    await receiving;
    history.tell("E", session, LEFT, 0, 0, 0);
    await history.settle();
    process.exit(0);
}

await run();
