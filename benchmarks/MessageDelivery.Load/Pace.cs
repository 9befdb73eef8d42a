using System.Diagnostics;

namespace MessageDelivery.Load;

/// <summary>When each message of an open loop is due: at even distances, dealt out to the senders in turn.</summary>
internal sealed class Pace(double messagesPerSecond, int senders)
{
    private readonly double _ticksPerMessage = Stopwatch.Frequency / messagesPerSecond;

    /// <summary>When the first message is due, in ticks of <see cref="Stopwatch"/>.</summary>
    public long Start { get; set; }

    public double SecondsPerMessage { get; } = 1 / messagesPerSecond;

    /// <summary>When the message with this number over all senders is due.</summary>
    public long Due(long number) => Start + (long)(number * _ticksPerMessage);

    /// <summary>When a sender's message with this number of its own is due.</summary>
    public long Due(int sender, long number) => Due((number * senders) + sender);
}
