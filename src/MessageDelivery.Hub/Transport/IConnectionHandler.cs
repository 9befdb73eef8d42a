using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// The conversation on a connection, as the transport sees it: bytes in, count consumed out. Every member is called on the
/// thread of the connection's loop.
/// </summary>
internal interface IConnectionHandler
{
    /// <summary>
    /// When to call <see cref="DeadlineReached"/>, in the loop's milliseconds; <see cref="long.MaxValue"/> for never. Read
    /// again after each call of another member.
    /// </summary>
    long Deadline { get; }

    /// <summary>
    /// Looks at all bytes that have come and are not consumed, and returns how many it is done with. Whoever keeps a part
    /// of the block retains it. It leaves at most <see cref="Connection.MaxUnconsumedBytes"/>, unless it has paused the
    /// connection or found memory low; then it is called again with the same bytes later. With
    /// <see cref="Connection.InputIsFinal"/> nothing will follow and the connection closes after the call; the input may be
    /// empty then, without a block.
    /// </summary>
    int Consume(in Segment input);

    void DeadlineReached();

    /// <summary>The peer has taken nothing for the stall limit while its queue was full, or while memory was low.</summary>
    void Stalled();

    /// <summary>Bytes it keeps of a request that has not wholly come.</summary>
    int UnfinishedBytes { get; }

    /// <summary>The most bytes that may still come of the request whose beginning this is, or which it keeps already.</summary>
    int MaxMissingBytes(ReadOnlySpan<byte> begun);

    /// <summary>
    /// How many bytes to receive of what has come, of which this is the beginning and nothing has been received: whole requests, or
    /// all that the first may bring.
    /// </summary>
    int RequestBytes(ReadOnlySpan<byte> front) => MaxMissingBytes([]);

    /// <summary>There is no memory to go on with, and this connection's unfinished input holds the most of it.</summary>
    void Overloaded();

    /// <summary>
    /// There is no memory to receive into. Looks at the first bytes that are there, and returns how many it has dealt with: what
    /// frees memory, or refuses the connection.
    /// </summary>
    int ConsumeUrgent(ReadOnlySpan<byte> front) => 0;

    /// <summary>How many first bytes <see cref="ConsumeUrgent"/> may have to see, if more than usual.</summary>
    int UrgentBytes => 0;

    /// <summary>What <see cref="Connection.Pause"/> was waiting for has come: the connection is about to go on.</summary>
    void Resumed();

    /// <summary>The handshake that <see cref="Connection.BeginTls"/> began is done: what comes from now on is what is inside.</summary>
    void Secured()
    {
    }

    /// <summary>
    /// Whether the conversation outlives the connection, which ends for this reason. If so, what is queued is not the connection's
    /// any more from the call on.
    /// </summary>
    bool TryKeepQueue(CloseReason reason) => false;

    /// <summary>The hub stops: say goodbye.</summary>
    void ShutDown();

    /// <summary>Nothing more can be received or queued. Called exactly once.</summary>
    void Closed(CloseReason reason);
}
