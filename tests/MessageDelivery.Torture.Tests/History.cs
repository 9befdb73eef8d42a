using MessageDelivery.Protocol;
using MessageDelivery.Torture.Checking;
using MessageDelivery.Torture.Load;

namespace MessageDelivery.Torture.Tests;

/// <summary>A made-up history of three users, told to a checker step by step.</summary>
internal sealed class History
{
    public const ulong Sender = 1UL << SessionRecord.ClientShift;
    public const ulong Receiver = 2UL << SessionRecord.ClientShift;
    public const ulong Neighbour = 3UL << SessionRecord.ClientShift;
    public const ulong SenderId = 11;
    public const ulong ReceiverId = 12;
    public const ulong NeighbourId = 13;
    private const int BodyBytes = 100;

    private readonly Dictionary<ulong, long> _counts = [];
    private long _sent;

    public History(ClientKind receiverKind = ClientKind.Raw)
    {
        Checker.Joined(Sender, SenderId, ClientKind.Raw);
        Checker.Joined(Receiver, ReceiverId, receiverKind);
        Checker.Joined(Neighbour, NeighbourId, ClientKind.Raw);
    }

    public Checker Checker { get; } = new(new UserDirectory(), grace: TimeSpan.FromMinutes(1));

    /// <summary>What was found, once everything that was to come has had its time.</summary>
    public ViolationKind[] Conclude()
    {
        Checker.Conclude();
        return [.. Checker.ViolationCounts.Keys];
    }

    /// <summary>The sender relays; the number.</summary>
    public long Send(RelayFlags flags = RelayFlags.None, int bodyBytes = BodyBytes, params ulong[] receivers)
    {
        Checker.Sending(Sender, ++_sent, receivers.Length == 0 ? [ReceiverId] : receivers, flags, bodyBytes);
        return _sent;
    }

    public void Receive(long number, ulong at = Receiver, ulong senderId = SenderId, BodyState state = BodyState.Intact) =>
        Checker.Received(at, Count(at), senderId, new(state, Sender, number, BodyBytes));

    public void ReceiveTiny(ulong at = Receiver) =>
        Checker.Received(at, Count(at), SenderId, new(BodyState.Tiny, 0, 0, 5));

    public void Answer(long number, params Outcome[] outcomes) =>
        Checker.Answered(Sender, number, Array.ConvertAll(outcomes, outcome => (byte)outcome));

    private long Count(ulong at) => _counts[at] = _counts.GetValueOrDefault(at) + 1;
}
