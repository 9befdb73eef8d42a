using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>A layer over another: what it does not say itself, the lower one says.</summary>
internal abstract class UpperLayer(ByteLayer lower) : ByteLayer
{
    /// <inheritdoc/>
    public override int Descriptor => lower.Descriptor;

    /// <inheritdoc/>
    public override bool IsEncrypted => lower.IsEncrypted;

    /// <inheritdoc/>
    public override PeerCertificate PeerCertificate => lower.PeerCertificate;

    /// <inheritdoc/>
    public override int HeldBytes => lower.HeldBytes;

    /// <inheritdoc/>
    public override int UnacknowledgedBytes => lower.UnacknowledgedBytes;

    protected ByteLayer Lower => lower;

    /// <inheritdoc/>
    public override void Attach(Action readable, Action writable) => lower.Attach(readable, writable);

    /// <inheritdoc/>
    public override long Drop(int bytes) => lower.Drop(bytes);

    /// <inheritdoc/>
    public override bool OnWritable(LoopCounters counters) => lower.OnWritable(counters);

    /// <inheritdoc/>
    public override bool OnPosted(LoopCounters counters) => lower.OnPosted(counters);

    /// <inheritdoc/>
    public override bool TryFinish(LoopCounters counters) => lower.TryFinish(counters);

    /// <inheritdoc/>
    public override bool HasVanished(long afterMilliseconds) => lower.HasVanished(afterMilliseconds);

    /// <inheritdoc/>
    public override void ResetOnClose() => lower.ResetOnClose();

    /// <inheritdoc/>
    public override void ReleaseInput() => lower.ReleaseInput();

    /// <inheritdoc/>
    public override void Close() => lower.Close();
}
