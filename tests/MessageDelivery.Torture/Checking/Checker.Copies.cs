using System.Diagnostics;
using MessageDelivery.Protocol;
using MessageDelivery.Torture.Load;

namespace MessageDelivery.Torture.Checking;

/// <content>What becomes of a relay for one receiver, and when that is settled.</content>
internal sealed partial class Checker
{
    /// <summary>A heartbeat of the hub that is tried, and a second for a machine that has other things to do.</summary>
    private static readonly TimeSpan MaxNoticeDelay = TimeSpan.FromSeconds(6);

    private const int MaxPassedOver = 64;

    private void AddCopy(RelayRecord relay, ulong id)
    {
        var receiver = _users.GetValueOrDefault(id);
        var copy = new CopyRecord(relay, id, receiver) { IsTiny = relay.BodyBytes < Body.StampBytes };
        relay.Copies.Add(copy);
        _log.Add(EventKind.Sent, relay.Author, id, relay.Number, (long)relay.Flags);
        if (receiver is null)
        {
            return;
        }

        if (!receiver.From.TryGetValue(relay.Author.Number, out var pair))
        {
            receiver.From.Add(relay.Author.Number, pair = new(relay.Author));
            relay.Author.To.Add(receiver);
        }

        if (copy.IsTiny)
        {
            pair.TinyPossible++;
        }
        else
        {
            pair.Coming.Enqueue(copy);
        }
    }

    private void ProcessedThrough(SessionRecord author, long total)
    {
        if (total > author.Sent)
        {
            Report(ViolationKind.Unexpected, $"{author} sent {author.Sent} relays and is told that {total} are carried out", author, null, author.Sent);
            total = author.Sent;
        }

        if (total > author.Processed)
        {
            _log.Add(EventKind.Processed, author, number: total);
        }

        while (author.Processed < total)
        {
            if (author.Relays.TryGetValue(++author.Processed, out var relay) && !relay.HasReceipt)
            {
                foreach (var copy in relay.Copies)
                {
                    copy.Fate = Fate.Processed;
                    if (copy.IsTiny && copy.Receiver is { IsOver: false } receiver && !relay.Flags.HasFlag(RelayFlags.BestEffort))
                    {
                        receiver.From[author.Number].TinyDue++;
                    }
                }

                SettleRelay(relay);
            }
        }
    }

    /// <summary>The relay that a receipt or error is for; null, and a finding, if there is none.</summary>
    private RelayRecord? TakeReceipt(SessionRecord author, long number)
    {
        if (!author.Relays.TryGetValue(number, out var relay) || !relay.HasReceipt || relay.IsAnswered)
        {
            Report(ViolationKind.WrongReceipt, $"{author} got a receipt for #{number}, which has had its own or asked for none", author, null, number);
            return null;
        }

        relay.IsAnswered = true;
        if (HasReceiptInOrder(relay))
        {
            while (author.Receipts.TryDequeue(out long next) && next != number)
            {
                Report(ViolationKind.WrongReceipt, $"{author} got the receipt of #{number} without one for #{next}", author, null, next);
            }
        }

        return relay;
    }

    private void Apply(CopyRecord copy, Outcome outcome)
    {
        var relay = copy.Relay;
        switch (outcome)
        {
            case Outcome.Accepted or Outcome.Held or Outcome.Delivered:
                copy.Fate = Fate.Accepted;
                Accept(copy, outcome);
                break;
            case Outcome.Unknown or Outcome.Full:
                bool mayBeFull = outcome == Outcome.Full && relay.Flags.HasFlag(RelayFlags.BestEffort);
                if (copy.Receiver is { IsOver: false } receiver && !mayBeFull)
                {
                    receiver.MustBeOver ??= $"the receipt of {Name(relay)} says {outcome.Name()}";
                }

                Refuse(copy);
                break;
            default:
                Report(ViolationKind.WrongReceipt, $"the receipt of {Name(relay)} says {outcome.Name()} of user {copy.UserId}", relay.Author, copy.Receiver, relay.Number);
                copy.Fate = Fate.Refused;
                break;
        }
    }

