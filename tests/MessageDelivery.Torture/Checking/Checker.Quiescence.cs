namespace MessageDelivery.Torture.Checking;

/// <content>The end: what is still to come, and what did not.</content>
internal sealed partial class Checker
{
    /// <summary>Relays that are not settled: what the checker's memory follows.</summary>
    public int UnsettledRelays
    {
        get
        {
            lock (_gate)
            {
                return _sessions.Values.Sum(session => session.Relays.Count);
            }
        }
    }

    /// <summary>What is still to come; null if nothing is.</summary>
    public string? Outstanding()
    {
        lock (_gate)
        {
            long answers = 0;
            long copies = 0;
            long tiny = 0;
            foreach (var session in _sessions.Values)
            {
                answers += session.IsOver ? 0 : session.Relays.Values.Count(IsOpen);
                copies += session.Relays.Values.Sum(relay => relay.Copies.Count(copy => copy.IsDue));
                tiny += session.IsOver ? 0 : session.From.Values.Sum(pair => Math.Max(0, pair.TinyDue - pair.TinyArrived));
            }

            return answers + copies + tiny == 0 ? null : $"{answers} relays without an outcome, {copies + tiny} messages not delivered";
        }
    }

    /// <summary>Says of all that is still to come that it did not.</summary>
    public void Conclude()
    {
        lock (_gate)
        {
            foreach (var session in _sessions.Values)
            {
                ReportMissing(session);
                foreach (var pair in session.From.Values)
                {
                    ReportMissingTiny(session, pair);
                }

                if (!session.IsOver)
                {
                    ReportUnanswered(session);
                    if (session.MustBeOver is { } reason)
                    {
                        Report(ViolationKind.FalselyRefused, $"{session} was there to the end, and {reason}", session, null, 0);
                    }
                }
            }
        }
    }

    private static bool IsOpen(RelayRecord relay) =>
        (relay.HasReceipt && !relay.IsAnswered) || relay.Copies.Exists(copy => copy.Fate == Fate.Open);

    private void ReportUnanswered(SessionRecord session)
    {
        foreach (var relay in session.Relays.Values.Where(IsOpen))
        {
            Report(
                relay.HasReceipt ? ViolationKind.WrongReceipt : ViolationKind.Unexpected,
                relay.HasReceipt ? $"no receipt came for {Name(relay)}" : $"the hub never said that it carried out {Name(relay)}",
                session,
                null,
                relay.Number);
        }
    }

    private void ReportMissing(SessionRecord author)
    {
        foreach (var copy in author.Relays.Values.SelectMany(relay => relay.Copies).Where(copy => copy.IsDue && copy.Arrival == Arrival.Pending))
        {
            Report(ViolationKind.Lost, $"{Name(copy.Relay)} never arrived at {copy.Receiver}", author, copy.Receiver, copy.Relay.Number);
        }
    }

    private void ReportMissingTiny(SessionRecord receiver, PairRecord pair)
    {
        if (!receiver.IsOver && pair.TinyArrived < pair.TinyDue)
        {
            Report(ViolationKind.Lost, $"{receiver} received {pair.TinyArrived} tiny bodies of {pair.Author}, and {pair.TinyDue} were accepted", pair.Author, receiver, 0);
        }
    }
}
