/**
 * Calls back when the page is shown again or the network has come back: timers of hidden pages may not have run. `isOnline` where there is a
 * reason to connect at once. Returns what ends it. Does nothing where there is no page.
 */
export function onWake(wake: (isOnline: boolean) => void): () => void {
    const page = globalThis as Partial<EventTarget> & { document?: EventTarget & { visibilityState: string } };
    const online = () => wake(true);
    const visible = () => wake(page.document?.visibilityState === "visible");
    page.addEventListener?.("online", online);
    page.document?.addEventListener("visibilitychange", visible);
    return () => {
        page.removeEventListener?.("online", online);
        page.document?.removeEventListener("visibilitychange", visible);
    };
}
