using System.Buffers.Binary;
using MessageDelivery.Protocol;

namespace MessageDelivery.Torture.Proxy;

/// <summary>Follows a stream of frames without keeping it, to know where a frame is under way.</summary>
internal sealed class FrameCursor
{
    private readonly byte[] _header = new byte[ProtocolLimits.HeaderBytes];
    private int _headerBytes;
    private long _rest;

    /// <summary>Whether the bytes so far end within a frame.</summary>
    public bool IsWithinFrame => _headerBytes > 0 || _rest > 0;

    public void Advance(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_rest > 0)
            {
                int skipped = (int)Math.Min(_rest, bytes.Length);
                _rest -= skipped;
                bytes = bytes[skipped..];
                continue;
            }

            int taken = Math.Min(_header.Length - _headerBytes, bytes.Length);
            bytes[..taken].CopyTo(_header.AsSpan(_headerBytes));
            bytes = bytes[taken..];
            _headerBytes += taken;
            if (_headerBytes == _header.Length)
            {
                _rest = BinaryPrimitives.ReadUInt32LittleEndian(_header.AsSpan(4));
                _headerBytes = 0;
            }
        }
    }
}