    private void Accept(CopyRecord copy, Outcome outcome)
    {
        var relay = copy.Relay;
        if (copy.Receiver is not { } receiver)
        {
            Report(ViolationKind.FalselyAccepted, $"the receipt of {Name(relay)} says {outcome.Name()} of user {copy.UserId}, who never was", relay.Author, null, relay.Number);
            return;
        }

        bool canBeAway = receiver.Kind is ClientKind.Raw or ClientKind.Library;
        if (outcome != Outcome.Accepted && (!canBeAway || (outcome == Outcome.Delivered && !relay.Flags.HasFlag(RelayFlags.Confirm))))
        {
            Report(ViolationKind.WrongReceipt, $"the receipt of {Name(relay)} says {outcome.Name()} of {receiver}", relay.Author, receiver, relay.Number);
        }

        if (outcome == Outcome.Held)
        {
            Counts.Held++;
        }

        if (outcome == Outcome.Delivered)
        {
            Counts.Confirmed++;
            Confirm(copy, receiver);
        }
        else if (canBeAway && relay.Flags.HasFlag(RelayFlags.Confirm))
        {
            Counts.Unconfirmed++;
        }

        if (copy.IsTiny && !receiver.IsOver)
        {
            receiver.From[relay.Author.Number].TinyDue++;
        }

        if (copy is { Arrival: Arrival.PassedOver } && copy.IsDue)
        {
            Report(ViolationKind.Lost, $"{Name(relay)} was {outcome.Name()} for {receiver}, who has received a later one", relay.Author, receiver, relay.Number);
        }
    }

    private void Confirm(CopyRecord copy, SessionRecord receiver)
    {
        var relay = copy.Relay;
        if (copy.IsTiny)
        {
            return;
        }

        if (receiver.Kind == ClientKind.Library)
        {
            // The library acknowledges by itself, but nothing that its program has not taken.
            if (copy.Arrival != Arrival.Arrived)
            {
                Report(ViolationKind.FalselyAccepted, $"the receipt of {Name(relay)} says delivered, and {receiver} has not taken it", relay.Author, receiver, relay.Number);
            }
        }
        else if (copy.Arrival != Arrival.Arrived || copy.Count > receiver.FramesAcknowledged)
        {
            Report(
                ViolationKind.FalselyAccepted,
                $"the receipt of {Name(relay)} says that {receiver} acknowledged it, who has acknowledged {receiver.FramesAcknowledged} frames"
                + (copy.Arrival == Arrival.Arrived ? $"; it was frame {copy.Count}" : " and has not received it"),
                relay.Author,
                receiver,
                relay.Number);
        }
    }

    private void Refuse(CopyRecord copy)
    {
        var relay = copy.Relay;
        copy.Fate = Fate.Refused;
        Counts.Refused++;
        if (copy.Arrival == Arrival.Arrived)
        {
            Report(ViolationKind.DeliveredThoughRefused, $"{Name(relay)} arrived at {copy.Receiver}, and was refused", relay.Author, copy.Receiver, relay.Number);
        }

        if (copy.IsTiny && copy.Receiver is { } receiver && receiver.From.TryGetValue(relay.Author.Number, out var pair)
            && --pair.TinyPossible < pair.TinyArrived)
        {
            Report(ViolationKind.DeliveredThoughRefused, $"{Name(relay)} was refused, and as many tiny ones arrived at {receiver} as without that", relay.Author, receiver, relay.Number);
        }
    }

    private void ReceiveTiny(SessionRecord receiver, ulong senderId, in ReceivedBody body)
    {
        for (var session = receiver; session is not null; session = session.Predecessor)
        {
            var sender = _users.GetValueOrDefault(senderId);
            var pair = sender is null ? null
                : session.From.GetValueOrDefault(sender.Number)
                ?? (sender.Kind == ClientKind.Library && sender.Predecessor is { } before ? session.From.GetValueOrDefault(before.Number) : null);
            if (pair is not null && pair.TinyArrived < pair.TinyPossible)
            {
                pair.TinyArrived++;
                return;
            }
        }

        Report(ViolationKind.Repeated, $"{receiver} received more tiny bodies ({body.Bytes} bytes) from user {senderId} than were sent", receiver, null, 0);
    }

    private void Match(SessionRecord receiver, SessionRecord author, long number, long count)
    {
        for (var session = receiver; session is not null; session = session.Predecessor)
        {
            if (session.From.TryGetValue(author.Number, out var pair) && TryMatch(session, pair, number, count))
            {
                return;
            }
        }

        var copy = author.Relays.TryGetValue(number, out var relay) ? relay.CopyFor(receiver.UserId) : null;
        var known = receiver.From.GetValueOrDefault(author.Number);
        bool wasListed = copy is not null || (relay is null && known is not null && number <= known.LastArrived);
        var (kind, what) = !wasListed ? (ViolationKind.Misdelivered, "was not sent to it")
            : copy is { Fate: Fate.Refused } ? (ViolationKind.DeliveredThoughRefused, "was refused")
            : copy is { Arrival: Arrival.PassedOver } || (known is not null && known.PassedOver.Contains(number))
                ? (ViolationKind.Disordered, "was sent before one that has arrived")
                : (ViolationKind.Repeated, "arrived before");
        Report(kind, $"{receiver} received #{number} of {author}, which {what}", author, receiver, number);
    }

