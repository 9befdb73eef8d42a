using System.Diagnostics;
using System.Globalization;
using MessageDelivery.Protocol;
using MessageDelivery.Torture.Load;

namespace MessageDelivery.Torture.Checking;

/// <summary>
/// Holds the whole history against what the hub promises. What is settled is forgotten, so that memory follows what is under way,
/// not what has been. Any thread may tell it; what it is told is put in one order.
/// </summary>
/// <param name="directory">Kept up to date with who is there.</param>
/// <param name="grace">How long after a session's end its messages may still arrive somewhere.</param>
internal sealed partial class Checker(UserDirectory directory, TimeSpan grace) : IHistory
{
    private const int LoggedEvents = 1 << 19;
    private const int MaxReportedOfAKind = 5;

    private readonly Lock _gate = new();
    private readonly HistoryLog _log = new(LoggedEvents);
    private readonly Dictionary<ulong, SessionRecord> _sessions = [];
    private readonly Dictionary<ulong, SessionRecord> _users = [];
    private readonly Dictionary<ulong, SessionRecord> _latest = [];
    private readonly Queue<(long Time, SessionRecord Session)> _over = new();
    private readonly List<Violation> _violations = [];
    private readonly SortedDictionary<ViolationKind, long> _violationCounts = [];

    /// <summary>Whether the hub carries out CONFIRM; if not, it may answer such relays with <c>unsupported</c>.</summary>
    public bool HasConfirm { get; init; } = true;

    public CheckerCounts Counts { get; } = new();

    /// <summary>The first of them, in full.</summary>
    public IReadOnlyList<Violation> Violations => _violations;

    public IReadOnlyDictionary<ViolationKind, long> ViolationCounts => _violationCounts;

    public void Joined(ulong session, ulong userId, ClientKind kind)
    {
        lock (_gate)
        {
            ulong client = session >> SessionRecord.ClientShift;
            var record = new SessionRecord(session, userId, kind, kind == ClientKind.Library ? _latest.GetValueOrDefault(client) : null);
            if (_users.TryGetValue(userId, out var other))
            {
                Report(ViolationKind.Unexpected, $"{record} got the id of {other}", record, null, 0);
            }

            _sessions[session] = record;
            _users[userId] = record;
            _latest[client] = record;
            _log.Add(EventKind.Joined, record);
            Counts.Sessions++;
            ForgetOld();
        }

        directory.Add(new(userId, kind == ClientKind.Text));
    }

    public void Resumed(ulong session)
    {
        lock (_gate)
        {
            _log.Add(EventKind.Resumed, _sessions[session]);
            Counts.Resumes++;
        }
    }

    public void Noted(ulong session, string what)
    {
        lock (_gate)
        {
            _log.Add(EventKind.Noted, _sessions[session], note: what);
        }
    }

    public void Ended(ulong session, SessionEnd end, Absence terms = default)
    {
        ulong user;
        lock (_gate)
        {
            var record = _sessions[session];
            user = record.UserId;
            if (end == SessionEnd.NotResumed)
            {
                Counts.FreshIdentities++;
                CheckAbsence(record, terms);
            }

            record.IsOver = true;
            _log.Add(EventKind.Ended, record, detail: (long)end);
            _over.Enqueue((Stopwatch.GetTimestamp(), record));
            foreach (var relay in record.Relays.Values.ToArray())
            {
                foreach (var copy in relay.Copies)
                {
                    copy.Fate = copy.Fate == Fate.Open ? Fate.Unknowable : copy.Fate;
                }

                SettleRelay(relay);
            }

            foreach (var pair in record.From.Values)
            {
                foreach (var copy in pair.Coming)
                {
                    SettleRelay(copy.Relay);
                }
            }
        }

        directory.Remove(user);
    }

    public void Sending(ulong session, long number, ReadOnlySpan<ulong> receivers, RelayFlags flags, int bodyBytes)
    {
        lock (_gate)
        {
            var author = _sessions[session];
            author.Sent = number;
            var relay = new RelayRecord(author, number, flags, bodyBytes, receivers.ToArray());
            author.Relays.Add(number, relay);
            if (HasReceiptInOrder(relay))
            {
                author.Receipts.Enqueue(number);
            }

            foreach (ulong id in receivers)
            {
                if (relay.CopyFor(id) is null)
                {
                    AddCopy(relay, id);
                }
            }

            Counts.Sent++;
        }
    }

    public void Processed(ulong session, long total)
    {
        lock (_gate)
        {
            ProcessedThrough(_sessions[session], total);
        }
    }

    public void Answered(ulong session, long number, ReadOnlySpan<byte> outcomes)
    {
        lock (_gate)
        {
            var author = _sessions[session];
            if (TakeReceipt(author, number) is not { } relay)
            {
                return;
            }

            ProcessedThrough(author, number);
            if (outcomes.Length != relay.Listed.Length)
            {
                Report(ViolationKind.WrongReceipt, $"the receipt of {Name(relay)} has {outcomes.Length} outcomes for {relay.Listed.Length} receivers", author, null, number);
                return;
            }

            for (int i = 0; i < outcomes.Length; i++)
            {
                var copy = relay.CopyFor(relay.Listed[i])!;
                _log.Add(EventKind.Answered, author, copy.UserId, number, outcomes[i]);
                CheckRepeated(relay, outcomes, i);
                if (copy.Fate is Fate.Open)
                {
                    Apply(copy, (Outcome)outcomes[i]);
                }
            }

            SettleRelay(relay);
        }
    }

