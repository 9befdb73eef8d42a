/** A code of the protocol by name; `code_N` is one that this version does not know. */
export type Code =
    | "normal"
    | "shutting_down"
    | "protocol_error"
    | "frame_too_large"
    | "unsupported"
    | "invalid_receivers"
    | "auth_required"
    | "auth_failed"
    | "handshake_timeout"
    | "heartbeat_timeout"
    | "slow_consumer"
    | "taken_over"
    | "too_many_connections"
    | "rate_limited"
    | "removed"
    | "overloaded"
    | "not_allowed"
    | "invalid_name"
    | "name_taken"
    | `code_${number}`;

export const NORMAL = 0;
export const SHUTTING_DOWN = 1;
export const PROTOCOL_ERROR = 2;
export const HEARTBEAT_TIMEOUT = 9;
export const SLOW_CONSUMER = 10;

/** By number. */
const names = (
    "normal shutting_down protocol_error frame_too_large unsupported invalid_receivers auth_required auth_failed handshake_timeout " +
    "heartbeat_timeout slow_consumer taken_over too_many_connections rate_limited removed overloaded not_allowed invalid_name name_taken"
).split(" ");

export const codeName = (code: number): Code => (names[code] ?? `code_${code}`) as Code;

/** Whether to connect again after a connection has ended: not, at once, after a pause, or with another token. */
export type Advice = "" | "y" | "p" | "t";

/** What the protocol advises after an end; a connection that was merely lost has no code. */
export const adviceFor = ({ number, isFinal }: { number: number | undefined; isFinal?: boolean }): Advice =>
    (isFinal ? "" : number === undefined ? "y" : ("-p----ttyyy-pp-p"[number] ?? "").replace("-", "")) as Advice;
