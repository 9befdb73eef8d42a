using System.Buffers.Binary;

namespace MessageDelivery.Protocol;

/// <summary>What follows the header of a HELLO. Borrows the bytes it was read from.</summary>
public readonly ref struct HelloPayload
{
    /// <summary>With <see cref="HelloFlags.Resume"/>: the key of the session to take over; else empty.</summary>
    public ReadOnlySpan<byte> SessionKey { get; init; }

    /// <summary>With <see cref="HelloFlags.Resume"/>: counted frames that the program behind the client has taken, in order.</summary>
    public ulong FramesReceived { get; init; }

    /// <summary>The token, UTF-8, possibly empty.</summary>
    public ReadOnlySpan<byte> Token { get; init; }

    /// <summary>Bytes of the payload.</summary>
    public int Length => 4 + (SessionKey.IsEmpty ? 0 : SessionKey.Length + 8) + Token.Length;

    /// <summary>Reads a payload. False where it is too short, begins with another magic, or its token is too long.</summary>
    public static bool TryRead(HelloFlags flags, ReadOnlySpan<byte> payload, out HelloPayload hello)
    {
        hello = default;
        int fixedBytes = 4 + (flags.HasFlag(HelloFlags.Resume) ? ProtocolLimits.SessionKeyBytes + 8 : 0);
        if (payload.Length < fixedBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(payload) != ProtocolLimits.Magic
            || payload.Length - fixedBytes > ProtocolLimits.MaxTokenBytes)
        {
            return false;
        }

        hello = flags.HasFlag(HelloFlags.Resume)
            ? new()
            {
                SessionKey = payload.Slice(4, ProtocolLimits.SessionKeyBytes),
                FramesReceived = BinaryPrimitives.ReadUInt64LittleEndian(payload[(4 + ProtocolLimits.SessionKeyBytes)..]),
                Token = payload[fixedBytes..],
            }
            : new() { Token = payload[fixedBytes..] };
        return true;
    }

    /// <summary>Writes the payload to a destination of at least <see cref="Length"/> bytes.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, ProtocolLimits.Magic);
        destination = destination[4..];
        if (!SessionKey.IsEmpty)
        {
            SessionKey.CopyTo(destination);
            BinaryPrimitives.WriteUInt64LittleEndian(destination[SessionKey.Length..], FramesReceived);
            destination = destination[(SessionKey.Length + 8)..];
        }

        Token.CopyTo(destination);
    }
}
