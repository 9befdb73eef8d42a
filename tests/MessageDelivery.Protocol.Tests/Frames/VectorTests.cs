using System.Buffers.Binary;
using System.Text.Json;

namespace MessageDelivery.Protocol.Tests.Frames;

/// <summary>Every golden frame is read as what it says, and written as the bytes it is.</summary>
public sealed class VectorTests
{
    public static TheoryData<string> ClientFrames => VectorFile.Names("client-frames");

    public static TheoryData<string> HubFrames => VectorFile.Names("hub-frames");

    public static TheoryData<string> InvalidClientFrames => VectorFile.Names("client-frames-invalid");

    [Theory]
    [MemberData(nameof(ClientFrames))]
    public void A_client_frame_is_read_and_written_as_its_vector(string name)
    {
        var vector = VectorFile.Find("client-frames", name);
        byte[] bytes = VectorFile.Bytes(vector.GetProperty("bytes"));
        var decoded = vector.GetProperty("decoded");

        var header = ReadAndRewrite(bytes, decoded);

        Assert.True(header.Length <= FrameHeader.MaxLengthFromClient(header.Type));
        Assert.Equal(decoded.GetProperty("type").GetString(), header.Type.ToString().ToUpperInvariant());
        switch (header.Type)
        {
            case FrameType.Hello:
                CheckHello(header, bytes, decoded);
                break;
            case FrameType.Relay:
                CheckRelay(header, bytes, decoded);
                break;
            case FrameType.Ack:
                CheckTotal(bytes, decoded);
                break;
        }
    }

    [Theory]
    [MemberData(nameof(HubFrames))]
    public void A_hub_frame_is_read_and_written_as_its_vector(string name)
    {
        var vector = VectorFile.Find("hub-frames", name);
        byte[] bytes = VectorFile.Bytes(vector.GetProperty("bytes"));
        var decoded = vector.GetProperty("decoded");

        var header = ReadAndRewrite(bytes, decoded);

        Assert.True(header.Length <= FrameHeader.MaxLengthFromHub(header.Type));
        switch (header.Type)
        {
            case FrameType.Welcome:
                CheckWelcome(bytes, decoded);
                CheckTerms(header, bytes, decoded);
                break;
            case FrameType.AckReply:
                CheckTotal(bytes, decoded);
                break;
            case FrameType.Delivery:
                CheckDelivery(bytes, decoded);
                break;
            case FrameType.Error or FrameType.GoodbyeReply:
                Assert.Equal(decoded.GetProperty("code").GetString(), ((ProtocolCode)header.Argument).Name());
                break;
            case FrameType.Receipt:
                Assert.Equal(
                    decoded.GetProperty("outcomes").EnumerateArray().Select(outcome => outcome.GetString()),
                    bytes[16..].Select(outcome => ((Outcome)outcome).Name()));
                break;
        }
    }

    /// <summary>What a header alone gives away is found by the header alone, with the vector's code.</summary>
    [Theory]
    [MemberData(nameof(InvalidClientFrames))]
    public void An_invalid_client_frame_is_told_by_its_header(string name)
    {
        var vector = VectorFile.Find("client-frames-invalid", name);
        byte[] bytes = VectorFile.Bytes(vector.GetProperty("bytes"));
        if (bytes.Length < ProtocolLimits.HeaderBytes)
        {
            return;
        }

        var header = FrameHeader.Read(bytes);
        string expected = vector.GetProperty("answer").GetProperty("code").GetString()!;
        bool closes = vector.GetProperty("closes").GetBoolean();
        if (expected == ProtocolCode.FrameTooLarge.Name() && closes)
        {
            Assert.True(header.Length > FrameHeader.MaxLengthFromClient(header.Type));
        }
        else if (header.Type == FrameType.Relay && !vector.TryGetProperty("today", out _) && !IsFirst(vector))
        {
            Assert.Equal(expected, RelayLayout.TryLayOut(header, out _).Name());
        }
    }

    private static bool IsFirst(JsonElement vector) => vector.TryGetProperty("first", out var first) && first.GetBoolean();

    private static FrameHeader ReadAndRewrite(byte[] bytes, JsonElement decoded)
    {
        var header = FrameHeader.Read(bytes);
        Assert.Equal(decoded.GetProperty("flags").GetInt32(), header.Flags);
        Assert.Equal(decoded.GetProperty("arg").GetInt32(), header.Argument);
        Assert.Equal(bytes.Length - ProtocolLimits.HeaderBytes, (int)header.Length);

        var written = new byte[ProtocolLimits.HeaderBytes];
        header.Write(written);
        Assert.Equal(bytes[..ProtocolLimits.HeaderBytes], written);
        return header;
    }

