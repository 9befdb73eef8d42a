using System.Buffers.Binary;
using CsCheck;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>
/// Whatever is queued, sent in part, acknowledged, cut and resumed in whatever order: the client counts each frame once, in order,
/// and what it does not count never comes between the parts of one.
/// </summary>
public sealed class RetentionModelTests
{
    private const long AwayLimit = 60_000;

    private enum Step
    {
        AddRun,
        AddLarge,
        AddReceipt,
        AddUncounted,
        SendSome,
        SendAll,
        Acknowledge,
        Park,
        MemoryLow,
        MemoryAvailable,
        Unhear,
        Cut,
        CutWhileSending,
        Attach,
        AttachWithTooMuch,
    }

    [Fact]
    public void Each_counted_frame_arrives_once_in_order_whatever_happens() => Gen.Select(
        Gen.Int[0, Enum.GetValues<Step>().Length - 1].Select(step => (Step)step), Gen.Int[1, 20_000]).Array[1, 80].Sample(steps =>
    {
        using var model = new Model();
        foreach (var (step, size) in steps)
        {
            model.Do(step, size);
        }

        model.Finish();
    }, iter: 1_500);

    private sealed class Model : IDisposable
    {
        private readonly StillLoop _still = new(queueLimitBytes: 100_000);
        private readonly FakeWaiter _waiter = new();
        private readonly OutboundQueue _queue;
        private readonly Client _client = new();
        private readonly List<int> _waiting = [];
        private FakePeer _peer = new() { Room = 0 };
        private ulong _added;
        private ulong _acknowledged;
        private int _places;
        private bool _isAway;
        private bool _isOver;
        private long _addedAway;
        private long _addedBytes;
        private readonly Stack<Block> _rented = new();

        public Model()
        {
            _queue = new(_still.Pool, 100_000, _still.Connect());
            _queue.EnableReplay(CountedFrames.Instance);
        }

        public void Do(Step step, int size)
        {
            if (_isOver)
            {
                return;
            }

            switch (step)
            {
                case Step.AddRun:
                    Deliver(Enumerable.Range(0, 1 + (size % 40)).Select(_ => Frame(_added++, size % 700)).ToArray());
                    break;
                case Step.AddLarge:
                    Deliver([Frame(_added++, size)], pieces: 1 + (size % 3));
                    break;
                case Step.AddReceipt when _waiting.Count == _waiter.Told.Count:
                    // It would overtake those in line, and the frames are numbered in the order in which they were added.
                    Receipt(Frame(_added++, size % 50));
                    break;
                case Step.AddUncounted:
                    byte[] uncounted = Uncounted(size % 900);
                    _addedBytes += uncounted.Length;
                    _queue.Add(uncounted, _peer);
                    break;
                case Step.SendSome:
                    Send(size);
                    break;
                case Step.SendAll:
                    Send(long.MaxValue);
                    break;
                case Step.Acknowledge when !_isAway:
                    Acknowledge((ulong)size % (_client.Total + 2));
                    break;
                case Step.Park:
                    _queue.Park();
                    Assert.False(_queue.IsUnparked && !_still.Pool.IsLow, "Small pieces are left in blocks that they share.");
                    break;
                case Step.MemoryLow:
                    while (!_still.Pool.IsLow)
                    {
                        _rented.Push(_still.Pool.Rent(BlockSize.Large));
                    }

                    break;
                case Step.MemoryAvailable:
                    LetGoOfMemory();
                    break;
                case Step.Unhear when !_isAway:
                    _queue.PauseAcknowledgements(_peer);
                    _queue.ResumeAcknowledgements();
                    break;
                case Step.Cut when !_isAway:
                    Cut();
                    break;
                case Step.CutWhileSending when !_isAway && _queue.PendingBytes > 0:
                    _peer.WhileSending = Cut;
                    Send(size);
                    break;
                case Step.Attach when _isAway:
                    Attach();
                    break;
                case Step.AttachWithTooMuch when _isAway:
                    Assert.Equal(ReplayStatus.NeverSent, _queue.Attach(_still.Connect(), _added + 1, [], _peer));
                    break;
            }
        }

        public void Finish()
        {
            if (_isAway && !_isOver)
            {
                Attach();
            }

            if (!_isOver)
            {
                Drain();
                Assert.True(_added == _client.Total, $"{_client.Total} of {_added} frames");
                Assert.Equal(ReplayStatus.Available, _queue.Acknowledge(_client.Total, _peer));
                Assert.Equal(0, _queue.HeldBytes);
                Assert.All(_waiter.Told, told => Assert.True(told.Accepted));
            }

            Assert.InRange(_queue.CopiedBytes, 0, _addedBytes);
        }

        public void Dispose()
        {
            LetGoOfMemory();
            _queue.Close(_peer);
            _still.Dispose();
        }

        private void LetGoOfMemory()
        {
            while (_rented.TryPop(out var block))
            {
                block.Release();
            }
        }

