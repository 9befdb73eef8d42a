using System.Runtime.CompilerServices;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>
/// Bytes in both directions, over a descriptor or over another layer. A connection holds the top one and knows no kind. Receiving, and
/// everything else that does not say otherwise, is for the thread of the connection's loop; sending is for one thread at a time, which
/// may be another loop's. Nothing blocks.
/// </summary>
internal abstract unsafe class ByteLayer
{
    /// <summary>There is nothing to receive for now; the loop is told when there is.</summary>
    public const long WouldBlock = -1;

    /// <summary>The connection is broken.</summary>
    public const long Broken = -2;

    /// <summary>The layer cannot be looked into.</summary>
    public const long CannotPeek = -3;

    /// <summary>What epoll watches; negative if readiness is posted to the connection.</summary>
    public abstract int Descriptor { get; }

    /// <summary>Whether it is being set up: what is inside can neither be received nor sent yet. Receiving, with no room, goes on with that.</summary>
    public virtual bool IsOpening => false;

    /// <summary>Whether the bytes are encrypted, or do not leave the process.</summary>
    public virtual bool IsEncrypted => false;

    /// <summary>What the peer has shown to prove who it is.</summary>
    public virtual PeerCertificate PeerCertificate => default;

    /// <summary>Bytes it keeps of what was received and could not be used yet.</summary>
    public virtual int HeldBytes => 0;

    /// <summary>How what users speak is called who come over this layer; null is what they do speak.</summary>
    public virtual string? UserProtocol => null;

    /// <summary>How long its programs may have to be silent, in seconds.</summary>
    public virtual int MinHeartbeatSeconds => 0;

    /// <summary>Whether the peer broke the layer's own protocol: then there is nothing more to receive, and finishing tells it.</summary>
    public virtual bool HasFailed => false;

    /// <summary>Whether a send that took something broke all the same. For the thread that has sent.</summary>
    public virtual bool IsBroken => false;

    /// <summary>Whether the layer itself has something to say: sending, be it nothing, sends that, too. Any thread.</summary>
    public virtual bool HasToSay => false;

    /// <summary>How many times the peer has sent what brings nothing, since this was last asked.</summary>
    public virtual int TakeIdleFrames() => 0;

    /// <summary>Why the connection ends, for a layer that tells it when it finishes.</summary>
    /// <param name="code">A number below 1,000; 0 where nothing is wrong.</param>
    /// <param name="text">The same in words.</param>
    public virtual void NoteEnding(int code, string text)
    {
    }

    /// <summary>Who is told, on any thread, that there is something to receive, or room to send, where epoll watches nothing.</summary>
    public virtual void Attach(Action readable, Action writable)
    {
    }

    /// <summary>Receives; returns how many bytes, 0 at the end of the stream, <see cref="WouldBlock"/> or <see cref="Broken"/>.</summary>
    /// <param name="destination">Outside of the collected heap, or pinned by the callee.</param>
    /// <param name="more">Whether there may be more at once.</param>
    public abstract long Receive(Span<byte> destination, LoopCounters counters, out bool more);

    /// <summary>Looks at what is to be received, and leaves it; returns as <see cref="Receive"/> does, or <see cref="CannotPeek"/>.</summary>
    public virtual long Peek(Span<byte> destination) => CannotPeek;

    /// <summary>Receives and drops bytes; returns as <see cref="Receive"/> does. Of a layer that cannot be looked into, what lies below it.</summary>
    public abstract long Drop(int bytes);

    /// <summary>Sends what it can: bytes taken, possibly none; <see cref="Broken"/> if it takes no more for good.</summary>
    [SkipLocalsInit]
    public long Send(ReadOnlySpan<Segment> segments, LoopCounters counters)
    {
        var vectors = stackalloc Libc.IoVector[segments.Length];
        for (int i = 0; i < segments.Length; i++)
        {
            ref readonly var segment = ref segments[i];
            vectors[i].Address = segment.Block.Address(segment.Offset);
            vectors[i].Length = segment.Length;
        }

        return Send(new ReadOnlySpan<Libc.IoVector>(vectors, segments.Length), counters);
    }

    /// <summary>The same, from any memory.</summary>
    public long Send(ReadOnlySpan<byte> bytes, LoopCounters counters)
    {
        fixed (byte* start = bytes)
        {
            var vector = new Libc.IoVector { Address = start, Length = bytes.Length };
            return Send(new ReadOnlySpan<Libc.IoVector>(in vector), counters);
        }
    }

    /// <summary>The same, from memory that does not move meanwhile.</summary>
    public abstract long Send(ReadOnlySpan<Libc.IoVector> vectors, LoopCounters counters);

    /// <summary>Bytes that were taken and that the peer's machine has not acknowledged. Falls when the peer takes something.</summary>
    public abstract int UnacknowledgedBytes { get; }

    /// <summary>There is room to send: sends what the layer itself has to say. False if the connection is broken.</summary>
    public virtual bool OnWritable(LoopCounters counters) => true;

    /// <summary>What another thread did for the layer is done. False if the connection is broken.</summary>
    public virtual bool OnPosted(LoopCounters counters) => true;

    /// <summary>
    /// Everything was sent: tells the peer that nothing follows. False if that waits for room: call again when there is some.
    /// </summary>
    public abstract bool TryFinish(LoopCounters counters);

    /// <summary>Whether something waits for the peer's acknowledgement, and nothing at all has come of its machine for so long.</summary>
    public abstract bool HasVanished(long afterMilliseconds);

    /// <summary>Makes <see cref="Close"/> reset the connection and drop what the kernel holds.</summary>
    public abstract void ResetOnClose();

    /// <summary>Lets go of what was received and could not be used.</summary>
    public virtual void ReleaseInput()
    {
    }

    /// <summary>Lets go of everything, once nobody sends any more.</summary>
    public abstract void Close();
}
