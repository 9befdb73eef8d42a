using System.Buffers.Binary;

namespace MessageDelivery.Protocol;

/// <summary>
/// What a WELCOME with <see cref="WelcomeFlags.Resumable"/> carries behind its <see cref="WelcomePayload"/>: how the session
/// is resumed if its connection is lost. Borrows the bytes it was read from.
/// </summary>
public readonly ref struct SessionTerms
{
    /// <summary>Bytes of the terms: key, total, window and retention.</summary>
    public const int Length = ProtocolLimits.SessionKeyBytes + 16;

    /// <summary>The key with which another connection resumes the session: 16 bytes, a secret.</summary>
    public ReadOnlySpan<byte> Key { get; init; }

    /// <summary>Relays of this session that the hub has processed.</summary>
    public ulong RelaysProcessed { get; init; }

    /// <summary>Seconds after a lost connection in which the session can be resumed.</summary>
    public uint WindowSeconds { get; init; }

    /// <summary>Bytes the hub keeps for a user who is away, beside what was unacknowledged when the connection was lost.</summary>
    public uint RetentionBytes { get; init; }

    /// <summary>Reads the terms from a WELCOME's whole payload; more may follow. False where it is too short.</summary>
    public static bool TryRead(ReadOnlySpan<byte> payload, out SessionTerms terms)
    {
        terms = default;
        if (payload.Length < WelcomePayload.Length + Length)
        {
            return false;
        }

        var rest = payload[WelcomePayload.Length..];
        terms = new()
        {
            Key = rest[..ProtocolLimits.SessionKeyBytes],
            RelaysProcessed = BinaryPrimitives.ReadUInt64LittleEndian(rest[ProtocolLimits.SessionKeyBytes..]),
            WindowSeconds = BinaryPrimitives.ReadUInt32LittleEndian(rest[(ProtocolLimits.SessionKeyBytes + 8)..]),
            RetentionBytes = BinaryPrimitives.ReadUInt32LittleEndian(rest[(ProtocolLimits.SessionKeyBytes + 12)..]),
        };
        return true;
    }

    /// <summary>Writes the terms to a destination of at least <see cref="Length"/> bytes, which follows the <see cref="WelcomePayload"/>.</summary>
    public void Write(Span<byte> destination)
    {
        Key.CopyTo(destination);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[ProtocolLimits.SessionKeyBytes..], RelaysProcessed);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[(ProtocolLimits.SessionKeyBytes + 8)..], WindowSeconds);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[(ProtocolLimits.SessionKeyBytes + 12)..], RetentionBytes);
    }
}
