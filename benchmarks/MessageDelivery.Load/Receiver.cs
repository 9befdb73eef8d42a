namespace MessageDelivery.Load;

/// <summary>Where a receiver stands in the stream of deliveries that comes to it.</summary>
internal sealed unsafe class Receiver(int number)
{
    private ulong _bodyStart;

    public int Number { get; } = number;

    /// <summary>The only one that sends to it; null if there are several.</summary>
    public Sender? Sender { get; set; }

    /// <summary>Whole deliveries.</summary>
    public long Delivered { get; set; }

    /// <summary>Of these, how many it has acknowledged.</summary>
    public long Acknowledged { get; set; }

    /// <summary>Bytes that came of an unfinished delivery; below zero, what is still to be passed over.</summary>
    public long Position { get; set; }

    /// <summary>The first bytes of the body of the delivery that came last in several pieces.</summary>
    public ulong BodyStart => _bodyStart;

    /// <summary>Takes a piece of an unfinished delivery, and keeps what it has of the body's first eight bytes.</summary>
    public void Gather(byte* piece, long bytes, int bodyOffset)
    {
        fixed (ulong* bodyStart = &_bodyStart)
        {
            long first = Math.Max(0, bodyOffset - Position);
            long end = Math.Min(bytes, bodyOffset + sizeof(ulong) - Position);
            for (long i = first; i < end; i++)
            {
                ((byte*)bodyStart)[Position + i - bodyOffset] = piece[i];
            }
        }

        Position += bytes;
    }
}