    private static void CheckHello(FrameHeader header, byte[] bytes, JsonElement decoded)
    {
        byte[] payload = bytes[ProtocolLimits.HeaderBytes..];
        Assert.True(HelloPayload.TryRead((HelloFlags)header.Flags, payload, out var hello));
        Assert.Equal(VectorFile.Bytes(decoded.GetProperty("token")), hello.Token.ToArray());
        if (decoded.TryGetProperty("session_key", out var key))
        {
            Assert.Equal(VectorFile.Hex(key.GetString()!), hello.SessionKey.ToArray());
            Assert.Equal(VectorFile.Number(decoded, "frames_received"), hello.FramesReceived);
        }
        else
        {
            Assert.True(hello.SessionKey.IsEmpty);
        }

        var written = new byte[hello.Length];
        hello.Write(written);
        Assert.Equal(payload, written);
    }

    private static void CheckRelay(FrameHeader header, byte[] bytes, JsonElement decoded)
    {
        Assert.Equal(ProtocolCode.Normal, RelayLayout.TryLayOut(header, out var layout));
        if (decoded.TryGetProperty("correlation", out _))
        {
            Assert.Equal(VectorFile.Number(decoded, "correlation"), BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(8)));
        }

        Assert.Equal(header.Argument, layout.ReceiverCount);
        if (decoded.TryGetProperty("receivers", out var receivers))
        {
            Assert.Equal(
                receivers.EnumerateArray().Select(id => ulong.Parse(id.GetString()!, System.Globalization.CultureInfo.InvariantCulture)),
                Enumerable.Range(0, layout.ReceiverCount)
                    .Select(i => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(layout.ReceiversOffset + (8 * i)))));
        }

        Assert.Equal(VectorFile.Bytes(decoded.GetProperty("body")), bytes[layout.BodyOffset..]);
        Assert.Equal(bytes.Length - layout.BodyOffset, layout.BodyBytes);
    }

    private static void CheckWelcome(byte[] bytes, JsonElement decoded)
    {
        Assert.True(WelcomePayload.TryRead(bytes.AsSpan(ProtocolLimits.HeaderBytes), out var welcome));
        Assert.Equal(VectorFile.Number(decoded, "user_id"), welcome.UserId);
        Assert.Equal(decoded.GetProperty("max_body").GetUInt32(), welcome.MaxBodyBytes);
        Assert.Equal(decoded.GetProperty("max_receivers").GetUInt16(), welcome.MaxReceivers);
        Assert.Equal(decoded.GetProperty("heartbeat_seconds").GetUInt16(), welcome.HeartbeatSeconds);
        var written = new byte[WelcomePayload.Length];
        welcome.Write(written);
        Assert.Equal(bytes[ProtocolLimits.HeaderBytes..(ProtocolLimits.HeaderBytes + WelcomePayload.Length)], written);
    }

    private static void CheckTerms(FrameHeader header, byte[] bytes, JsonElement decoded)
    {
        byte[] payload = bytes[ProtocolLimits.HeaderBytes..];
        Assert.Equal(((WelcomeFlags)header.Flags).HasFlag(WelcomeFlags.Resumable), SessionTerms.TryRead(payload, out var terms));
        if (terms.Key.IsEmpty)
        {
            Assert.False(decoded.TryGetProperty("session_key", out _));
            return;
        }

        Assert.Equal(VectorFile.Hex(decoded.GetProperty("session_key").GetString()!), terms.Key.ToArray());
        Assert.Equal(VectorFile.Number(decoded, "relays_processed"), terms.RelaysProcessed);
        Assert.Equal(decoded.GetProperty("resume_window_seconds").GetUInt32(), terms.WindowSeconds);
        Assert.Equal(decoded.GetProperty("retention_bytes").GetUInt32(), terms.RetentionBytes);
        var written = new byte[SessionTerms.Length];
        terms.Write(written);
        Assert.Equal(payload[WelcomePayload.Length..], written);
    }

    private static void CheckTotal(byte[] bytes, JsonElement decoded)
    {
        Assert.Equal(ProtocolLimits.HeaderBytes + sizeof(ulong), bytes.Length);
        Assert.Equal(VectorFile.Number(decoded, "total"), BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(ProtocolLimits.HeaderBytes)));
    }

    private static void CheckDelivery(byte[] bytes, JsonElement decoded)
    {
        var header = DeliveryHeader.Read(bytes);
        Assert.Equal(VectorFile.Number(decoded, "sender"), header.SenderId);
        Assert.Equal(VectorFile.Bytes(decoded.GetProperty("body")).Length, header.BodyBytes);
        Assert.Equal(decoded.GetProperty("flags").GetByte(), (byte)header.Flags);
        var written = new byte[ProtocolLimits.DeliveryHeaderBytes];
        header.Write(written);
        Assert.Equal(bytes[..ProtocolLimits.DeliveryHeaderBytes], written);
    }
}
