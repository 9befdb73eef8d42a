using System.Buffers;
using MessageDelivery.Fuzz.InProcess;
using MessageDelivery.Fuzz.Inputs;
using MessageDelivery.Protocol;
using MessageDelivery.Protocol.Text;

namespace MessageDelivery.Fuzz.Targets;

/// <summary>
/// The same commands to two whole hubs, as text to one and as frames to the other: everybody else gets the same, and what the text
/// user is told is what the program is told, in words.
/// </summary>
internal static class DifferentialTarget
{
    public static void Run(ReadOnlySpan<byte> bytes)
    {
        var input = new FuzzInput(bytes);
        var commands = UserCommand.Read(input.Stream);
        var asFrames = Company.Try([Company.Hello.ToArray(), .. commands.Select((command, number) => command.AsFrame((ulong)number))]);
        byte[] text = [.. "\n"u8, .. commands.SelectMany(command => command.AsText())];
        var asText = Company.Try(Cut(input, text)).WithoutArrivals();
        byte[] expected = InWords(commands, new FrameList(asFrames.ToSubject));
        new Effect(asFrames.ToProgram, asFrames.ToPerson, expected, asFrames.SubjectEnded).MustEqual(asText, "text and frames");
    }

    private static List<ReadOnlyMemory<byte>> Cut(FuzzInput input, byte[] text)
    {
        byte[] head = [(byte)(input.Switches >> 1), 0];
        var cut = new FuzzInput([.. head, .. text]);
        return input.Has(0) ? cut.Pieces(fewestBytes: 64) : cut.Whole;
    }

    private static byte[] InWords(List<UserCommand> commands, FrameList answers)
    {
        var words = new ArrayBufferWriter<byte>();
        bool verbose = false;
        Oracle.True(answers.Next().Type == PlainFrame.Welcome, "the hub does not say WELCOME");
        for (int number = 0; number < commands.Count; number++)
        {
            if (commands[number].Verb is TextVerb.VerboseOn or TextVerb.VerboseOff)
            {
                verbose = commands[number].Verb == TextVerb.VerboseOn;
                continue;
            }

            while (!TellAnswer(answers.Next(), commands[number], (ulong)number, verbose, words))
            {
            }
        }

        Oracle.True(answers.IsEmpty, "the hub answers more than it was asked");
        return words.WrittenSpan.ToArray();
    }

    /// <summary>Says a frame in the text protocol's words. False if it was not the command's answer.</summary>
    private static bool TellAnswer(PlainFrame frame, UserCommand command, ulong number, bool verbose, ArrayBufferWriter<byte> words)
    {
        switch (frame.Type, command.Verb)
        {
            case (PlainFrame.Delivery, TextVerb.Relay):
                if (verbose)
                {
                    ServerLines.MessageFrom(words, frame.Number());
                }

                words.Write(Effect.Rendered(frame.Payload.Span[8..]));
                return false;
            case (PlainFrame.Receipt, TextVerb.Relay):
                Oracle.True(frame.Number() == number, $"the receipt {frame} is not that of relay {number}");
                var outcomes = frame.Payload.Span[8..].ToArray().Select(outcome => (Outcome)outcome).ToArray();
                ServerLines.NotDelivered(words, command.Receivers, outcomes);
                if (verbose)
                {
                    ServerLines.RelayedTo(words, command.Receivers, outcomes);
                }

                return true;
            case (PlainFrame.Echo, TextVerb.Echo):
                words.Write(Effect.Rendered(frame.Payload.Span));
                return true;
            case (PlainFrame.Identity, TextVerb.Identity):
                ServerLines.Identity(words, frame.Number());
                return true;
            case (PlainFrame.List, TextVerb.List):
                ServerLines.List(words, System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(frame.Payload.Span));
                return true;
            default:
                throw new OracleException($"the hub answers {frame} to {command.Verb}");
        }
    }
}