        private void Deliver(byte[][] frames, int pieces = 1)
        {
            byte[] bytes = [.. frames.SelectMany(frame => frame)];
            var block = _still.Pool.Rent(BlockSize.Large);
            bytes.CopyTo(block.Span(5, bytes.Length));
            int part = bytes.Length / pieces;
            var segments = Enumerable.Range(0, pieces)
                .Select(i => new Segment(block, 5 + (i * part), i == pieces - 1 ? bytes.Length - (i * part) : part)).ToArray();
            var result = _queue.TryAdd(segments, frames.Length, null, _waiter, _places++, _peer);
            block.Release();
            Judge(result, bytes.Length);
        }

        private void Receipt(byte[] frame) => Judge(_queue.AddCounted(frame, _peer), frame.Length);

        private void Judge(QueueResult result, int bytes)
        {
            _addedBytes += bytes;
            if (!_isAway)
            {
                Assert.True(result is QueueResult.Accepted or QueueResult.Waiting);
                if (result == QueueResult.Waiting)
                {
                    _waiting.Add(bytes);
                }

                return;
            }

            bool fits = _addedAway + bytes <= AwayLimit;
            _addedAway += bytes;
            Assert.Equal(!fits, result == QueueResult.Overflowed);
            _isOver = !fits;
        }

        private void Send(long room)
        {
            var peer = _peer;
            peer.Room = room;
            _queue.Unblock();
            while (_queue.Flush(peer, peer, scheduled: true) == FlushResult.More)
            {
            }

            peer.Room = 0;
            peer.WhileSending = null;
            if (!ReferenceEquals(peer, _peer) || _isAway)
            {
                // What was under way when the connection was cut may have arrived.
                _client.TakeLast(peer);
            }
            else
            {
                _client.Take(peer);
            }
        }

        /// <summary>Sends and acknowledges until nothing waits, as a good client does.</summary>
        private void Drain()
        {
            for (int i = 0; i < 1_000 && (_queue.PendingBytes > 0 || _client.Total < _added); i++)
            {
                Send(long.MaxValue);
                Assert.Equal(ReplayStatus.Available, _queue.Acknowledge(_client.Total, _peer));
            }
        }

        private void Acknowledge(ulong total)
        {
            var check = _queue.Acknowledge(total, _peer);
            // One more than it has may have been sent in part, and then nobody can tell.
            if (total <= _client.Total)
            {
                Assert.Equal(total < _acknowledged ? ReplayStatus.Released : ReplayStatus.Available, check);
                _acknowledged = Math.Max(_acknowledged, total);
            }
            else if (check == ReplayStatus.Available)
            {
                // It lied, and has to live with it.
                _acknowledged = total;
                _isOver = true;
            }
        }

        private void Cut()
        {
            _peer.WhileSending = null;
            _isAway = true;
            // Those in line are added while it is away.
            _addedAway = _waiting.Skip(_waiter.Told.Count).Sum();
            _isOver = _addedAway > AwayLimit;
            Assert.Equal(!_isOver, _queue.Detach(AwayLimit, limitsLine: true, _peer));
            Assert.Equal(FlushResult.Nothing, _queue.Flush(_peer, _peer, scheduled: true));
        }

        private void Attach()
        {
            _client.Reconnect();
            _peer = new() { Room = 0 };
            _acknowledged = Math.Max(_acknowledged, _client.Total);
            _addedBytes += Uncounted(3).Length;
            Assert.Equal(ReplayStatus.Available, _queue.Attach(_still.Connect(), _client.Total, Uncounted(3), _peer));
            _isAway = false;
        }

        private static byte[] Frame(ulong sequence, int bytes) => Frame(FrameType.Delivery, sequence, bytes);

        private static byte[] Uncounted(int bytes) => Frame(FrameType.EchoReply, 0, bytes);

        private static byte[] Frame(FrameType type, ulong sequence, int bytes)
        {
            var frame = new byte[16 + bytes];
            new FrameHeader(type, 0, 0, (uint)(8 + bytes)).Write(frame);
            BinaryPrimitives.WriteUInt64LittleEndian(frame.AsSpan(8), sequence);
            frame.AsSpan(16).Fill((byte)sequence);
            return frame;
        }
    }

    /// <summary>Counts frames as a client does, and checks each.</summary>
    private sealed class Client
    {
        private byte[] _unfinished = [];
        private bool _isLost;

        public ulong Total { get; private set; }

        public void Take(FakePeer peer)
        {
            byte[] bytes = [.. _unfinished, .. peer.Received];
            peer.Received.Clear();
            int used = 0;
            while (bytes.Length - used >= 8 && FrameHeader.Read(bytes.AsSpan(used)) is var header && bytes.Length - used >= 8 + header.Length)
            {
                if (header.Type == FrameType.Delivery)
                {
                    Assert.Equal(Total++, BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(used + 8)));
                    Assert.True(bytes.AsSpan(used + 16, (int)header.Length - 8).IndexOfAnyExcept((byte)(Total - 1)) < 0);
                }

                used += 8 + (int)header.Length;
            }

            _unfinished = bytes[used..];
        }

        public void TakeLast(FakePeer peer)
        {
            if (!_isLost)
            {
                Take(peer);
                _isLost = true;
            }
        }

        public void Reconnect()
        {
            _unfinished = [];
            _isLost = false;
        }
    }
}
