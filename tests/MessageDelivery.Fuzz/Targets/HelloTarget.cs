using MessageDelivery.Fuzz.InProcess;
using MessageDelivery.Fuzz.Inputs;
using MessageDelivery.Hub.Protocols.Detection;
using MessageDelivery.Hub.Protocols.Http;
using MessageDelivery.Protocol;

namespace MessageDelivery.Fuzz.Targets;

/// <summary>What a connection sends first, to a whole hub: it is told apart as section 1 of the protocol says, however it is cut.</summary>
internal static class HelloTarget
{
    private const int TermsBytes = SessionTerms.Length;

    private static readonly string[] Methods = ["GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "PATCH ", "TRACE ", "CONNECT "];

    public static void Run(ReadOnlySpan<byte> bytes)
    {
        var input = new FuzzInput(bytes);
        if (input.Stream.Length == 0)
        {
            return;
        }

        CheckTelling(input.Stream);
        if (input.Stream.Length >= ProtocolLimits.HeaderBytes)
        {
            CheckPayloads(input.Stream.AsSpan(ProtocolLimits.HeaderBytes), input.Stream[1]);
        }

        var pace = (Pace)(input.Switches & 7);
        var whole = Company.Try(input.Whole, pace);
        // Which bytes came together decides whether a pause ends a body.
        var cut = pace.HasFlag(Pace.SilentAfter) && input.Stream[0] is not (0x01 or 0x16) ? whole : Company.Try(input.Pieces(), pace);
        switch (input.Stream[0])
        {
            case 0x01:
                if (!CheckProgram(input.Stream, whole, pace.HasFlag(Pace.SilentAfter)))
                {
                    return;
                }

                (whole, cut) = (whole.WithoutWhatVaries(), cut.WithoutWhatVaries());
                break;
            case 0x16:
                Oracle.Same("the answer to TLS", [0x15, 3, 1, 0, 2, 2, 0x28], whole.ToSubject);
                Oracle.True(whole.SubjectEnded, "the connection goes on after a TLS alert");
                break;
            default:
                if (Methods.Any(method => input.Stream.AsSpan().StartsWith(System.Text.Encoding.ASCII.GetBytes(method))))
                {
                    CheckHttp(input.Stream, whole);
                }

                (whole, cut) = (whole.WithoutArrivals(), cut.WithoutArrivals());
                break;
        }

        cut.MustEqual(whole, "cut into pieces");
    }

    /// <summary>A header that has come, or never will, is answered; only a WebSocket goes on.</summary>
    private static void CheckHttp(ReadOnlySpan<byte> stream, Effect effect)
    {
        bool isUpgraded = effect.ToSubject.AsSpan().StartsWith("HTTP/1.1 101 "u8);
        if (isUpgraded || HttpHead.IsOther(stream) || HttpHead.FindEnd(stream, 0) >= 0 || stream.Length >= HttpHead.MaxBytes)
        {
            Oracle.True(isUpgraded || (effect.ToSubject.AsSpan().StartsWith("HTTP/1.1 4"u8) && effect.SubjectEnded), "the answer to HTTP");
        }
    }

    /// <summary>Once the first bytes have told something, more bytes do not change it.</summary>
    private static void CheckTelling(ReadOnlySpan<byte> stream)
    {
        var told = FirstBytesKind.Undecided;
        for (int length = 1; length <= Math.Min(stream.Length, 12); length++)
        {
            var kind = FirstBytes.Tell(stream[..length]);
            Oracle.True(told == FirstBytesKind.Undecided || kind == told, $"{told} becomes {kind} at {length} bytes");
            Oracle.True(kind != FirstBytesKind.Undecided || length < "OPTIONS ".Length, $"undecided after {length} bytes");
            told = kind;
        }
    }

    /// <summary>What is read is written alike.</summary>
    private static void CheckPayloads(ReadOnlySpan<byte> payload, byte flags)
    {
        if (HelloPayload.TryRead((HelloFlags)flags, payload, out var hello))
        {
            byte[] written = new byte[hello.Length];
            hello.Write(written);
            Oracle.Same("a HELLO", payload, written);
            Oracle.True(hello.Token.Length <= ProtocolLimits.MaxTokenBytes, "a token is too long");
        }

        byte[] room = new byte[WelcomePayload.Length + SessionTerms.Length];
        if (WelcomePayload.TryRead(payload, out var welcome))
        {
            welcome.Write(room);
            Oracle.Same("a WELCOME", payload[..WelcomePayload.Length], room.AsSpan(0, WelcomePayload.Length));
        }

        if (SessionTerms.TryRead(payload, out var terms))
        {
            terms.Write(room.AsSpan(WelcomePayload.Length));
            Oracle.Same("a session's terms", payload[..room.Length], room);
        }
    }

    /// <summary>False where the protocol leaves open what is right.</summary>
    private static bool CheckProgram(byte[] stream, Effect effect, bool waited)
    {
        var answers = new FrameList(effect.ToSubject);
        var refusal = Refusal(stream, out int helloBytes);
        refusal ??= waited ? ProtocolCode.HandshakeTimeout : null;
        if (refusal is null)
        {
            Oracle.True(answers.IsEmpty, "the hub answers part of a HELLO");
            return true;
        }

        var answer = answers.Next();
        if (refusal != ProtocolCode.Normal)
        {
            Oracle.True(
                answer is { Type: PlainFrame.Goodbye, Flags: 0 } && answer.Argument == (ushort)refusal && answers.IsEmpty && effect.SubjectEnded,
                $"the hub answers {answer} where {refusal} is due");
            BinaryModel.CheckText(answer.Payload.Span);
            return true;
        }

        Oracle.True(answer is { Type: PlainFrame.Welcome, Argument: 1 } && answer.Number() == Company.SubjectId, $"the hub answers {answer} to a HELLO");
        bool isResumable = stream[1] != 0;
        CheckTerms(answer, isResumable);
        return BinaryModel.Check(stream.AsSpan(helloBytes), effect, answers, isResumable);
    }

    private static void CheckTerms(PlainFrame welcome, bool isResumable)
    {
        Oracle.True(welcome.Flags == (isResumable ? 1 : 0), $"the flags of {welcome}: nobody has the session that was asked for");
        Oracle.True(welcome.Payload.Length == (isResumable ? TermsBytes : 0) + WelcomePayload.Length, $"the length of {welcome}");
        if (isResumable)
        {
            var span = welcome.Payload.Span;
            Oracle.True(welcome.Number(32) == 0, "relays of a new session are processed");
            Oracle.True(BitConverter.ToInt32(span[40..]) == SteppedHub.ResumeWindowSeconds, "the resume window");
            Oracle.True(BitConverter.ToInt32(span[44..]) == SteppedHub.RetentionBytes, "the retention");
        }
    }

    /// <summary>What becomes of a HELLO by the protocol's text; null while it has not wholly come.</summary>
    private static ProtocolCode? Refusal(ReadOnlySpan<byte> stream, out int helloBytes)
    {
        helloBytes = 0;
        if (stream.Length < 8)
        {
            return null;
        }

        var (flags, version, length) = (stream[1], BitConverter.ToUInt16(stream[2..]), BitConverter.ToUInt32(stream[4..]));
        int least = (flags & 2) != 0 ? 28 : 4;
        if (length > 8_220)
        {
            return ProtocolCode.FrameTooLarge;
        }

        if (version != 1 || flags > 3)
        {
            return ProtocolCode.Unsupported;
        }

        if (length < 4)
        {
            return ProtocolCode.ProtocolError;
        }

        if (stream.Length < 8 + length)
        {
            return null;
        }

        helloBytes = 8 + (int)length;
        return stream[8..].StartsWith("MDS1"u8) && length >= least && length - least <= 8_192
            ? ProtocolCode.Normal : ProtocolCode.ProtocolError;
    }
}
