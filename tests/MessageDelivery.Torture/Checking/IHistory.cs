using MessageDelivery.Protocol;

namespace MessageDelivery.Torture.Checking;

/// <summary>What kind of client a session belongs to: it decides what can be known about it, and what the hub owes it.</summary>
internal enum ClientKind
{
    /// <summary>The torture's own client, on raw bytes; its session survives a lost connection if the hub offers that.</summary>
    Raw,
    /// <summary>A client of the client library.</summary>
    Library,
    /// <summary>A binary client whose session ends with its connection.</summary>
    Plain,
    /// <summary>A client of the text protocol.</summary>
    Text,
}

/// <summary>How a session ended.</summary>
internal enum SessionEnd
{
    /// <summary>With its connection, as sessions do that cannot be resumed.</summary>
    ConnectionLost,
    /// <summary>The client asked to resume, and got a new session.</summary>
    NotResumed,
    /// <summary>The client said goodbye, and the hub answered.</summary>
    Left,
    /// <summary>The client's process was killed.</summary>
    Killed,
}

/// <summary>
/// What happens to the clients, told as it happens. A session is named by a number that its client makes; a relay by its session
/// and its place among that session's relays, from 1, which is what the hub's ACK counts. What a client tells before it sends is
/// known to the checker before any consequence can be, if it awaits <see cref="SettleAsync"/> between.
/// </summary>
internal interface IHistory
{
    /// <summary>The hub's WELCOME gave a new session this user's id.</summary>
    void Joined(ulong session, ulong userId, ClientKind kind);

    /// <summary>Another connection took the session over.</summary>
    void Resumed(ulong session);

    /// <summary>What a session's connections do, in words: only shown, not checked.</summary>
    void Noted(ulong session, string what);

    /// <summary>The session is over: what is still on its way to it need not arrive.</summary>
    /// <param name="terms">For <see cref="SessionEnd.NotResumed"/>: how long it was away, and what was agreed.</param>
    void Ended(ulong session, SessionEnd end, Absence terms = default);

    /// <summary>A relay is going to be sent.</summary>
    /// <param name="receivers">As listed, duplicates included.</param>
    void Sending(ulong session, long number, ReadOnlySpan<ulong> receivers, RelayFlags flags, int bodyBytes);

    /// <summary>The hub has carried out so many of the session's relays.</summary>
    void Processed(ulong session, long total);

    /// <summary>A receipt came, with an outcome for each receiver as listed.</summary>
    void Answered(ulong session, long number, ReadOnlySpan<byte> outcomes);

    /// <summary>An ERROR came in the place of a receipt.</summary>
    void Rejected(ulong session, long number, ProtocolCode code);

    /// <summary>The client gave a relay up: it will not know what became of it, though its session goes on.</summary>
    void Abandoned(ulong session, long number);

    /// <summary>A message arrived.</summary>
    /// <param name="count">Its place among the session's counted frames; 0 if the client does not count.</param>
    /// <param name="senderId">The sender by the hub's word; 0 if the hub did not tell.</param>
    void Received(ulong session, long count, ulong senderId, in ReceivedBody body);

    /// <summary>The client is going to tell the hub that it has so many counted frames.</summary>
    void Acknowledging(ulong session, long total);

    /// <summary>Something happened that never should.</summary>
    void Unexpected(ulong session, string what);

    /// <summary>Completes when the checker knows what was told until now.</summary>
    ValueTask SettleAsync();
}

/// <summary>For how long a session had no connection, and what the hub had promised.</summary>
/// <param name="Away">Since the client last received anything.</param>
/// <param name="Window">The resume window.</param>
/// <param name="RetentionBytes">What the hub keeps at the most.</param>
internal readonly record struct Absence(TimeSpan Away, TimeSpan Window, long RetentionBytes);

/// <summary>What a receiver made out of a body.</summary>
internal enum BodyState
{
    /// <summary>As it was sent; author and number are known.</summary>
    Intact,
    /// <summary>Too short to carry a number; its bytes are what they must be.</summary>
    Tiny,
    /// <summary>Not what anybody sent.</summary>
    Changed,
}

/// <summary>A body that arrived, as its stamp tells.</summary>
internal readonly record struct ReceivedBody(BodyState State, ulong Author, long Number, int Bytes);
