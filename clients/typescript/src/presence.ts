import type { HubError } from "./errors.ts";

/** Who has come and gone since the update before. */
export interface Presence {
    /** Whether this is the first update, which names everybody who is there. */
    readonly snapshot: boolean;

    /** Ids of those who came, ascending. */
    readonly joined: readonly bigint[];

    /** Ids of those who went, ascending. */
    readonly left: readonly bigint[];
}

/** One watcher, and the difference to what it has read. */
class Watcher {
    hasBegun = false;
    ended = false;
    reason: HubError | undefined;
    wake: () => void = () => {};
    #snapshot = false;
    readonly #joined = new Set<bigint>();
    readonly #left = new Set<bigint>();

    begin(users: Iterable<bigint>): void {
        this.hasBegun = this.#snapshot = true;
        this.note(users, []);
    }

    note(joined: Iterable<bigint>, left: Iterable<bigint>): void {
        for (const user of joined) {
            if (!this.#left.delete(user)) {
                this.#joined.add(user);
            }
        }
        for (const user of left) {
            if (!this.#joined.delete(user)) {
                this.#left.add(user);
            }
        }
        this.wake();
    }

    take(): Presence | undefined {
        if (!this.#snapshot && this.#joined.size + this.#left.size === 0) {
            return undefined;
        }
        const update = { snapshot: this.#snapshot, joined: ascending(this.#joined), left: ascending(this.#left) };
        this.#snapshot = false;
        this.#joined.clear();
        this.#left.clear();
        return update;
    }
}

const ascending = (users: Set<bigint>): bigint[] => [...users].sort((a, b) => (a < b ? -1 : 1));

/**
 * The set of users as known from the hub, and its watchers. Outlives a connection: the list of the next one is compared with the known set,
 * so that watchers see one continuous set. What a watcher has not read yet is merged into one difference, which bounds it.
 */
export class PresenceFeed {
    readonly #update: () => void;
    readonly #watchers = new Set<Watcher>();
    #users = new Set<bigint>();
    #isCertain = false;
    #isComplete = false;
    #reason: HubError | undefined;

    /** @param update Called when watchers come or go. */
    constructor(update: () => void) {
        this.#update = update;
    }

    /** Whether anybody watches. */
    get isWanted(): boolean {
        return this.#watchers.size > 0;
    }

    async *watch(signal?: AbortSignal): AsyncGenerator<Presence, void, undefined> {
        const watcher = new Watcher();
        const abort = () => watcher.wake();
        signal?.addEventListener("abort", abort);
        watcher.ended = this.#isComplete;
        watcher.reason = this.#reason;
        this.#watchers.add(watcher);
        if (this.#isCertain) {
            watcher.begin(this.#users);
        }
        this.#update();
        try {
            for (;;) {
                signal?.throwIfAborted();
                const update = watcher.take();
                if (update) {
                    yield update;
                } else if (watcher.reason) {
                    throw watcher.reason;
                } else if (watcher.ended) {
                    return;
                } else {
                    await new Promise<void>((resolve) => (watcher.wake = resolve));
                }
            }
        } finally {
            signal?.removeEventListener("abort", abort);
            this.#watchers.delete(watcher);
            this.#rest();
            this.#update();
        }
    }

    /** The hub's list, from which changes go on. */
    replace(list: readonly bigint[]): void {
        const users = new Set(list);
        const joined = list.filter((user) => !this.#users.has(user));
        const left = [...this.#users].filter((user) => !users.has(user));
        this.#users = users;
        this.#isCertain = true;
        this.#tell(joined, left);
    }

    /** Who came or went since the list; ignored while the set is uncertain. */
    apply(hasJoined: boolean, users: readonly bigint[]): void {
        if (this.#isCertain) {
            const changed = users.filter((user) => (hasJoined ? this.#users.size < this.#users.add(user).size : this.#users.delete(user)));
            this.#tell(hasJoined ? changed : [], hasJoined ? [] : changed);
        }
    }

    /** The set is uncertain until the next list. */
    noteUncertain(): void {
        this.#isCertain = false;
    }

    /** The hub refuses: ends the current watchers. */
    fail(reason: HubError): void {
        this.#end(reason);
        this.#watchers.clear();
        this.#rest();
    }

    /** The client is closed for good: ends all watchers, current and future, with the reason if there is one. */
    complete(reason: HubError | undefined): void {
        this.#isComplete = true;
        this.#reason = reason;
        this.#end(reason);
    }

    #end(reason: HubError | undefined): void {
        for (const watcher of this.#watchers) {
            watcher.ended = true;
            watcher.reason = reason;
            watcher.wake();
        }
    }

    #tell(joined: readonly bigint[], left: readonly bigint[]): void {
        for (const watcher of this.#watchers) {
            if (!watcher.hasBegun) {
                watcher.begin(this.#users);
            } else {
                watcher.note(joined, left);
            }
        }
    }

    #rest(): void {
        if (!this.isWanted) {
            this.#isCertain = false;
            this.#users = new Set();
        }
    }
}
