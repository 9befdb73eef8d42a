using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>A layer over another: what it does not say itself, the lower one says.</summary>
internal abstract class UpperLayer(ByteLayer lower) : ByteLayer
{
    private bool _isBroken;

    public override int Descriptor => lower.Descriptor;

    public override bool IsEncrypted => lower.IsEncrypted;

    public override PeerCertificate PeerCertificate => lower.PeerCertificate;

    public override int HeldBytes => lower.HeldBytes;

    public override int UnacknowledgedBytes => lower.UnacknowledgedBytes;

    protected ByteLayer Lower => lower;

    /// <inheritdoc/>
    public override bool IsBroken => _isBroken || lower.IsBroken;

    /// <summary>How a send of several parts ends that broke at a later one: the peer may have got those before, and says so when it resumes.</summary>
    protected long BrokenAfter(long taken)
    {
        _isBroken = true;
        return taken > 0 ? taken : Broken;
    }

    public override void Attach(Action readable, Action writable) => lower.Attach(readable, writable);

    public override long Drop(int bytes) => lower.Drop(bytes);

    public override bool OnWritable(LoopCounters counters) => lower.OnWritable(counters);

    public override bool OnPosted(LoopCounters counters) => lower.OnPosted(counters);

    public override bool TryFinish(LoopCounters counters) => lower.TryFinish(counters);

    public override bool HasVanished(long afterMilliseconds) => lower.HasVanished(afterMilliseconds);

    public override void ResetOnClose() => lower.ResetOnClose();

    public override void ReleaseInput() => lower.ReleaseInput();

    public override void Close() => lower.Close();
}
