using System.Buffers;
using System.Buffers.Binary;
using MessageDelivery.Protocol;

namespace MessageDelivery.Torture.Proxy;

/// <summary>What the proxy does wrong in the hub's name, to see whether the checker notices.</summary>
internal enum SabotageKind
{
    /// <summary>A delivery does not arrive.</summary>
    Drop,
    /// <summary>A delivery arrives twice.</summary>
    Repeat,
    /// <summary>Two deliveries in a row of one sender arrive the other way round.</summary>
    Swap,
    /// <summary>A relay goes to somebody else.</summary>
    Misdeliver,
    /// <summary>A byte of a delivery's body is another one.</summary>
    Change,
    /// <summary>A receipt does not arrive.</summary>
    ForgetReceipt,
}

/// <summary>
/// Breaks the promises of the hub on purpose, in the proxy: whole frames are taken, and one in so many is dropped, repeated,
/// swapped or changed. One object serves all connections of a client.
/// </summary>
/// <param name="oneIn">How many frames of the kind pass for one that does not.</param>
/// <param name="neighbour">Somebody else's id, for <see cref="SabotageKind.Misdeliver"/>.</param>
internal sealed class Sabotage(SabotageKind kind, int oneIn, Func<ulong> neighbour)
{
    private long _eligible;
    private long _done;

    /// <summary>How often it was done.</summary>
    public long Done => Volatile.Read(ref _done);

    /// <summary>For one connection's direction to the hub; null if nothing is done to it.</summary>
    public Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>? ToHub() =>
        kind == SabotageKind.Misdeliver ? new Stream(this).Take : null;

    /// <summary>For one connection's direction to the client; null if nothing is done to it.</summary>
    public Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>? ToClient() =>
        kind != SabotageKind.Misdeliver ? new Stream(this).Take : null;

    private bool IsTurn()
    {
        bool isTurn = Interlocked.Increment(ref _eligible) % oneIn == 0;
        if (isTurn)
        {
            Interlocked.Increment(ref _done);
        }

        return isTurn;
    }

    /// <summary>One direction's bytes, put together to frames. What is returned is valid until the next call.</summary>
    private sealed class Stream(Sabotage sabotage)
    {
        private readonly ArrayBufferWriter<byte> _out = new();
        private byte[] _pending = [];
        private byte[]? _swapped;

        public ReadOnlyMemory<byte> Take(ReadOnlyMemory<byte> bytes)
        {
            _out.ResetWrittenCount();
            Memory<byte> rest = (byte[])[.. _pending, .. bytes.Span];
            while (rest.Length >= ProtocolLimits.HeaderBytes)
            {
                var header = FrameHeader.Read(rest.Span);
                long length = ProtocolLimits.HeaderBytes + (long)header.Length;
                if (length > rest.Length)
                {
                    break;
                }

                Pass(header, rest.Span[..(int)length]);
                rest = rest[(int)length..];
            }

            _pending = rest.ToArray();
            return _out.WrittenMemory;
        }

        private void Pass(FrameHeader header, Span<byte> frame)
        {
            var kind = sabotage.KindOf;
            if (_swapped is not null)
            {
                bool isSameSender = header.Type == FrameType.Delivery && frame.Slice(8, 8).SequenceEqual(_swapped.AsSpan(8, 8));
                byte[] held = _swapped;
                _swapped = null;
                if (isSameSender)
                {
                    Interlocked.Increment(ref sabotage._done);
                    _out.Write(frame);
                    _out.Write(held);
                    return;
                }

                _out.Write(held);
            }

            // Tiny bodies are only counted; one that is changed or moved may look like any other.
            bool isStamped = header.Type == FrameType.Delivery && header.Length >= 8 + 64;
            bool isEligible = kind switch
            {
                SabotageKind.ForgetReceipt => header.Type == FrameType.Receipt,
                SabotageKind.Misdeliver => header.Type == FrameType.Relay && header is { Flags: 0, Argument: 1, Length: >= 8 + 64 },
                _ => isStamped,
            };
            if (!isEligible)
            {
                _out.Write(frame);
            }
            else if (kind == SabotageKind.Swap)
            {
                _swapped = frame.ToArray();
            }
            else if (!sabotage.IsTurn())
            {
                _out.Write(frame);
            }
            else
            {
                Spoil(kind, frame);
            }
        }

        private void Spoil(SabotageKind kind, Span<byte> frame)
        {
            switch (kind)
            {
                case SabotageKind.Repeat:
                    _out.Write(frame);
                    _out.Write(frame);
                    break;
                case SabotageKind.Change:
                    frame[^1] ^= 0x40;
                    _out.Write(frame);
                    break;
                case SabotageKind.Misdeliver:
                    BinaryPrimitives.WriteUInt64LittleEndian(frame[8..], sabotage.Neighbour());
                    _out.Write(frame);
                    break;
                default:
                    break; // It is left out.
            }
        }
    }

    private SabotageKind KindOf => kind;

    private ulong Neighbour() => neighbour();
}
