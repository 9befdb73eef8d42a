using System.Collections.Concurrent;
using System.Globalization;
using MessageDelivery.Protocol;
using MessageDelivery.Torture.Checking;

namespace MessageDelivery.Torture.Processes;

/// <summary>
/// The history as a client process writes it: a line for each event to standard output, where the pipe keeps it even if the
/// process is killed with the next instruction. <see cref="SettleAsync"/> waits until the checker's process has taken it in.
/// </summary>
internal sealed class PipedHistory(TextWriter output) : IHistory
{
    /// <summary>Ends each line: what a killed process left without it is not whole.</summary>
    private const char End = ';';

    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<long, TaskCompletionSource> _waiting = [];
    private long _settled;

    public void Joined(ulong session, ulong userId, ClientKind kind) => Write($"J {session} {userId} {(int)kind}");

    public void Resumed(ulong session) => Write($"M {session}");

    public void Noted(ulong session, string what) => Write($"N {session} {what.ReplaceLineEndings(" ")}");

    public void Ended(ulong session, SessionEnd end, Absence terms) =>
        Write($"E {session} {(int)end} {terms.Away.Ticks} {terms.Window.Ticks} {terms.RetentionBytes}");

    public void Sending(ulong session, long number, ReadOnlySpan<ulong> receivers, RelayFlags flags, int bodyBytes) =>
        Write($"S {session} {number} {(int)flags} {bodyBytes} {string.Join(',', receivers.ToArray())}");

    public void Processed(ulong session, long total) => Write($"P {session} {total}");

    public void Answered(ulong session, long number, ReadOnlySpan<byte> outcomes) => Write($"A {session} {number} {Convert.ToHexString(outcomes)}");

    public void Rejected(ulong session, long number, ProtocolCode code) => Write($"X {session} {number} {(int)code}");

    public void Abandoned(ulong session, long number) => Write($"B {session} {number}");

    public void Received(ulong session, long count, ulong senderId, in ReceivedBody body) =>
        Write($"R {session} {count} {senderId} {(int)body.State} {body.Author} {body.Number} {body.Bytes}");

    public void Acknowledging(ulong session, long total) => Write($"K {session} {total}");

    public void Unexpected(ulong session, string what) => Write($"U {session} {what.ReplaceLineEndings(" ")}");

    public async ValueTask SettleAsync()
    {
        var known = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _waiting[++_settled] = known;
            output.Write(string.Create(CultureInfo.InvariantCulture, $"? {_settled}\n"));
            output.Flush();
        }

        await known.Task;
    }

    /// <summary>The checker knows what was told before this question.</summary>
    public void Settled(long question)
    {
        if (_waiting.TryRemove(question, out var known))
        {
            known.TrySetResult();
        }
    }

    /// <summary>Tells a history one of the lines.</summary>
    public static void Tell(IHistory history, string line)
    {
        if (!line.EndsWith(End))
        {
            return;
        }

        string[] fields = line[..^1].Split(' ');
        ulong session = ulong.Parse(fields[1], CultureInfo.InvariantCulture);
        switch (fields[0])
        {
            case "J":
                history.Joined(session, (ulong)Number(2), (ClientKind)Number(3));
                break;
            case "M":
                history.Resumed(session);
                break;
            case "N":
                history.Noted(session, string.Join(' ', fields[2..]));
                break;
            case "E":
                history.Ended(session, (SessionEnd)Number(2), new(TimeSpan.FromTicks(Number(3)), TimeSpan.FromTicks(Number(4)), Number(5)));
                break;
            case "S":
                history.Sending(
                    session,
                    Number(2),
                    Array.ConvertAll(fields[5].Split(','), id => ulong.Parse(id, CultureInfo.InvariantCulture)),
                    (RelayFlags)Number(3),
                    (int)Number(4));
                break;
            case "P":
                history.Processed(session, Number(2));
                break;
            case "A":
                history.Answered(session, Number(2), Convert.FromHexString(fields[3]));
                break;
            case "X":
                history.Rejected(session, Number(2), (ProtocolCode)Number(3));
                break;
            case "B":
                history.Abandoned(session, Number(2));
                break;
            case "R":
                history.Received(
                    session,
                    Number(2),
                    (ulong)Number(3),
                    new((BodyState)Number(4), ulong.Parse(fields[5], CultureInfo.InvariantCulture), Number(6), (int)Number(7)));
                break;
            case "K":
                history.Acknowledging(session, Number(2));
                break;
            default:
                history.Unexpected(session, string.Join(' ', fields[2..]));
                break;
        }

        long Number(int field) => long.Parse(fields[field], CultureInfo.InvariantCulture);
    }

    private void Write(FormattableString line)
    {
        lock (_gate)
        {
            output.Write(line.ToString(CultureInfo.InvariantCulture));
            output.Write(End);
            output.Write('\n');
        }
    }
}
