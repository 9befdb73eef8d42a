using System.Runtime.InteropServices;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Resuming;

/// <summary>
/// 128 random bits with which another connection takes a session over: a secret. Compared in constant time; its hash code is
/// seeded anew in each process. Never logged: it has no text.
/// </summary>
internal readonly struct SessionKey : IEquatable<SessionKey>
{
    private readonly ulong _first;
    private readonly ulong _second;

    public SessionKey(ReadOnlySpan<byte> bytes)
    {
        _first = MemoryMarshal.Read<ulong>(bytes);
        _second = MemoryMarshal.Read<ulong>(bytes[sizeof(ulong)..]);
    }

    public static SessionKey Random()
    {
        Span<byte> bytes = stackalloc byte[ProtocolLimits.SessionKeyBytes];
        RandomBytes.Fill(bytes);
        return new(bytes);
    }

    public void Write(Span<byte> destination)
    {
        MemoryMarshal.Write(destination, _first);
        MemoryMarshal.Write(destination[sizeof(ulong)..], _second);
    }

    public bool Equals(SessionKey other) => ((_first ^ other._first) | (_second ^ other._second)) == 0;

    public override bool Equals(object? obj) => obj is SessionKey other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(_first, _second);

    public override string ToString() => "***";
}
