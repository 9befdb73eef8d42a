/** A session that another client can go on with. */
export interface SavedSession {
    readonly id: bigint;
    readonly key: Iterable<number>;
    /** Frames that the program has taken. */
    readonly received: number;
    /** Relays that were sent, how many of them the hub is known to have processed, and the frames of the others. */
    readonly relays: number;
    readonly processed: number;
    readonly frames: number[];
}

export const encodeSession = (session: SavedSession): string => JSON.stringify({ ...session, id: `${session.id}`, key: [...session.key] });

/** Throws if the text is none. */
export function decodeSession(text: string): SavedSession {
    const session = JSON.parse(text);
    return { ...session, id: BigInt(session.id) };
}
