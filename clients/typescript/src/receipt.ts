/**
 * What became of a relay for one receiver: `accepted` (queued for it), `held` (it is away but may come back), `unknown` (nobody has that
 * id), `full` (left out), `unreachable` (its hub cannot be reached), `delivered` (only with `confirm`: its program has taken it).
 */
export type Outcome = "accepted" | "held" | "unknown" | "full" | "unreachable" | "delivered";

const names = "accepted held unknown full unreachable delivered".split(" ") as Outcome[];

/** What became of a relay. */
export class Receipt {
    /** One outcome for each receiver as listed, duplicates included. */
    readonly outcomes: readonly Outcome[];

    /** @internal */
    constructor(codes: Uint8Array) {
        this.outcomes = Array.from(codes, (code) => names[code] ?? "unreachable");
    }

    /** Whether the hub has taken the message for everyone. */
    get accepted(): boolean {
        return this.outcomes.every((outcome) => /accepted|held|delivered/.test(outcome));
    }

    /** Whether everyone's program has taken it, which a receipt tells only with `confirm`. */
    get delivered(): boolean {
        return this.outcomes.every((outcome) => outcome === "delivered");
    }
}
