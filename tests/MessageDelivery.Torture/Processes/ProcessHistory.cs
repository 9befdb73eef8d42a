using MessageDelivery.Protocol;
using MessageDelivery.Torture.Checking;

namespace MessageDelivery.Torture.Processes;

/// <summary>What one client process told, handed on, and its session remembered: a process that is killed cannot say that it ended.</summary>
internal sealed class ProcessHistory(IHistory history) : IHistory
{
    private ulong? _session;

    /// <summary>The process has ended, and its session with it, unless it said so itself.</summary>
    public void End()
    {
        if (_session is { } session)
        {
            history.Ended(session, SessionEnd.Killed);
        }
    }

    public void Joined(ulong session, ulong userId, ClientKind kind)
    {
        _session = session;
        history.Joined(session, userId, kind);
    }

    public void Ended(ulong session, SessionEnd end, Absence terms)
    {
        _session = null;
        history.Ended(session, end, terms);
    }

    public void Resumed(ulong session) => history.Resumed(session);

    public void Noted(ulong session, string what) => history.Noted(session, what);

    public void Sending(ulong session, long number, ReadOnlySpan<ulong> receivers, RelayFlags flags, int bodyBytes) =>
        history.Sending(session, number, receivers, flags, bodyBytes);

    public void Processed(ulong session, long total) => history.Processed(session, total);

    public void Answered(ulong session, long number, ReadOnlySpan<byte> outcomes) => history.Answered(session, number, outcomes);

    public void Rejected(ulong session, long number, ProtocolCode code) => history.Rejected(session, number, code);

    public void Abandoned(ulong session, long number) => history.Abandoned(session, number);

    public void Received(ulong session, long count, ulong senderId, in ReceivedBody body) => history.Received(session, count, senderId, body);

    public void Acknowledging(ulong session, long total) => history.Acknowledging(session, total);

    public void Unexpected(ulong session, string what) => history.Unexpected(session, what);

    public ValueTask SettleAsync() => history.SettleAsync();
}
