using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Outbound;

namespace MessageDelivery.Hub.Users;

/// <summary>
/// One or more relays of one sender on their way to the same receivers. A loop has one and uses it again; receivers that
/// keep a part of it retain its block.
/// </summary>
internal sealed class Delivery(BlockPool pool)
{
    public ulong SenderId { get; private set; }

    /// <summary>How many relays it is.</summary>
    public int Relays { get; private set; }

    public long BodyBytes { get; private set; }

    /// <summary>Waits until receivers have acknowledged it; null if the sender does not want to know.</summary>
    public IAcknowledgementWaiter? Acknowledgement { get; private set; }

    /// <summary>The relays in the form in which programs receive them. Borrowed.</summary>
    public SegmentList Frames { get; } = new();

    /// <summary>The same as people see it, written once somebody asks for it and shared by all who do.</summary>
    public SegmentWriter Text { get; } = new(pool);

    /// <summary>The same with a line before each body that says who sent it.</summary>
    public SegmentWriter VerboseText { get; } = new(pool);

    public void Begin(ulong senderId, int relays, long bodyBytes, IAcknowledgementWaiter? acknowledgement = null)
    {
        // A failure may have left something of the one before.
        End();
        SenderId = senderId;
        Relays = relays;
        BodyBytes = bodyBytes;
        Acknowledgement = acknowledgement;
    }

    public void End()
    {
        Acknowledgement = null;
        Frames.Clear();
        Text.Clear();
        VerboseText.Clear();
    }
}
