using System.Runtime.InteropServices;
using System.Text;
using MessageDelivery.Fuzz.InProcess;
using MessageDelivery.Protocol;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Fuzz.Targets;

/// <summary>Something a user can want in both protocols, as either of them says it.</summary>
internal sealed record UserCommand(TextVerb Verb, ulong[] Receivers, byte[] Body, bool OnOneLine)
{
    private const int MaxCommands = 64;
    private const int MaxRepeats = 4_096;

    private static readonly ulong[] Ids =
        [Company.ProgramId, Company.PersonId, Company.SubjectId, 4, 0, ulong.MaxValue, Company.ProgramId, Company.PersonId];

    /// <summary>
    /// Any bytes are some commands: a byte that says which; for a relay one with the number of receivers and one for each of them;
    /// for a relay or an echo a length and as many bytes, which a long relay repeats.
    /// </summary>
    public static List<UserCommand> Read(ReadOnlySpan<byte> bytes)
    {
        var commands = new List<UserCommand>();
        while (!bytes.IsEmpty && commands.Count < MaxCommands)
        {
            byte kind = Take(ref bytes);
            commands.Add((kind & 7) switch
            {
                0 => new(TextVerb.Identity, [], [], true),
                1 => new(TextVerb.List, [], [], true),
                2 => new(TextVerb.Echo, [], WithoutLineEnds(TakeBytes(ref bytes)), true),
                3 => new((kind & 8) == 0 ? TextVerb.VerboseOn : TextVerb.VerboseOff, [], [], true),
                4 or 5 => Relay(ref bytes, repeats: 1, onOneLine: (kind & 1) != 0),
                _ => Relay(ref bytes, repeats: 1 + (kind * MaxRepeats / 256), onOneLine: false),
            });
        }

        return commands;
    }

    public ReadOnlyMemory<byte> AsFrame(ulong number)
    {
        byte[] Frame(FrameType type, RelayFlags flags, ReadOnlySpan<byte> payload)
        {
            byte[] frame = new byte[ProtocolLimits.HeaderBytes + payload.Length];
            new FrameHeader(type, (byte)flags, (ushort)Receivers.Length, (uint)payload.Length).Write(frame);
            payload.CopyTo(frame.AsSpan(ProtocolLimits.HeaderBytes));
            return frame;
        }

        return Verb switch
        {
            TextVerb.Identity => Frame(FrameType.Identity, RelayFlags.None, []),
            TextVerb.List => Frame(FrameType.List, RelayFlags.None, []),
            TextVerb.Echo => Frame(FrameType.Echo, RelayFlags.None, Body),
            TextVerb.Relay => Frame(
                FrameType.Relay, RelayFlags.Receipt, [.. BitConverter.GetBytes(number), .. MemoryMarshal.AsBytes<ulong>(Receivers), .. Body]),
            _ => ReadOnlyMemory<byte>.Empty,
        };
    }

    public byte[] AsText()
    {
        string body = Encoding.Latin1.GetString(Body);
        string ids = string.Join(',', Receivers);
        string text = Verb switch
        {
            TextVerb.Identity => "identity\n",
            TextVerb.List => "LIST\r\n",
            TextVerb.Echo => $"echo {body}\n",
            TextVerb.VerboseOn => "verbose\n",
            TextVerb.VerboseOff => "verbose off\n",
            _ when OnOneLine && IsLine(body) => $"relay {ids} {body}\n",
            _ => $"relay\n{ids}\n{Stuffed(body)}",
        };
        return Encoding.Latin1.GetBytes(text);
    }

    private static bool IsLine(string body) => body.Length is > 0 and < 4_096 && !body.Contains('\n', StringComparison.Ordinal) && body[^1] != '\r';

    // With LF alone, a CR at the body's end would be read as part of the line end.
    private static string Stuffed(string body) =>
        (body.StartsWith('.') ? "." : "") + body.Replace("\n.", "\n..", StringComparison.Ordinal)
        + (body.Length == 0 ? ".\n" : body[^1] == '\r' ? "\r\n.\r\n" : "\n.\n");

    private static UserCommand Relay(ref ReadOnlySpan<byte> bytes, int repeats, bool onOneLine)
    {
        ulong[] receivers = new ulong[1 + (Take(ref bytes) % 8)];
        for (int i = 0; i < receivers.Length; i++)
        {
            receivers[i] = Ids[Take(ref bytes) % Ids.Length];
        }

        byte[] part = TakeBytes(ref bytes);
        return new(TextVerb.Relay, receivers, [.. Enumerable.Repeat(part, Math.Min(repeats, 60_000 / Math.Max(1, part.Length))).SelectMany(bytes => bytes)], onOneLine);
    }

    private static byte Take(ref ReadOnlySpan<byte> bytes)
    {
        byte first = bytes.IsEmpty ? (byte)0 : bytes[0];
        bytes = bytes.IsEmpty ? bytes : bytes[1..];
        return first;
    }

    private static byte[] TakeBytes(ref ReadOnlySpan<byte> bytes)
    {
        int length = Math.Min(Take(ref bytes), bytes.Length);
        byte[] taken = bytes[..length].ToArray();
        bytes = bytes[length..];
        return taken;
    }

    private static byte[] WithoutLineEnds(byte[] text) => [.. text.Select(b => b is (byte)'\n' or (byte)'\r' ? (byte)' ' : b)];
}
