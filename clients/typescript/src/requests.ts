import { defer, type Deferred } from "./abort.ts";
import { HubRequestError, violation, type HubConnectionError, type HubError } from "./errors.ts";
import { ECHO, HEARTBEAT, IDENTITY, LIST, MORE, readId } from "./frames.ts";
import type { PresenceFeed } from "./presence.ts";

/**
 * A request without an answer. Requests are answered in the order in which they were sent. One that was aborted keeps its place, and
 * its answer is dropped.
 */
export abstract class Request {
    /** The type of its frame; its answer's has the reply's bit, too. */
    readonly type: number;

    /** The number of the last relay written before it: its answer shows that the hub has processed all up to there. */
    relay = 0;

    constructor(type: number) {
        this.type = type;
    }

    /** Takes the answer. False while more frames of it follow, an error if it is none. */
    abstract complete(flags: number, payload: Uint8Array): boolean | HubConnectionError;

    abstract fail(error: HubError): void;

    /** It is sent again: the part of its answer that has come is void. */
    restart(): void {}
}

/** A heartbeat, or the fence in front of a request; a probe if callers wait for room. */
export class HeartbeatRequest extends Request {
    readonly isProbe: boolean;

    constructor(isProbe = false) {
        super(HEARTBEAT);
        this.isProbe = isProbe;
    }

    override complete(): boolean {
        return true;
    }

    override fail(): void {}
}

/** A request that a caller waits for. */
abstract class Call<T> extends Request {
    readonly #result: Deferred<T> = defer();

    get result(): Promise<T> {
        return this.#result.promise;
    }

    override fail(error: HubError): void {
        this.#result.reject(error);
    }

    protected succeed(value: T): true {
        this.#result.resolve(value);
        return true;
    }
}

export class EchoRequest extends Call<Uint8Array> {
    readonly body: Uint8Array;

    constructor(body: Uint8Array) {
        super(ECHO);
        this.body = body;
    }

    override complete(_flags: number, payload: Uint8Array): boolean {
        return this.succeed(payload.slice());
    }
}

export class IdentityRequest extends Call<bigint> {
    constructor() {
        super(IDENTITY);
    }

    override complete(_flags: number, payload: Uint8Array): boolean | HubConnectionError {
        return payload.length === 8 ? this.succeed(readId(payload, 0)) : violation(`an IDENTITY of ${payload.length} bytes; it has 8`);
    }
}

/** More ids than a hub has users: bounds a list without an end. */
const MAX_IDS = 1 << 24;

export class ListRequest extends Call<bigint[]> {
    /** Whether it was written with WATCH. */
    watches = false;

    /** Whether it is the client's own, and no caller waits for it. */
    readonly isForFeed: boolean;

    readonly #feed: PresenceFeed;
    #ids: bigint[] = [];

    constructor(feed: PresenceFeed, isForFeed = false) {
        super(LIST);
        this.#feed = feed;
        this.isForFeed = isForFeed;
    }

    override restart(): void {
        this.#ids = [];
    }

    override fail(error: HubError): void {
        if (this.watches && error instanceof HubRequestError) {
            this.#feed.fail(error);
        }
        if (!this.isForFeed) {
            super.fail(error);
        }
    }

    override complete(flags: number, payload: Uint8Array): boolean | HubConnectionError {
        if (payload.length % 8 !== 0 || this.#ids.length + payload.length / 8 > MAX_IDS) {
            return violation(
                `a LIST of ${payload.length} bytes after ${this.#ids.length} ids; it has 8 for each, and at most ${MAX_IDS} ids`,
            );
        }
        readIds(payload, this.#ids);
        if (flags & MORE) {
            return false;
        }
        if (this.watches) {
            this.#feed.replace(this.#ids);
        }
        return this.succeed(this.#ids);
    }
}

export function readIds(payload: Uint8Array, ids: bigint[] = []): bigint[] {
    for (let at = 0; at < payload.length; at += 8) {
        ids.push(readId(payload, at));
    }
    return ids;
}
