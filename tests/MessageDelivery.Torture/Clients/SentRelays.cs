
namespace MessageDelivery.Torture.Clients;

/// <summary>A session's relays, kept as they were sent until the hub has carried them out.</summary>
internal sealed class SentRelays
{
    private readonly Queue<(long Number, byte[] Frame)> _kept = new();

    public long Sent { get; private set; }

    public long Processed { get; private set; }

    public long KeptBytes { get; private set; }

    public int Kept => _kept.Count;

    public long NextNumber => Sent + 1;

    public void Add(byte[] frame, bool isKept)
    {
        Sent++;
        if (isKept)
        {
            _kept.Enqueue((Sent, frame));
            KeptBytes += frame.Length;
        }
    }

    /// <summary>Lets go of what the hub has carried out.</summary>
    public void Release(long total)
    {
        Processed = Math.Max(Processed, total);
        while (_kept.TryPeek(out var first) && first.Number <= total)
        {
            KeptBytes -= _kept.Dequeue().Frame.Length;
        }
    }

    /// <summary>What has to be sent again, in order.</summary>
    public IEnumerable<byte[]> Frames => _kept.Select(item => item.Frame);
}
