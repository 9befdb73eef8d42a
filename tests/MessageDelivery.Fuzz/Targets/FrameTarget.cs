using MessageDelivery.Fuzz.InProcess;
using MessageDelivery.Fuzz.Inputs;
using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Protocol;

namespace MessageDelivery.Fuzz.Targets;

/// <summary>What a program sends behind its HELLO, to a whole hub: the answers are the protocol's, however the bytes are cut.</summary>
internal static class FrameTarget
{
    private const int MaxFrameBytes = ProtocolLimits.HeaderBytes + ProtocolLimits.MaxRelayLength;

    public static void Run(ReadOnlySpan<byte> bytes)
    {
        var input = new FuzzInput(bytes);
        ReadOnlyMemory<byte> hello = Company.Hello.ToArray();
        CheckHeaders(input.Stream);
        var whole = Company.Try([hello, .. input.Whole]);
        var answers = new FrameList(whole.ToSubject);
        Oracle.True(answers.Next().Type == PlainFrame.Welcome, "the hub does not say WELCOME");
        if (BinaryModel.Check(input.Stream, whole, answers))
        {
            Company.Try([hello, .. input.Pieces()]).WithoutWhatVaries().MustEqual(whole.WithoutWhatVaries(), "cut into pieces");
        }
    }

    /// <summary>Every eight bytes are a header: it is read and written alike, and refused with a reason or laid out within itself.</summary>
    private static void CheckHeaders(ReadOnlySpan<byte> bytes)
    {
        Span<byte> written = stackalloc byte[ProtocolLimits.HeaderBytes];
        for (int at = 0; at + ProtocolLimits.HeaderBytes <= Math.Min(bytes.Length, 256); at++)
        {
            var header = FrameHeader.Read(bytes[at..]);
            header.Write(written);
            Oracle.Same("a header", bytes.Slice(at, ProtocolLimits.HeaderBytes), written);

            int missing = FrameCheck.MaxMissingBytes(bytes[at..]);
            Oracle.True(missing is > 0 and <= MaxFrameBytes, $"{missing} bytes may be missing");
            bool isResumable = (at & 1) != 0;
            var code = FrameCheck.Refusal(header, isResumable, out var layout, out string text);
            Oracle.True((code == ProtocolCode.Normal) == (text.Length == 0), $"{header} is refused as {code} with the text \"{text}\"");
            BinaryModel.CheckText(System.Text.Encoding.UTF8.GetBytes(text));
            if (code == ProtocolCode.Normal && header.Type == FrameType.Relay)
            {
                Oracle.True(
                    layout.BodyBytes is >= 0 and <= ProtocolLimits.MaxBodyBytes && layout.ReceiverCount == header.Argument
                    && layout.ReceiversOffset + (8 * layout.ReceiverCount) == layout.BodyOffset
                    && layout.BodyOffset >= ProtocolLimits.DeliveryHeaderBytes
                    && layout.BodyOffset + layout.BodyBytes == ProtocolLimits.HeaderBytes + header.Length,
                    $"{header} is laid out as {layout}");
            }
        }
    }
}
