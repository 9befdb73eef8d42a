/** Time as the client sees it; tests move their own. */
export interface Clock {
    /** Milliseconds, never back. */
    now(): number;
    setTimeout(action: () => void, milliseconds: number): unknown;
    clearTimeout(timer: unknown): void;
    /** From 0 to 1, for pauses. */
    random(): number;
}

export const systemClock: Clock = {
    now: () => performance.now(),
    setTimeout: (action, milliseconds) => setTimeout(action, milliseconds),
    clearTimeout: (timer) => clearTimeout(timer as number),
    random: Math.random,
};
