/** Bounds of the pauses between attempts, in milliseconds. */
export interface ReconnectOptions {
    /** The longest first pause. Default: 250. */
    readonly minDelay?: number;

    /** The most that the bound grows to. Default: 15,000. A connection that stood so long ends the doubling. */
    readonly maxDelay?: number;

    /** Attempts in a row before giving up, and with it any session. Default: without end. */
    readonly maxAttempts?: number;
}

const MIN_DELAY = 250;
export const MAX_DELAY = 15_000;

/**
 * The pause before an attempt: drawn between 0 and a bound that doubles. Where the hub has asked for one, the bound begins at a tenth of the
 * most, and half of it is waited at least. Several attempts fall into the time in which a session can be resumed.
 */
export function pauseBefore(
    attempt: number,
    isAsked: boolean,
    random: number,
    window: number,
    { minDelay = MIN_DELAY, maxDelay = MAX_DELAY }: ReconnectOptions,
): number {
    const first = isAsked ? Math.max(minDelay, maxDelay / 10) : minDelay;
    const bound = Math.min(first * 2 ** attempt, maxDelay, window / 8);
    return bound * (isAsked ? (1 + random) / 2 : random);
}
