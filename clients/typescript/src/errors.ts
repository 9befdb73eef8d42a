import { adviceFor, type Advice, type Code } from "./codes.ts";

/** What every error of the hub, or about it, has. */
export class HubError extends Error {
    /** The protocol's code by name; undefined where only the socket failed. */
    readonly code: Code | undefined;

    /** The hub's words, possibly empty, or what happened. */
    readonly text: string;

    constructor(code: Code | undefined, text: string, cause?: unknown) {
        super(code && text ? `${code}: ${text}` : (code ?? text), cause === undefined ? undefined : { cause });
        this.name = new.target.name;
        this.code = code;
        this.text = text;
    }
}

/**
 * The connection could not be made, or has ended for good. Every call that was pending ends with the same one; whether the hub has
 * carried it out is not known.
 */
export class HubConnectionError extends HubError {
    /** Whether connecting again makes sense, and when. */
    readonly advice: Advice;

    constructor(code: Code | undefined, text: string, cause?: unknown, advice: Advice = adviceFor(code)) {
        super(code, text, cause);
        this.advice = advice;
    }
}

/**
 * The session could not be resumed: the hub was restarted, the time for it has passed, or too much had come meanwhile. The client goes on
 * as a new user, and does not send as that one what was meant to be sent as another.
 */
export class HubSessionLostError extends HubConnectionError {
    /** True: whether the hub has carried out the call is not known. False: it was never sent. */
    readonly mayBeCarriedOut: boolean;

    constructor(lost: HubConnectionError | undefined, mayBeCarriedOut: boolean) {
        super(
            lost?.code,
            `the session was lost, and ${mayBeCarriedOut ? "whether the hub has carried this out is not known" : "this was not sent"}` +
                (lost?.text ? ` (${lost.text})` : ""),
            lost,
        );
        this.mayBeCarriedOut = mayBeCarriedOut;
    }
}

/** The hub answered a call with an error. The connection goes on. */
export class HubRequestError extends HubError {}

export const closedHere = () => new HubConnectionError("normal", "the client was closed");

/** The hub does not keep to the protocol. */
export const violation = (what: string) => new HubConnectionError("protocol_error", `the hub sent ${what}`);
