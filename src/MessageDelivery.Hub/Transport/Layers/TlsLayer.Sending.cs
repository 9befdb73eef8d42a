using System.Runtime.CompilerServices;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Outbound;

namespace MessageDelivery.Hub.Transport.Layers;

/// <content>
/// Sending. The queue is told that bytes were taken when the kernel has taken them encrypted: those that are encrypted and wait for the
/// kernel still stand at its front, and are not encrypted again.
/// </content>
internal sealed unsafe partial class TlsLayer
{
    private PendingSegments _unsent;
    private CopyBlocks _unsentBlocks = new(pool);
    private long _ahead;

    private enum SendStatus
    {
        Sent,
        Blocked,
        Broken,
    }

    /// <summary>Sends until the kernel takes no more; returns what <see cref="IOutboundSink.Send"/> does.</summary>
    public long Send(int socket, ReadOnlySpan<Segment> segments, LoopCounters counters)
    {
        if (!IsEstablished)
        {
            return 0;
        }

        long sentBefore = counters.BytesSent;
        var status = TrySendUnsent(socket, out long unsent);
        counters.BytesSent += unsent;
        if (status != SendStatus.Sent)
        {
            return status == SendStatus.Broken ? StreamSocket.Broken : 0;
        }

        var source = new PlainReader(segments);
        long taken = source.Skip(_ahead);
        _ahead -= taken;
        var scratch = TlsScratch.Current;
        while (!source.IsAtEnd)
        {
            scratch.ClearOutput();
            int plain = Encrypt(scratch, ref source);
            if (plain < 0)
            {
                return StreamSocket.Broken;
            }

            long sent = StreamSocket.SendBytes(socket, scratch.Output);
            if (sent < 0)
            {
                return StreamSocket.Broken;
            }

            counters.BytesSent += sent;
            if (sent < scratch.OutputLength)
            {
                _unsent.Copy(scratch.Output[(int)sent..], QueuedSegment.Uncounted, ref _unsentBlocks);
                _ahead += plain;
                break;
            }

            taken += plain;
        }

        scratch.ClearOutput();
        return taken;
    }

    /// <summary>Sends bytes as they are, before anything else: the hub's side of the handshake. False if the connection is broken.</summary>
    public bool TrySendRaw(int socket, ReadOnlySpan<byte> bytes, LoopCounters counters)
    {
        if (!bytes.IsEmpty)
        {
            _unsent.Copy(bytes, QueuedSegment.Uncounted, ref _unsentBlocks);
        }

        var status = TrySendUnsent(socket, out long sent);
        counters.BytesSent += sent;
        return status != SendStatus.Broken;
    }

    private SendStatus TrySendUnsent(int socket, out long sent)
    {
        sent = 0;
        Segments vectors = default;
        while (!_unsent.IsEmpty)
        {
            int count = _unsent.Peek(vectors);
            long offered = Segment.TotalBytes(vectors[..count]);
            long taken = StreamSocket.Send(socket, vectors[..count]);
            if (taken < 0)
            {
                return SendStatus.Broken;
            }

            sent += taken;
            _unsent.Consume(taken, null);
            if (taken < offered)
            {
                return SendStatus.Blocked;
            }
        }

        _unsentBlocks.LetGo();
        return SendStatus.Sent;
    }

    /// <summary>Encrypts as much as leaves in one send; returns plain bytes, or a negative number if that cannot be done any more.</summary>
    private int Encrypt(TlsScratch scratch, ref PlainReader source)
    {
        int plain = 0;
        try
        {
            for (int records = 0; records < TlsScratch.RecordsPerSend && scratch.HasRoomForRecord && !source.IsAtEnd; records++)
            {
                var next = source.Next(scratch);
                var writing = _ssl!.WriteAsync(next);
                if (!writing.IsCompleted)
                {
                    throw new InvalidOperationException("Writing a record did not end at once.");
                }

                writing.GetAwaiter().GetResult();
                plain += next.Length;
            }
        }
        catch (Exception error) when (error is IOException or InvalidOperationException)
        {
            return -1;
        }

        return plain;
    }

    [InlineArray(8)]
    private struct Segments
    {
        private Segment _first;
    }

    /// <summary>Reads segments, a record's worth at a time.</summary>
    private ref struct PlainReader(ReadOnlySpan<Segment> segments)
    {
        private readonly ReadOnlySpan<Segment> _segments = segments;
        private int _index;
        private int _offset;

        public readonly bool IsAtEnd => _index == _segments.Length;

        public long Skip(long bytes)
        {
            long skipped = 0;
            while (skipped < bytes && !IsAtEnd)
            {
                int here = (int)Math.Min(_segments[_index].Length - _offset, bytes - skipped);
                skipped += here;
                Advance(here);
            }

            return skipped;
        }

        /// <summary>What one record takes: where it is, if it lies in one piece, else copied together.</summary>
        public ReadOnlyMemory<byte> Next(TlsScratch scratch)
        {
            ref readonly var first = ref _segments[_index];
            int here = first.Length - _offset;
            if (here >= TlsRecord.MaxPlainBytes || _index == _segments.Length - 1)
            {
                int length = Math.Min(here, TlsRecord.MaxPlainBytes);
                var memory = scratch.Window.Over(first.Block.Address(first.Offset + _offset), length);
                Advance(length);
                return memory;
            }

            int filled = 0;
            while (filled < TlsRecord.MaxPlainBytes && !IsAtEnd)
            {
                ref readonly var segment = ref _segments[_index];
                int length = Math.Min(segment.Length - _offset, TlsRecord.MaxPlainBytes - filled);
                segment.Block.Span(segment.Offset + _offset, length).CopyTo(scratch.Plain.AsSpan(filled));
                filled += length;
                Advance(length);
            }

            return scratch.Plain.AsMemory(0, filled);
        }

        private void Advance(int bytes)
        {
            _offset += bytes;
            while (_index < _segments.Length && _offset == _segments[_index].Length)
            {
                _index++;
                _offset = 0;
            }
        }
    }
}
