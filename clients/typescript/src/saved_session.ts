import { KEY_BYTES } from "./frames.ts";

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

export const encodeSession = ({ id, key, received, relays, processed, frames }: SavedSession): string =>
    JSON.stringify([1, `${id}`, toBase64(key), received, relays, processed, toBase64(frames)]);

/** Throws a TypeError if the text is none. */
export function decodeSession(text: string): SavedSession {
    try {
        const [version, id, key, received, relays, processed, frames] = JSON.parse(text);
        const session = { id: BigInt(id), key: fromBase64(key), received, relays, processed, frames: fromBase64(frames) };
        if (version === 1 && session.key.length === KEY_BYTES && processed <= relays && received >= 0) {
            return session;
        }
    } catch {
        // Told below.
    }
    throw new TypeError("this is not a session that a client of this version has saved");
}

function toBase64(bytes: Uint8Array): string {
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) {
        text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    }
    return btoa(text);
}

const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
