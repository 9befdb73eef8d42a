namespace MessageDelivery.Client;

/// <summary>
/// Requests without an answer, in the order in which they were sent, and relays without their receipt, by correlation. Not thread-safe.
/// </summary>
internal sealed class PendingRequests
{
    private readonly Queue<PendingRequest> _requests = new();
    private readonly Dictionary<ulong, ReceiptRequest> _receipts = [];

    public int Count => _requests.Count + _receipts.Count;

    /// <summary>Whether a caller waits for one of them.</summary>
    public bool HasCallers => _receipts.Count > 0 || _requests.Any(request => request is not HeartbeatRequest);

    /// <summary>The request that the next answer belongs to.</summary>
    public PendingRequest? Oldest => _requests.TryPeek(out PendingRequest? request) ? request : null;

    public IEnumerable<ListRequest> Lists => _requests.OfType<ListRequest>();

    public ReceiptRequest? FindReceipt(ulong relay) => _receipts.GetValueOrDefault(relay);

    /// <summary>Relays up to this one whose receipt has not come.</summary>
    public long CountReceiptsUpTo(ulong relay) => _receipts.Keys.LongCount(pending => pending <= relay);

    public void Add(PendingRequest request) => _requests.Enqueue(request);

    public void AddReceipt(ReceiptRequest receipt) => _receipts.Add(receipt.Relay, receipt);

    /// <summary>Removes the oldest; false if it is another one.</summary>
    public bool TryRemove(PendingRequest oldest)
    {
        bool isOldest = Oldest == oldest;
        if (isOldest)
        {
            _requests.Dequeue();
        }

        return isOldest;
    }

    public bool TryRemoveReceipt(ulong relay) => _receipts.Remove(relay);

    /// <summary>All of them are replayed.</summary>
    public void Restart()
    {
        foreach (PendingRequest request in _requests)
        {
            request.Restart();
        }
    }

    public void Fail(Exception error)
    {
        foreach (PendingRequest request in (IEnumerable<PendingRequest>)[.. _requests, .. _receipts.Values])
        {
            request.Fail(error);
        }

        _requests.Clear();
        _receipts.Clear();
    }
}
