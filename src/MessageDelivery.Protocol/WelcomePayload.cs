using System.Buffers.Binary;

namespace MessageDelivery.Protocol;

/// <summary>What a WELCOME without flags carries: the id and the limits that hold on this connection.</summary>
/// <param name="UserId">The user's id, never 0.</param>
/// <param name="MaxBodyBytes">The most bytes a relay's body may have.</param>
/// <param name="MaxReceivers">The most receivers a relay may list.</param>
/// <param name="HeartbeatSeconds">Seconds of silence after which the client sends a HEARTBEAT; 0 is never.</param>
public readonly record struct WelcomePayload(ulong UserId, uint MaxBodyBytes, ushort MaxReceivers, ushort HeartbeatSeconds)
{
    /// <summary>Bytes of the payload without a resumable session's fields.</summary>
    public const int Length = 16;

    /// <summary>Reads a payload; fields of flags that this version does not use may follow. False where it is too short.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out WelcomePayload welcome)
    {
        if (payload.Length < Length)
        {
            welcome = default;
            return false;
        }

        welcome = new(
            BinaryPrimitives.ReadUInt64LittleEndian(payload),
            BinaryPrimitives.ReadUInt32LittleEndian(payload[8..]),
            BinaryPrimitives.ReadUInt16LittleEndian(payload[12..]),
            BinaryPrimitives.ReadUInt16LittleEndian(payload[14..]));
        return true;
    }

    /// <summary>Writes the payload to a destination of at least <see cref="Length"/> bytes.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, UserId);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], MaxBodyBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[12..], MaxReceivers);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[14..], HeartbeatSeconds);
    }
}
