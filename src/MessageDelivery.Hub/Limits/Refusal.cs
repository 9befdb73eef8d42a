using MessageDelivery.Hub.Transport;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Limits;

/// <summary>Why a connection that was accepted cannot be had, and what it is told once it is known what it speaks.</summary>
/// <param name="Code">The code of the GOODBYE or error.</param>
/// <param name="Reason">Why it ended, for the metrics.</param>
/// <param name="Text">What is wrong, with the value and the limit.</param>
internal sealed record Refusal(ProtocolCode Code, CloseReason Reason, string Text)
{
    /// <summary>There is no memory for messages.</summary>
    public static readonly Refusal Overloaded =
        new(ProtocolCode.Overloaded, CloseReason.Overloaded, "the hub is out of message memory; try again later");

    /// <summary>The hub has as many connections as it may.</summary>
    public static Refusal OfAll(int most) =>
        new(ProtocolCode.TooManyConnections, CloseReason.TooManyConnections, $"the hub has its {most} connections; try again later");

    /// <summary>The address has as many connections as it may.</summary>
    public static Refusal OfAddress(NetworkAddress address, int most) => new(
        ProtocolCode.TooManyConnections,
        CloseReason.TooManyConnections,
        $"{address} has {most} connections, which is the limit for one address (max-connections-per-address); try again later");

    /// <summary>The identity has as many connections as it may.</summary>
    public static Refusal OfIdentity(int most) => new(
        ProtocolCode.TooManyConnections,
        CloseReason.TooManyConnections,
        $"this identity has {most} connections, which is the limit (max-connections-per-user); try again later");

    /// <summary>The address connects too often.</summary>
    public static Refusal OfRate(NetworkAddress address, int perSecond) => new(
        ProtocolCode.RateLimited,
        CloseReason.RateLimited,
        $"{address} connects more than {perSecond} times a second, which is the limit (connection-rate); try again later");
}
