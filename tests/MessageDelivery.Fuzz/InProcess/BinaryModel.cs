using System.Buffers.Binary;
using MessageDelivery.Protocol;

namespace MessageDelivery.Fuzz.InProcess;

/// <summary>
/// What a hub does with the frames of a session, told once more from the protocol's text (sections 4 to 6), frame by frame
/// beside what it really said. Nothing of the product's own parsers is used.
/// </summary>
internal sealed class BinaryModel(FrameList answers, bool isResumable)
{
    private const uint MaxBodyBytes = 1 << 20;
    private const byte Confirm = 4;

    private readonly List<byte> _toProgram = [];
    private readonly List<byte> _toPerson = [];
    // Receipts of CONFIRM relays come when they are known, in no order.
    private readonly Dictionary<ulong, List<byte[]>> _confirmations = [];
    // A relay of its own that the subject is to acknowledge has its receipt then.
    private readonly HashSet<ulong> _unacknowledged = [];
    private ulong _relays;
    private ulong _told;
    private bool _ended;
    private bool _isOpen;

    /// <summary>Holds the effect of a session's bytes, which follow an accepted HELLO, against the protocol.</summary>
    /// <param name="bytes">What the subject sent behind its HELLO.</param>
    /// <param name="effect">What it did.</param>
    /// <param name="answers">What the hub said to the subject behind its WELCOME.</param>
    /// <param name="isResumable">Whether the WELCOME said so.</param>
    /// <returns>
    /// False where it depends on how the bytes are cut what is right: an ACK tells what the client has got, and this one has not looked.
    /// </returns>
    public static bool Check(ReadOnlySpan<byte> bytes, Effect effect, FrameList answers, bool isResumable = false)
    {
        var model = new BinaryModel(answers, isResumable);
        while (!model._ended && !model._isOpen && model.TryFrame(ref bytes))
        {
        }

        if (model._isOpen)
        {
            return false;
        }

        model.SkipWhatComesByItself();
        Oracle.True(answers.IsEmpty, $"the hub says more than it was asked: {(answers.IsEmpty ? "" : answers.Next())}");
        bool isConfirmed = model._confirmations.Values.All(receipts => receipts.Count == 0);
        Oracle.True(isConfirmed || model._ended, "a CONFIRM relay has no receipt");
        Oracle.Same("what the program gets", model._toProgram.ToArray(), effect.ToProgram);
        Oracle.Same("what the person gets", model._toPerson.ToArray(), effect.ToPerson);
        Oracle.True(!model._ended || effect.SubjectEnded, "the connection goes on after the hub's GOODBYE");
        return isConfirmed;
    }

    /// <summary>The most bytes that may follow the header of a client's frame.</summary>
    public static uint MaxLength(byte type) => type switch { 1 => 8_220, 5 => 1_050_624, 6 => 8, 8 => 1_024, 3 or 4 or 7 => 0, _ => MaxBodyBytes };

    private bool TryFrame(ref ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 8)
        {
            return false;
        }

        byte type = bytes[0];
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        if (length > MaxLength(type))
        {
            Goodbye(ProtocolCode.FrameTooLarge);
            return false;
        }

        if (length > bytes.Length - 8)
        {
            return false;
        }

