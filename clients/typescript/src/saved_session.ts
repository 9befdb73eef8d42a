/** A session that another client can go on with. */
export interface SavedSession {
    readonly id: bigint;
    readonly key: Uint8Array;
    /** Frames that the program has taken. */
    readonly received: number;
    /** Relays that were sent, how many of them the hub is known to have processed, and the frames of the others. */
    readonly relays: number;
    readonly processed: number;
    readonly frames: Uint8Array;
}

const toBase64 = (bytes: Iterable<number>): string => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

export const encodeSession = (session: Omit<SavedSession, "frames"> & { frames: Iterable<number> }): string =>
    JSON.stringify({ ...session, id: `${session.id}`, key: toBase64(session.key), frames: toBase64(session.frames) });

/** Throws if the text is none. */
export function decodeSession(text: string): SavedSession {
    const session = JSON.parse(text);
    return { ...session, id: BigInt(session.id), key: fromBase64(session.key), frames: fromBase64(session.frames) };
}
