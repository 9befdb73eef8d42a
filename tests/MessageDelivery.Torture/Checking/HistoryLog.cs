using System.Diagnostics;
using System.Globalization;

namespace MessageDelivery.Torture.Checking;

/// <summary>What an event of the log is about.</summary>
internal enum EventKind : byte
{
    Joined,
    Resumed,
    Ended,
    Noted,
    Sent,
    Answered,
    Rejected,
    Arrived,
    Processed,
    Acknowledged,
}

/// <summary>The last events, in a ring: what a finding is explained with.</summary>
internal sealed class HistoryLog(int capacity)
{
    private const int MaxShown = 40;

    private readonly Event[] _events = new Event[capacity];
    private readonly long _begin = Stopwatch.GetTimestamp();
    private long _next;

    /// <param name="session">Where it happened.</param>
    /// <param name="other">The other end: the receiver's user of what is sent, or the author's session of what arrived.</param>
    /// <param name="number">The relay's number, or a total.</param>
    /// <param name="detail">Flags, an outcome, a count, or how a session ended.</param>
    /// <param name="note">What a session's connection did.</param>
    public void Add(EventKind kind, SessionRecord session, ulong other = 0, long number = 0, long detail = 0, string? note = null) =>
        _events[_next++ % _events.Length] = new(Stopwatch.GetTimestamp(), kind, session, other, number, detail, note);

    /// <summary>
    /// What happened between two sessions around a relay: those next to it on its way, and what became of the two sessions.
    /// </summary>
    public List<string> Between(SessionRecord author, SessionRecord? receiver, long number)
    {
        var lines = new List<string>();
        for (long i = Math.Max(0, _next - _events.Length); i < _next; i++)
        {
            ref readonly var item = ref _events[i % _events.Length];
            bool isClose = Math.Abs(item.Number - number) <= 2;
            bool isAbout = item.Kind switch
            {
                EventKind.Joined or EventKind.Resumed or EventKind.Ended or EventKind.Noted => item.Session == author || item.Session == receiver,
                EventKind.Sent => item.Session == author && (receiver is null || item.Other == receiver.UserId || item.Number == number)
                    && (isClose || item.Number == number),
                EventKind.Answered or EventKind.Rejected => item.Session == author && isClose,
                EventKind.Processed => item.Session == author && item.Number >= number && item.Number - number < 64,
                EventKind.Arrived => item.Other == author.Number && (receiver is null || item.Session == receiver || item.Number == number) && isClose,
                _ => false,
            };
            if (isAbout)
            {
                lines.Add(Text(item));
            }
        }

        return lines.Count <= MaxShown
            ? lines
            : [.. lines[..(MaxShown / 4)], $"… {lines.Count - MaxShown} more …", .. lines[^(MaxShown * 3 / 4)..]];
    }

    private string Text(in Event item)
    {
        double seconds = Stopwatch.GetElapsedTime(_begin, item.Time).TotalSeconds;
        string what = item.Kind switch
        {
            EventKind.Joined => "joined",
            EventKind.Resumed => "resumed",
            EventKind.Ended => $"ended: {(SessionEnd)item.Detail}",
            EventKind.Noted => item.Note!,
            EventKind.Sent => $"sends #{item.Number} to user {item.Other} [{(Protocol.RelayFlags)item.Detail}]",
            EventKind.Answered => $"is told of #{item.Number} for user {item.Other}: {(Protocol.Outcome)item.Detail}",
            EventKind.Rejected => $"is told that #{item.Number} is an error: {(Protocol.ProtocolCode)item.Detail}",
            EventKind.Arrived => $"receives #{item.Number} of client {item.Other >> SessionRecord.ClientShift}.{(uint)item.Other} as its frame {item.Detail}",
            EventKind.Processed => $"is told that {item.Number} of its relays are carried out",
            _ => $"acknowledges {item.Number} frames",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{seconds,10:0.000} s  {item.Session} {what}");
    }

    private readonly record struct Event(long Time, EventKind Kind, SessionRecord Session, ulong Other, long Number, long Detail, string? Note);
}
