/** Calls back when a signal is aborted, at once if it is, until the function that is returned is called. */
export function onAbort(signal: AbortSignal | undefined, action: () => void): () => void {
    if (signal?.aborted) {
        action();
    }
    signal?.addEventListener("abort", action);
    return () => signal?.removeEventListener("abort", action);
}

/** Rejects with the signal's reason once it is aborted, and otherwise settles as the promise does. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return signal
        ? new Promise((resolve, reject) => {
              const forget = onAbort(signal, () => reject(signal.reason));
              promise.then(resolve, reject).then(forget);
          })
        : promise;
}

/** A promise and what settles it. */
export interface Deferred<T> {
    readonly promise: Promise<T>;
    readonly resolve: (value: T) => void;
    readonly reject: (error: unknown) => void;
}

export function defer<T>(): Deferred<T> {
    let resolve!: (value: T) => void;
    let reject!: (error: unknown) => void;
    const promise = new Promise<T>((...settle) => ([resolve, reject] = settle));
    return { promise, resolve, reject };
}
