using MessageDelivery.Hub.Buffers;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// What is spoken on a connection: bytes in, count consumed out. Every member is called on the thread of the connection's loop.
/// </summary>
internal interface IProtocol
{
    /// <summary>
    /// When to call <see cref="OnDeadline"/>, in the loop's milliseconds; <see cref="long.MaxValue"/> for never. Read again after each
    /// call of another member.
    /// </summary>
    long Deadline { get; }

    void OnDeadline();

    /// <summary>
    /// Looks at all bytes that were received and not consumed, and returns how many it is done with. Whoever keeps a part of the block
    /// retains it, and says how much by <see cref="ReceiveWindow.UnfinishedBytes"/>. It leaves at most
    /// <see cref="ReceiveWindow.MaxUnconsumedBytes"/>, unless it has paused the connection or found memory low; then it is called again with
    /// the same bytes later. With <see cref="ReceiveWindow.IsFinal"/> nothing will follow and the connection closes after the call; the
    /// input may be empty then, without a block.
    /// </summary>
    int Consume(in Segment input);

    /// <summary>
    /// There is no memory to receive into. Looks at the first bytes, which are still in the kernel, and returns how many it has dealt
    /// with: what frees memory, or refuses the connection.
    /// </summary>
    int ConsumeUrgent(ReadOnlySpan<byte> front) => 0;

    /// <summary>
    /// How many bytes to make room for. Of a front that is still in the kernel: whole requests, or all that the first may bring. Of one
    /// that was received, as the beginning of a request or behind what the protocol keeps of it: all that may still come.
    /// </summary>
    int RequestBytes(ReadOnlySpan<byte> front, bool isReceived);

    /// <summary>What <see cref="Connection.Pause"/> was waiting for has come: the connection is about to go on.</summary>
    void Resumed();

    /// <summary>
    /// Says goodbye and closes: <see cref="CloseReason.SlowConsumer"/> if the peer has taken nothing for the stall limit while others
    /// waited, <see cref="CloseReason.Overloaded"/> if the memory of its unfinished input is needed, or
    /// <see cref="CloseReason.ShuttingDown"/>.
    /// </summary>
    void End(CloseReason reason);

    /// <summary>Nothing more can be received or queued. Called exactly once.</summary>
    void Closed(CloseReason reason);
}

/// <summary>A protocol whose conversation may go on with another connection.</summary>
internal interface IResumableProtocol : IProtocol
{
    /// <summary>
    /// Whether the conversation outlives the connection, which ends for this reason. If so, what is queued is not the connection's any
    /// more from the call on.
    /// </summary>
    bool TryKeepQueue(CloseReason reason);
}
