import { Bodies } from "./body.ts";

/** A relay that is to be sent. */
export interface Draft {
    readonly receivers: bigint[];
    readonly flags: number;
    readonly bytes: number;
    readonly isText: boolean;
}

export interface User {
    readonly id: bigint;
    readonly isText: boolean;
}

const RECEIPT = 1;
const BEST_EFFORT = 2;
const CONFIRM = 4;

/** Random numbers that a seed decides. */
export function seeded(seed: number): () => number {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let value = Math.imul(state ^ (state >>> 15), 1 | state);
        value ^= value + Math.imul(value ^ (value >>> 7), 61 | value);
        return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
    };
}

/** Lets so many relays a second pass; what was not used is kept for up to a second, so that a pause is made up for. */
export class Pace {
    readonly #rate: number;
    #last = performance.now();
    #due = 0;

    constructor(rate: number) {
        this.#rate = rate;
    }

    take(most: number): number {
        const now = performance.now();
        this.#due = Math.min(Math.max(this.#rate, 1), this.#due + ((now - this.#last) / 1000) * this.#rate);
        this.#last = now;
        const taken = Math.min(Math.floor(this.#due), most);
        this.#due -= taken;
        return taken;
    }
}

/** Draws relays as the torture's other clients do: mostly small ones to one receiver, some large, some to many, to nobody, to oneself. */
export class Mix {
    users: User[] = [];
    gone: bigint[] = [];
    readonly #random: () => number;
    readonly #hasConfirm: boolean;

    constructor(seed: number, hasConfirm: boolean) {
        this.#random = seeded(seed);
        this.#hasConfirm = hasConfirm;
    }

    /** Undefined while there is nobody to write to. */
    next(self: bigint): Draft | undefined {
        if (this.users.length === 0) {
            return undefined;
        }
        const bytes = this.#bytes();
        const receivers: bigint[] = [];
        let isText = false;
        for (let count = this.#count(bytes); receivers.length < count;) {
            const kind = this.#random();
            if (kind < 0.01) {
                receivers.push(this.#random() < 0.25 ? 0n : 2n ** 48n + BigInt(this.#up(2 ** 40)));
            } else if (kind < 0.02 && this.gone.length > 0) {
                receivers.push(this.gone[this.#up(this.gone.length)]!);
            } else if (kind < 0.04) {
                receivers.push(self);
            } else if (kind < 0.06 && receivers.length > 0) {
                receivers.push(receivers.at(-1)!);
            } else {
                const user = this.users[this.#up(this.users.length)]!;
                receivers.push(user.id);
                isText ||= user.isText;
            }
        }
        // What a text user gets is one line.
        return { receivers, flags: this.#flags(), bytes: isText ? Math.min(Math.max(bytes, Bodies.minTextBytes), 4096) : bytes, isText };
    }

    #up(limit: number): number {
        return Math.floor(this.#random() * limit);
    }

    #bytes(): number {
        const kind = this.#random();
        const between = (from: number, to: number) => from + this.#up(to - from);
        return kind < 0.08
            ? between(0, Bodies.stampBytes)
            : kind < 0.7
              ? between(Bodies.stampBytes, 256)
              : kind < 0.92
                ? between(256, 2048)
                : kind < 0.99
                  ? between(2048, 16_384)
                  : kind < 0.9995
                    ? between(16_384, 65_537)
                    : between(65_537, (1 << 20) + 1);
    }

    #count(bytes: number): number {
        const kind = this.#random();
        const count = kind < 0.75 ? 1 : kind < 0.95 ? 2 + this.#up(3) : 5 + this.#up(16);
        return bytes > 16_384 ? Math.min(count, 3) : count;
    }

    #flags(): number {
        const kind = this.#random();
        return kind < 0.45
            ? 0
            : kind < 0.7
              ? RECEIPT
              : kind < 0.75
                ? BEST_EFFORT
                : kind < 0.8
                  ? BEST_EFFORT | RECEIPT
                  : !this.#hasConfirm
                    ? RECEIPT
                    : kind < 0.95
                      ? RECEIPT | CONFIRM
                      : RECEIPT | CONFIRM | BEST_EFFORT;
    }
}
