import { ECHO, HEARTBEAT, LIST, MORE, readIds, viewOf } from "./frames.ts";
import type { PresenceFeed } from "./presence.ts";

/**
 * A request without an answer. Requests are answered in the order in which they were sent. One that was aborted keeps its place, and its
 * answer is dropped.
 */
export interface Request {
    /** The type of its frame; its answer's has the reply's bit, too. */
    readonly type: number;

    readonly body?: Uint8Array;

    /** The number of the last relay written before it: its answer shows that the hub has processed all up to there. */
    relayBefore?: number;

    /** Whether it has its answer. */
    isAnswered?: boolean;

    /** For a LIST: whether it was written with WATCH. */
    isWatch?: boolean;

    /** Takes the answer. False if it is none, undefined while more frames of it follow. */
    takeAnswer(payload: Uint8Array, flags: number): boolean | undefined;

    readonly failWith: (error: unknown) => void;

    /** It is sent again: the part of its answer that has come is void. */
    beginAgain?(): void;
}

/** More ids than a hub has users: bounds a list without an end. */
const MAX_IDS = 1 << 24;

const nothing = () => {};

export const heartbeatRequest = (): Request => ({ type: HEARTBEAT, takeAnswer: () => true, failWith: nothing });

export const echoRequest = (body: Uint8Array, resolve: (body: Uint8Array) => void, failWith: (error: unknown) => void): Request => ({
    type: ECHO,
    body,
    failWith,
    takeAnswer(payload) {
        resolve(payload.slice());
        return true;
    },
});

export function listRequest(feed: PresenceFeed, resolve?: (ids: bigint[]) => void, failWith: (error: unknown) => void = nothing): Request {
    let ids: bigint[] = [];
    return {
        type: LIST,
        beginAgain: () => (ids = []),
        failWith,
        takeAnswer(payload, flags) {
            if (payload.length % 8 || ids.length > MAX_IDS) {
                return false;
            }
            ids = ids.concat(readIds(viewOf(payload)));
            if (flags & MORE) {
                return undefined;
            }
            if (this.isWatch) {
                feed.replaceUsers(ids);
            }
            resolve?.(ids);
            return true;
        },
    };
}
