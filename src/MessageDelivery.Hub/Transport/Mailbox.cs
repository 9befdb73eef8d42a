namespace MessageDelivery.Hub.Transport;

/// <summary>Connections for which there is work, linked through themselves. Any thread puts, the loop takes; no lock.</summary>
internal struct Mailbox
{
    private Connection? _last;

    public bool IsEmpty => Volatile.Read(ref _last) is null;

    /// <summary>Puts a connection that is in no mailbox.</summary>
    public void Put(Connection connection)
    {
        var last = Volatile.Read(ref _last);
        while (true)
        {
            connection.NextPosted = last;
            var seen = Interlocked.CompareExchange(ref _last, connection, last);
            if (ReferenceEquals(seen, last))
            {
                return;
            }

            last = seen;
        }
    }

    /// <summary>Empties it; the connections are linked, the last put first.</summary>
    public Connection? TakeAll() => Interlocked.Exchange(ref _last, null);
}
