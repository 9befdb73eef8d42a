import { onAbort } from "./abort.ts";
import type { HubError } from "./errors.ts";
import type { Presence } from "./presence_update.ts";

/** One watcher, and the difference to what it has read. */
interface Watcher {
    readonly joined: Set<bigint>;
    readonly left: Set<bigint>;
    wake: () => void;

    /** It is over, with an error or without. */
    ending: Ending | undefined;
}

interface Ending {
    readonly error: HubError | undefined;
}

export type PresenceFeed = ReturnType<typeof createPresenceFeed>;

const ascending = (users: Set<bigint>) => [...users].sort((a, b) => (a < b ? -1 : 1));

/**
 * The set of users as known from the hub, and its watchers. Outlives a connection: the list of the next one is compared with the known set,
 * so that watchers see one continuous set. What a watcher has not read yet is merged into one difference, which bounds it.
 *
 * @param update Called when watchers come or go.
 */
export function createPresenceFeed(update: () => void) {
    const watchers = new Set<Watcher>();
    let users = new Set<bigint>();
    let isCertain = false;
    let finalEnding: Ending | undefined;

    function change(user: bigint, isThere: boolean): void {
        if (users.has(user) !== isThere) {
            users[isThere ? "add" : "delete"](user);
            for (const { joined, left } of watchers) {
                if (!(isThere ? left : joined).delete(user)) {
                    (isThere ? joined : left).add(user);
                }
            }
        }
    }

    const tell = () => watchers.forEach(({ wake }) => wake());

    const feed = {
        /** Whether anybody watches. */
        isWatched: () => watchers.size > 0,

        async *updates(signal: AbortSignal | undefined): AsyncGenerator<Presence, void, undefined> {
            const joined = new Set(users);
            const left = new Set<bigint>();
            const watcher: Watcher = { joined, left, wake: () => {}, ending: finalEnding };
            let snapshot = true;
            const forget = onAbort(signal, () => watcher.wake());
            watchers.add(watcher);
            update();
            try {
                for (;;) {
                    signal?.throwIfAborted();
                    const { ending } = watcher;
                    if (ending) {
                        if (ending.error) {
                            throw ending.error;
                        }
                        return;
                    } else if (isCertain && (snapshot || joined.size || left.size)) {
                        const presence = { snapshot, joined: ascending(joined), left: ascending(left) };
                        snapshot = false;
                        joined.clear();
                        left.clear();
                        yield presence;
                    } else {
                        await new Promise<void>((resolve) => (watcher.wake = resolve));
                    }
                }
            } finally {
                forget();
                watchers.delete(watcher);
                if (!watchers.size) {
                    isCertain = false;
                    users = new Set();
                }
                update();
            }
        },

        /** The hub's list, from which changes go on. */
        replaceUsers(list: readonly bigint[]): void {
            const listed = new Set(list);
            users.forEach((user) => change(user, listed.has(user)));
            list.forEach((user) => change(user, true));
            isCertain = true;
            tell();
        },

        /** Who came or went since the list; ignored while the set is uncertain. */
        applyChange(hasJoined: boolean, changed: readonly bigint[]): void {
            if (isCertain) {
                changed.forEach((user) => change(user, hasJoined));
                tell();
            }
        },

        /** The set is uncertain until the next list. */
        noteUncertain: () => void (isCertain = false),

        /** Ends all watchers, with the error if there is one; future ones, too, if the client is closed for good, and not if the hub refuses. */
        end(error: HubError | undefined, isFinal: boolean): void {
            const ending = { error };
            finalEnding = isFinal ? ending : undefined;
            watchers.forEach((watcher) => (watcher.ending = ending));
            tell();
        },
    };
    return feed;
}
