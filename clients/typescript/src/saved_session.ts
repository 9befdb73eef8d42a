/** A session that another client can go on with: written as it stands here. */
export type SavedSession = [
    id: bigint,
    key: Iterable<number>,
    /** Frames that the program has taken. */
    received: number,
    /** Relays that were sent, how many of them the hub is known to have processed, and the frames of the others. */
    relays: number,
    processed: number,
    frames: number[],
];

export const encodeSession = ([id, key, ...rest]: SavedSession): string => JSON.stringify([`${id}`, [...key], ...rest]);

/** Throws if the text is none. */
export function decodeSession(text: string): SavedSession {
    const [id, ...rest] = JSON.parse(text);
    return [BigInt(id), ...rest] as SavedSession;
}