    private bool TryMatch(SessionRecord receiver, PairRecord pair, long number, long count)
    {
        if (number <= pair.LastArrived || !pair.Coming.Any(item => item.Relay.Number == number))
        {
            return false;
        }

        while (pair.Coming.TryDequeue(out var copy))
        {
            if (copy.Relay.Number == number)
            {
                pair.LastArrived = number;
                Arrive(receiver, copy, count);
                return true;
            }

            pair.PassedOver.Enqueue(copy.Relay.Number);
            if (pair.PassedOver.Count > MaxPassedOver)
            {
                pair.PassedOver.Dequeue();
            }

            PassOver(receiver, copy);
        }

        return false;
    }

    private void Arrive(SessionRecord receiver, CopyRecord copy, long count)
    {
        copy.Arrival = Arrival.Arrived;
        copy.Count = count;
        if (copy.Fate == Fate.Refused)
        {
            Report(ViolationKind.DeliveredThoughRefused, $"{receiver} received {Name(copy.Relay)}, which was refused", copy.Relay.Author, receiver, copy.Relay.Number);
        }

        SettleRelay(copy.Relay);
    }

    /// <summary>
    /// A later relay has arrived. The receiver was there before this one was sent and still is, and the hub carries out one
    /// sender's relays in order: whatever its receipt will say, only best effort explains that it did not come.
    /// </summary>
    private void PassOver(SessionRecord receiver, CopyRecord copy)
    {
        copy.Arrival = Arrival.PassedOver;
        bool mayBeLeftOut = copy.Fate == Fate.Refused || receiver.IsOver || copy.Relay.Flags.HasFlag(RelayFlags.BestEffort)
            || (copy.Relay.Flags.HasFlag(RelayFlags.Confirm) && !HasConfirm);
        if (!mayBeLeftOut || copy.IsDue)
        {
            Report(ViolationKind.Lost, $"{receiver} received a later one before {Name(copy.Relay)}", copy.Relay.Author, receiver, copy.Relay.Number);
        }

        SettleRelay(copy.Relay);
    }

    private void SettleRelay(RelayRecord relay)
    {
        if (relay.HasReceipt && !relay.IsAnswered && !relay.Author.IsOver)
        {
            return;
        }

        foreach (var copy in relay.Copies)
        {
            if (!copy.IsSettled)
            {
                return;
            }
        }

        if (relay.Author.Relays.Remove(relay.Number))
        {
            Counts.Checked++;
            Counts.Unknowable += relay.Copies.Count(copy => copy.Fate == Fate.Unknowable);
        }
    }

    /// <summary>
    /// A session may end when it was away for too long, or when more was to be kept for it than was agreed. What is on its way to it,
    /// with a header for each, is about what the hub kept: if that is less than half of it, the hub had no reason. The hub's window may have
    /// begun before the client's: where a proxy ends the hub's side first, the client finds out when it next says something.
    /// </summary>
    private void CheckAbsence(SessionRecord session, in Absence absence)
    {
        long kept = session.From.Values.Sum(pair => pair.Coming.Sum(copy => copy.Relay.BodyBytes + 64L) + ((pair.TinyPossible - pair.TinyArrived) * 64));
        if (absence.Away < absence.Window - MaxNoticeDelay && kept < absence.RetentionBytes / 2)
        {
            Report(
                ViolationKind.SessionLost,
                $"{session} could not resume after {absence.Away.TotalSeconds:0.0} s of {absence.Window.TotalSeconds:0} s, with {kept} of {absence.RetentionBytes} bytes under way",
                session,
                null,
                0);
        }
    }

    private void ForgetOld()
    {
        while (_over.TryPeek(out var item) && Stopwatch.GetElapsedTime(item.Time) > grace)
        {
            _over.Dequeue();
            Forget(item.Session);
        }
    }

    private void Forget(SessionRecord session)
    {
        ReportMissing(session);
        foreach (var receiver in session.To)
        {
            if (receiver.From.Remove(session.Number, out var pair))
            {
                ReportMissingTiny(receiver, pair);
            }
        }

        ulong client = session.Number >> SessionRecord.ClientShift;
        if (_latest.GetValueOrDefault(client) is { } latest)
        {
            latest.Predecessor = latest.Predecessor == session ? null : latest.Predecessor;
            if (latest == session)
            {
                _latest.Remove(client);
            }
        }

        foreach (var pair in session.From.Values)
        {
            pair.Author.To.Remove(session);
        }

        session.From.Clear();
        _sessions.Remove(session.Number);
        if (_users.GetValueOrDefault(session.UserId) == session)
        {
            _users.Remove(session.UserId);
        }
    }
}
