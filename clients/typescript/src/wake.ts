/**
 * Calls back when the page is shown again or hidden, or when the network has come back: timers of hidden pages may not have run. Returns what ends it. Does
 * nothing where there is no page.
 */
export function onWake(wake: () => void): () => void {
    const page = globalThis as Partial<EventTarget> & { document?: EventTarget };
    const end = new AbortController();
    const { signal } = end;
    page.addEventListener?.("online", wake, { signal });
    page.document?.addEventListener("visibilitychange", wake, { signal });
    return () => end.abort();
}
