using System.Buffers;
using System.Text;
using MessageDelivery.Protocol;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Fuzz.InProcess;

/// <summary>A hub with a program and a person on it, and the subject whose bytes are tried: users 1, 2 and 3.</summary>
internal sealed class Company : IDisposable
{
    public const ulong ProgramId = 1;
    public const ulong PersonId = 2;
    public const ulong SubjectId = 3;

    private static readonly TimeSpan ASecondAndMore = TimeSpan.FromSeconds(1.1);
    private static readonly TimeSpan HandshakeAndMore = TimeSpan.FromSeconds(11);

    private readonly SteppedHub _hub = new();
    private readonly SteppedPeer _program;
    private readonly SteppedPeer _person;
    private readonly SteppedPeer _subject;

    public Company()
    {
        _program = _hub.Join(Hello);
        _person = _hub.Join("identity\n"u8);
        _subject = _hub.Connect();
    }

    public static ReadOnlySpan<byte> Hello => [1, 0, 1, 0, 4, 0, 0, 0, (byte)'M', (byte)'D', (byte)'S', (byte)'1'];

    /// <summary>Lets the subject send pieces, and tells what everybody got of it.</summary>
    public static Effect Try(IEnumerable<ReadOnlyMemory<byte>> pieces, Pace pace = Pace.Steady)
    {
        using var company = new Company();
        if (pace.HasFlag(Pace.SilentFirst))
        {
            company._hub.Wait(ASecondAndMore);
        }

        foreach (var piece in pieces)
        {
            company._hub.Send(company._subject, piece.Span);
        }

        company._hub.Settle();
        if (pace.HasFlag(Pace.SilentAfter))
        {
            // A loop that is late by more than half of a text body's pause lets it begin anew.
            company._hub.Wait(ASecondAndMore);
            company._hub.Wait(HandshakeAndMore);
        }

        if (pace.HasFlag(Pace.HalfClose))
        {
            company._subject.HalfClose();
            company._hub.Settle();
        }

        company._hub.End();
        return new([.. company._program.Received], [.. company._person.Received], [.. company._subject.Received], company._subject.HasEnded);
    }

    public void Dispose() => _hub.Dispose();
}

/// <summary>What a subject does beside sending.</summary>
[Flags]
internal enum Pace
{
    Steady = 0,
    /// <summary>Half-closes its side behind the last byte.</summary>
    HalfClose = 1,
    /// <summary>Says nothing until the hub takes it for a person who listens.</summary>
    SilentFirst = 2,
    /// <summary>Says nothing more until first bytes that are not complete have taken too long.</summary>
    SilentAfter = 4,
}

/// <summary>What a subject's bytes made the hub say, to whom.</summary>
internal sealed record Effect(byte[] ToProgram, byte[] ToPerson, byte[] ToSubject, bool SubjectEnded)
{
    // What of the hub's words depends on which bytes came together, and is meant to (docs/protocol.md, section 3).
    private const string Waits = "; all up to a line with only \".\" is thrown away";

    public void MustEqual(Effect other, string what)
    {
        Oracle.Same($"{what}, to the program", ToProgram, other.ToProgram);
        Oracle.Same($"{what}, to the person", ToPerson, other.ToPerson);
        Oracle.Same($"{what}, to the subject", ToSubject, other.ToSubject);
        Oracle.True(SubjectEnded == other.SubjectEnded, $"{what}: whether the connection ends");
    }

    /// <summary>The same, as if nothing had been said of arrivals.</summary>
    public Effect WithoutArrivals()
    {
        string text = Encoding.Latin1.GetString(ToSubject)
            .Replace(Encoding.Latin1.GetString(ServerLines.BodyPrompt), "", StringComparison.Ordinal)
            .Replace(Waits, "", StringComparison.Ordinal);
        return this with { ToSubject = Encoding.Latin1.GetBytes(text) };
    }

    /// <summary>
    /// The same for a program, without what how bytes are cut may decide: when the hub acknowledges, and where the receipts of CONFIRM
    /// come. Nor is a session key the same twice.
    /// </summary>
    public Effect WithoutWhatVaries()
    {
        var kept = new List<byte>();
        var receipts = new List<string>();
        for (var frames = new FrameList(ToSubject); !frames.IsEmpty;)
        {
            var frame = frames.Next();
            byte[] payload = frame.Payload.ToArray();
            switch (frame.Type)
            {
                case PlainFrame.Ack:
                    continue;
                case PlainFrame.Receipt:
                    receipts.Add(Convert.ToHexString(payload));
                    continue;
                case PlainFrame.Welcome when payload.Length > WelcomePayload.Length:
                    payload.AsSpan(WelcomePayload.Length, ProtocolLimits.SessionKeyBytes).Clear();
                    break;
                default:
                    break;
            }

            kept.AddRange([frame.Type, frame.Flags, (byte)frame.Argument, (byte)(frame.Argument >> 8), .. payload]);
        }

        receipts.Sort(StringComparer.Ordinal);
        return this with { ToSubject = [.. kept, .. receipts.SelectMany(Convert.FromHexString)] };
    }

    /// <summary>What a person sees of a body.</summary>
    public static byte[] Rendered(ReadOnlySpan<byte> body)
    {
        var output = new ArrayBufferWriter<byte>(TextRenderer.MaxRenderedBytes(body.Length));
        TextRenderer.RenderLine(body, output);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>What a program gets of a body.</summary>
    /// <param name="flags">The frame's flags: 4 if its sender waits for the acknowledgement.</param>
    public static byte[] Delivered(ReadOnlySpan<byte> body, byte flags = 0)
    {
        byte[] frame = new byte[ProtocolLimits.DeliveryHeaderBytes + body.Length];
        new DeliveryHeader(Company.SubjectId, body.Length).Write(frame);
        frame[1] = flags;
        body.CopyTo(frame.AsSpan(ProtocolLimits.DeliveryHeaderBytes));
        return frame;
    }
}