    /// <summary>A receiver that is listed twice has one outcome.</summary>
    private void CheckRepeated(RelayRecord relay, ReadOnlySpan<byte> outcomes, int place)
    {
        int first = Array.IndexOf(relay.Listed, relay.Listed[place]);
        if (outcomes[first] != outcomes[place])
        {
            Report(
                ViolationKind.WrongReceipt,
                $"the receipt of {Name(relay)} says {((Outcome)outcomes[first]).Name()} and {((Outcome)outcomes[place]).Name()} of user {relay.Listed[place]}",
                relay.Author,
                null,
                relay.Number);
        }
    }

    public void Rejected(ulong session, long number, ProtocolCode code)
    {
        lock (_gate)
        {
            var author = _sessions[session];
            _log.Add(EventKind.Rejected, author, number: number, detail: (long)code);
            Counts.Rejected++;
            if (TakeReceipt(author, number) is not { } relay)
            {
                return;
            }

            ProcessedThrough(author, number);
            if (code != ProtocolCode.Unsupported || !relay.Flags.HasFlag(RelayFlags.Confirm) || HasConfirm)
            {
                Report(ViolationKind.Rejected, $"{Name(relay)} was answered with {code.Name()}", author, null, number);
            }

            foreach (var copy in relay.Copies)
            {
                Refuse(copy);
            }

            SettleRelay(relay);
        }
    }

    public void Abandoned(ulong session, long number)
    {
        lock (_gate)
        {
            if (_sessions[session].Relays.TryGetValue(number, out var relay) && !relay.IsAnswered)
            {
                relay.IsAnswered = true;
                relay.Copies.ForEach(copy => copy.Fate = copy.Fate == Fate.Open ? Fate.Unknowable : copy.Fate);
                SettleRelay(relay);
            }
        }
    }

    public void Received(ulong session, long count, ulong senderId, in ReceivedBody body)
    {
        lock (_gate)
        {
            var receiver = _sessions[session];
            Counts.Deliveries++;
            if (body.State == BodyState.Tiny)
            {
                ReceiveTiny(receiver, senderId, body);
                return;
            }

            _log.Add(EventKind.Arrived, receiver, body.Author, body.Number, count);
            var author = _sessions.GetValueOrDefault(body.Author);
            if (body.State == BodyState.Changed || author is null)
            {
                var kind = body.State == BodyState.Changed ? ViolationKind.Changed : ViolationKind.Misdelivered;
                Report(kind, $"{receiver} received, from user {senderId}, {body.Bytes} bytes that are "
                    + (author is null ? "of no author that is known" : $"not those of #{body.Number} of {author}"), author ?? receiver, receiver, body.Number);
                return;
            }

            if (senderId != 0 && senderId != author.UserId && !IsSameLibraryClient(senderId, author))
            {
                Report(ViolationKind.Misdelivered, $"{receiver} received #{body.Number} of {author} under the id of user {senderId}", author, receiver, body.Number);
            }

            Match(receiver, author, body.Number, count);
        }
    }

    public void Acknowledging(ulong session, long total)
    {
        lock (_gate)
        {
            var record = _sessions[session];
            record.FramesAcknowledged = Math.Max(record.FramesAcknowledged, total);
        }
    }

    public void Unexpected(ulong session, string what)
    {
        lock (_gate)
        {
            var record = _sessions.GetValueOrDefault(session);
            Report(ViolationKind.Unexpected, $"{record?.ToString() ?? "a client"}: {what}", record, null, 0);
        }
    }

    public ValueTask SettleAsync() => ValueTask.CompletedTask;

    private static string Name(RelayRecord relay) =>
        $"#{relay.Number} of {relay.Author} [{relay.Flags}, {relay.BodyBytes.ToString(CultureInfo.InvariantCulture)} bytes]";

    // The library's calls end on threads of their own: that their receipts come in order cannot be seen from there.
    private static bool HasReceiptInOrder(RelayRecord relay) =>
        relay.HasReceipt && !relay.Flags.HasFlag(RelayFlags.Confirm) && relay.Author.Kind != ClientKind.Library;

    private bool IsSameLibraryClient(ulong senderId, SessionRecord author) =>
        author.Kind == ClientKind.Library && _users.TryGetValue(senderId, out var sender)
        && sender.Number >> SessionRecord.ClientShift == author.Number >> SessionRecord.ClientShift;

    private void Report(ViolationKind kind, string what, SessionRecord? author, SessionRecord? receiver, long number)
    {
        _violationCounts[kind] = _violationCounts.GetValueOrDefault(kind) + 1;
        if (_violationCounts[kind] <= MaxReportedOfAKind)
        {
            _violations.Add(new(kind, what, author is null ? [] : _log.Between(author, receiver, number)));
        }
    }
}
