using System.Buffers.Binary;
using System.Text;

namespace MessageDelivery.Fuzz.Targets;

/// <summary>What a client's frames mean, read by RFC 6455 and section 7 of the protocol, with all of them at hand and no thought of speed.</summary>
internal sealed class WebSocketModel
{
    public List<byte> Payload { get; } = [];

    public byte[]? LastPing { get; private set; }

    public byte[]? Close { get; private set; }

    public int Failure { get; private set; }

    public int IdleFrames { get; private set; }

    public static WebSocketModel Of(ReadOnlySpan<byte> stream)
    {
        var model = new WebSocketModel();
        bool isWithinMessage = false;
        while (model is { Failure: 0, Close: null } && model.TryFrame(ref stream, ref isWithinMessage))
        {
        }

        return model;
    }

    /// <summary>Takes a frame, or what there is of it. False if that is all.</summary>
    private bool TryFrame(ref ReadOnlySpan<byte> stream, ref bool isWithinMessage)
    {
        if (stream.Length < 2)
        {
            return false;
        }

        bool isFinal = stream[0] >> 7 == 1;
        int reserved = (stream[0] >> 4) & 7, opcode = stream[0] & 15, length = stream[1] & 127;
        bool isControl = opcode >= 8;
        if (reserved != 0 || stream[1] >> 7 == 0 || opcode is > 2 and < 8 or > 10
            || (isControl && (!isFinal || length > 125))
            || (opcode == 0 && !isWithinMessage) || (opcode is 1 or 2 && isWithinMessage))
        {
            Failure = 1002;
            return false;
        }

        if (opcode == 1)
        {
            Failure = 1003;
            return false;
        }

        int lengthBytes = length == 126 ? 2 : length == 127 ? 8 : 0;
        if (stream.Length < 2 + lengthBytes + 4)
        {
            return false;
        }

        ulong bytes = lengthBytes == 2 ? BinaryPrimitives.ReadUInt16BigEndian(stream[2..]) : lengthBytes == 8 ? BinaryPrimitives.ReadUInt64BigEndian(stream[2..]) : (ulong)length;
        if ((lengthBytes == 2 && bytes < 126) || (lengthBytes == 8 && bytes is < 65_536 or >= 1UL << 63))
        {
            Failure = 1002;
            return false;
        }

        var key = stream.Slice(2 + lengthBytes, 4);
        var rest = stream[(6 + lengthBytes)..];
        byte[] payload = rest[..(int)Math.Min(bytes, (ulong)rest.Length)].ToArray();
        for (int i = 0; i < payload.Length; i++)
        {
            payload[i] ^= key[i & 3];
        }

        bool isWhole = (ulong)payload.Length == bytes;
        stream = rest[payload.Length..];
        if (!isControl)
        {
            isWithinMessage = !isFinal;
            IdleFrames += bytes == 0 ? 1 : 0;
            Payload.AddRange(payload);
        }
        else if (isWhole)
        {
            EndControl(opcode, payload);
        }

        return isWhole;
    }

    private void EndControl(int opcode, byte[] payload)
    {
        IdleFrames++;
        if (opcode == 9)
        {
            LastPing = payload;
        }
        else if (opcode == 8 && IsClose(payload))
        {
            Close = payload;
        }
        else if (opcode == 8)
        {
            Failure = 1002;
        }
    }

    private static bool IsClose(byte[] payload)
    {
        if (payload.Length < 2)
        {
            return payload.Length == 0;
        }

        int code = (payload[0] << 8) | payload[1];
        bool isCode = code is (>= 1000 and <= 1014 and not (1004 or 1005 or 1006)) or (>= 3000 and <= 4999);
        try
        {
            new UTF8Encoding(false, throwOnInvalidBytes: true).GetCharCount(payload, 2, payload.Length - 2);
        }
        catch (DecoderFallbackException)
        {
            return false;
        }

        return isCode;
    }
}