        var frame = new PlainFrame(type, bytes[1], BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]), bytes.Slice(8, (int)length).ToArray());
        bytes = bytes[(8 + (int)length)..];
        Carry(frame);
        return true;
    }

    private void Carry(PlainFrame frame)
    {
        switch (frame)
        {
            case { Type: 1 }:
                Error(ProtocolCode.ProtocolError);
                break;
            case { Type: 2, Flags: 0, Argument: 0 }:
                Answer(new(PlainFrame.Echo, 0, 0, frame.Payload));
                break;
            case { Type: 3, Flags: 0, Argument: 0 }:
                Answer(new(PlainFrame.Identity, 0, 0, Numbers(Company.SubjectId)));
                break;
            case { Type: 4, Flags: 0 or 1, Argument: 0 }:
                Answer(new(PlainFrame.List, 0, 0, Numbers(Company.ProgramId, Company.PersonId)));
                break;
            case { Type: 6, Flags: 0, Argument: 0 } when isResumable:
                Acknowledge(frame);
                break;
            case { Type: 5 }:
                Relay(frame);
                break;
            case { Type: 7, Flags: 0, Argument: 0 }:
                Answer(new(PlainFrame.Heartbeat, 0, 0, default));
                break;
            case { Type: 8, Flags: 0 }:
                Goodbye(ProtocolCode.Normal);
                break;
            default:
                Error(ProtocolCode.Unsupported);
                break;
        }
    }

    private void Acknowledge(PlainFrame frame)
    {
        if (frame.Payload.Length != 8)
        {
            Error(ProtocolCode.ProtocolError);
        }
        else
        {
            _isOpen = frame.Number() > 0;
        }
    }

    private void Relay(PlainFrame frame)
    {
        _relays++;
        bool hasReceipt = (frame.Flags & 1) != 0;
        ulong? correlation = hasReceipt && frame.Payload.Length >= 8 ? frame.Number() : null;
        int head = (hasReceipt ? 8 : 0) + (8 * frame.Argument);
        if ((frame.Flags & ~7) != 0 || (frame.Flags & 5) == Confirm)
        {
            Error(ProtocolCode.Unsupported, correlation);
        }
        else if (frame.Argument is 0 or > 255 || frame.Payload.Length < head)
        {
            Error(ProtocolCode.InvalidReceivers, correlation);
        }
        else if (frame.Payload.Length - head > MaxBodyBytes)
        {
            Error(ProtocolCode.FrameTooLarge, correlation);
        }
        else
        {
            Deliver(frame, head, correlation);
        }
    }

    private void Deliver(PlainFrame frame, int head, ulong? correlation)
    {
        byte[] outcomes = new byte[frame.Argument];
        var served = new HashSet<ulong>();
        for (int i = 0; i < frame.Argument; i++)
        {
            ulong id = frame.Number((correlation is null ? 0 : 8) + (8 * i));
            bool isThere = id is Company.ProgramId or Company.PersonId or Company.SubjectId;
            outcomes[i] = isThere ? (byte)0 : (byte)2;
            if (isThere && served.Add(id))
            {
                // Whoever is reached, the flag is the same.
                DeliverTo(id, frame.Payload[head..], (byte)(frame.Flags & Confirm));
            }
        }

        if (correlation is not { } number)
        {
            return;
        }

        byte[] receipt = [.. Numbers(number), .. outcomes];
        if ((frame.Flags & Confirm) == 0)
        {
            Answer(new(PlainFrame.Receipt, 0, frame.Argument, receipt));
        }
        else if (isResumable && served.Contains(Company.SubjectId))
        {
            _unacknowledged.Add(number);
        }
        else if (_confirmations.TryGetValue(number, out var receipts))
        {
            receipts.Add(receipt);
        }
        else
        {
            _confirmations[number] = [receipt];
        }
    }

    private void DeliverTo(ulong id, ReadOnlyMemory<byte> body, byte flags)
    {
        switch (id)
        {
            case Company.ProgramId:
                _toProgram.AddRange(Effect.Delivered(body.Span, flags));
                break;
            case Company.PersonId:
                _toPerson.AddRange(Effect.Rendered(body.Span));
                break;
            default:
                Answer(new(PlainFrame.Delivery, flags, 0, new([.. Numbers(Company.SubjectId), .. body.Span])));
                break;
        }
    }

    private void Answer(PlainFrame expected)
    {
        SkipWhatComesByItself(expected.Payload.Span);
        var answer = answers.Next();
        Oracle.True(
            (answer.Type, answer.Flags, answer.Argument) == (expected.Type, expected.Flags, expected.Argument),
            $"the hub answers with {answer} where {expected} is due");
        Oracle.Same($"the payload of type 0x{answer.Type:x2}", expected.Payload.Span, answer.Payload.Span);
    }

    private void Error(ProtocolCode code, ulong? correlation = null)
    {
        SkipWhatComesByItself();
        var answer = answers.Next();
        Oracle.True(
            answer.Type == PlainFrame.Error && answer.Argument == (ushort)code && answer.Flags == (correlation is null ? 0 : 1),
            $"the hub answers with {answer} where an error {code.Name()} is due");
        Oracle.True(correlation is null || answer.Number() == correlation, $"the error {answer} is not that of relay {correlation}");
        CheckText(answer.Payload.Span[(correlation is null ? 0 : 8)..]);
    }

    private void Goodbye(ProtocolCode code)
    {
        SkipWhatComesByItself();
        var answer = answers.Next();
        Oracle.True(
            answer is { Type: PlainFrame.Goodbye, Flags: 0 } && answer.Argument == (ushort)code,
            $"the hub answers with {answer} where a GOODBYE {code.Name()} is due");
        CheckText(answer.Payload.Span);
        _ended = true;
    }

    /// <summary>Passes over what comes by itself.</summary>
    private void SkipWhatComesByItself(ReadOnlySpan<byte> due = default)
    {
        while (!answers.IsEmpty)
        {
            var answer = answers.Peek();
            bool isByItself = answer.Type switch
            {
                PlainFrame.Receipt => !due.SequenceEqual(answer.Payload.Span) && (TakeConfirmation(answer) || _unacknowledged.Contains(answer.Number())),
                PlainFrame.Ack => TakeAcknowledgement(answer),
                _ => false,
            };
            if (!isByItself)
            {
                return;
            }

            answers.Next();
        }
    }

    private bool TakeAcknowledgement(PlainFrame ack)
    {
        Oracle.True(isResumable && ack is { Flags: 0, Argument: 0, Payload.Length: 8 }, $"an ACK {ack}");
        Oracle.True(ack.Number() > _told && ack.Number() <= _relays, $"the hub acknowledges {ack.Number()} of {_relays} relays after {_told}");
        _told = ack.Number();
        return true;
    }

    private bool TakeConfirmation(PlainFrame receipt)
    {
        if (!_confirmations.TryGetValue(receipt.Number(), out var receipts))
        {
            return false;
        }

        int place = receipts.FindIndex(expected => receipt.Payload.Span.SequenceEqual(expected));
        if (place >= 0)
        {
            receipts.RemoveAt(place);
        }

        return place >= 0;
    }

    public static void CheckText(ReadOnlySpan<byte> text)
    {
        Oracle.True(text.Length <= 1_024, "a text is longer than 1,024 bytes");
        Oracle.True(System.Text.Unicode.Utf8.IsValid(text), "a text is not UTF-8");
        Oracle.True(!text.ContainsAnyInRange((byte)0, (byte)0x1f), "a text has control bytes");
    }

    private static byte[] Numbers(params ReadOnlySpan<ulong> numbers) =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(numbers).ToArray();
}
