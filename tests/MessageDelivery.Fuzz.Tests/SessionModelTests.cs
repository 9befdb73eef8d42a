using System.Buffers.Binary;
using CsCheck;
using MessageDelivery.Fuzz.InProcess;
using MessageDelivery.Protocol;

namespace MessageDelivery.Fuzz.Tests;

/// <summary>
/// A session against a model of a few numbers, on a clock that stands still: messages to it and from it, acknowledgements, lost
/// connections, takeovers, time that passes and more than is kept, in any order.
/// </summary>
public sealed class SessionModelTests
{
    private enum Step
    {
        RelayToIt,
        RelayMuchToIt,
        RelayFromIt,
        Acknowledge,
        Cut,
        Resume,
        TakeOver,
        ResumeWithTooMuch,
        Wait,
    }

    [Fact]
    public void A_session_is_as_its_model_says()
    {
        int expired = 0;
        int overflowed = 0;
        Gen.Select(Gen.Int[0, Enum.GetValues<Step>().Length - 1].Select(step => (Step)step), Gen.Int[1, 200]).Array[1, 40].Sample(steps =>
        {
            using var model = new Model();
            foreach (var (step, size) in steps)
            {
                model.Do(step, size);
            }

            model.End();
            expired += model.Expired;
            overflowed += model.Overflowed;
        }, iter: 200, threads: 1);
        Assert.True(expired > 0, "no session expired");
        Assert.True(overflowed > 0, "nothing overflowed");
    }

    private sealed class Model : IDisposable
    {
        private const int LargeBytes = 1 << 20;

        // Beyond its queue the sender would wait.
        private const int MaxUnacknowledged = 20;

        private readonly SteppedHub _hub = new();
        private readonly SteppedPeer _sender;
        private SteppedPeer _peer = null!;
        private ulong _id;
        private byte[] _key = [];
        private ulong _correlation;

        // What the session was sent, by number, and how many of these the client has counted and the hub let go of.
        private readonly List<ulong> _sent = [];
        private int _counted;
        private int _acknowledged;
        private ulong _relayed;
        private bool _isAway;
        private bool _isOver;
        private long _awayBytes;
        private int _awaySeconds;

        public Model()
        {
            _sender = _hub.Join(Hello(0, []));
            Begin(flags: 1, []);
        }

        public int Expired { get; private set; }

        public int Overflowed { get; private set; }

        public void Do(Step step, int size)
        {
            switch (step)
            {
                case Step.RelayToIt:
                    Relay(size);
                    break;
                case Step.RelayMuchToIt when _sent.Count - _acknowledged < MaxUnacknowledged:
                    for (int i = 0; i <= size % 10; i++)
                    {
                        Relay(LargeBytes - 8 - size);
                    }

                    break;
                case Step.RelayFromIt when IsConnected:
                    RelayFromIt(1 + (size % 5));
                    break;
                case Step.Acknowledge when IsConnected:
                    _acknowledged = Math.Max(_acknowledged, _counted - (size % (_counted + 1)));
                    _hub.Send(_peer, Ack((ulong)_acknowledged));
                    _hub.Settle();
                    Read();
                    break;
                case Step.Cut when IsConnected:
                    _peer.Close();
                    _hub.Settle();
                    Detach();
                    break;
                case Step.Resume when !IsConnected:
                    Resume();
                    break;
                case Step.TakeOver when IsConnected:
                    var old = _peer;
                    Resume();
                    Assert.True(old.HasEnded);
                    old.Close();
                    break;
                case Step.ResumeWithTooMuch when !_isOver:
                    ResumeWithTooMuch();
                    break;
                case Step.Wait:
                    Wait(size / 2);
                    break;
            }
        }

        public void End()
        {
            if (!IsConnected)
            {
                Resume();
            }

            Assert.Equal(_sent.Count, _counted);
            _hub.End();
        }

        public void Dispose() => _hub.Dispose();

        private bool IsConnected => !_isAway && !_isOver;

        private void Detach() => (_isAway, _awayBytes, _awaySeconds) = (true, 0, 0);

        private void Relay(int bytes)
        {
            byte[] body = new byte[8 + bytes];
            ulong number = ++_correlation;
            BinaryPrimitives.WriteUInt64LittleEndian(body, number);
            _hub.Send(_sender, Relay(_id, number, body));
            _hub.Settle();
            var receipt = new FrameList(_sender.Received.ToArray()).Next();
            _sender.Received.Clear();
            Assert.Equal(PlainFrame.Receipt, receipt.Type);
            Assert.Equal(number, receipt.Number());

            _awayBytes += _isAway ? 16 + body.Length : 0;
            bool overflows = _isAway && _awayBytes > SteppedHub.RetentionBytes;
            var expected = _isOver ? Outcome.Unknown : overflows ? Outcome.Full : _isAway ? Outcome.Held : Outcome.Accepted;
            Assert.Equal(expected, (Outcome)receipt.Payload.Span[8]);
            if (overflows)
            {
                (_isOver, _isAway) = (true, false);
                Overflowed++;
            }
            else if (!_isOver)
            {
                _sent.Add(number);
                Read();
            }
        }

        private void RelayFromIt(int count)
        {
            for (int i = 0; i < count; i++)
            {
                _hub.Send(_peer, Relay(1, null, [1]));
                _relayed++;
            }

            _hub.Settle();
            var delivered = new FrameList(_sender.Received.ToArray());
            for (int i = 0; i < count; i++)
            {
                var delivery = delivered.Next();
                Assert.Equal((PlainFrame.Delivery, _id), (delivery.Type, delivery.Number()));
            }

            Assert.True(delivered.IsEmpty);
            _sender.Received.Clear();
            Read();
        }

        private void Resume()
        {
            bool isResumed = !_isOver;
            _peer = _hub.Connect();
            _hub.Send(_peer, Hello(2, [.. _key, .. Number((ulong)_counted)]));
            _hub.Settle();
            TakeWelcome(isResumed);
            Read();
        }

        /// <summary>Whoever asks for more than there ever was gets nothing, and the session stays as it was.</summary>
        private void ResumeWithTooMuch()
        {
            var liar = _hub.Connect();
            _hub.Send(liar, Hello(2, [.. _key, .. Number((ulong)_sent.Count + 1)]));
            _hub.Settle();
            var goodbye = new FrameList(liar.Received.ToArray()).Next();
            Assert.Equal((PlainFrame.Goodbye, (ushort)ProtocolCode.ProtocolError), (goodbye.Type, goodbye.Argument));
            liar.Close();
            _hub.Settle();
        }

        private void Begin(byte flags, byte[] resume)
        {
            _peer = _hub.Connect();
            _hub.Send(_peer, Hello(flags, resume));
            _hub.Settle();
            TakeWelcome(isResumed: false);
        }

        private void TakeWelcome(bool isResumed)
        {
            var frames = new FrameList(_peer.Received.ToArray());
            var welcome = frames.Next();
            _peer.Received.RemoveRange(0, 8 + welcome.Payload.Length);
            Assert.Equal((PlainFrame.Welcome, (byte)(isResumed ? 3 : 1)), (welcome.Type, welcome.Flags));
            Assert.Equal(isResumed, welcome.Number() == _id);
            if (!isResumed)
            {
                _sent.Clear();
                (_counted, _acknowledged, _relayed) = (0, 0, 0);
            }

            Assert.Equal(_relayed, welcome.Number(32));
            _id = welcome.Number();
            _key = welcome.Payload.Slice(16, 16).ToArray();
            _acknowledged = _counted;
            (_isAway, _isOver) = (false, false);
        }

        /// <summary>Heartbeats keep the connections; whoever is away for the whole window has left.</summary>
        private void Wait(int seconds)
        {
            for (int left = seconds; left > 0; left -= SteppedHub.HeartbeatSeconds)
            {
                int part = Math.Min(left, SteppedHub.HeartbeatSeconds);
                _hub.Send(_sender, [7, 0, 0, 0, 0, 0, 0, 0]);
                if (IsConnected)
                {
                    _hub.Send(_peer, [7, 0, 0, 0, 0, 0, 0, 0]);
                }

                // And a tick of the hub's deadlines, so that what is due at this second is over.
                _hub.Wait(TimeSpan.FromSeconds(part) + TimeSpan.FromMilliseconds(20));
                _awaySeconds += _isAway ? part : 0;
            }

            _sender.Received.Clear();
            if (IsConnected)
            {
                Read();
            }
            else if (_isAway && _awaySeconds >= SteppedHub.ResumeWindowSeconds)
            {
                (_isOver, _isAway) = (true, false);
                Expired++;
            }
        }

        /// <summary>Counts what has come, and checks that it is what comes next.</summary>
        private void Read()
        {
            if (_isAway)
            {
                return;
            }

            for (var frames = new FrameList(_peer.Received.ToArray()); !frames.IsEmpty;)
            {
                var frame = frames.Next();
                if (frame.Type == PlainFrame.Delivery)
                {
                    Assert.Equal(_sent[_counted++], frame.Number(8));
                }
                else
                {
                    Assert.True(frame.Type is PlainFrame.Ack or PlainFrame.Heartbeat, frame.ToString());
                }
            }

            _peer.Received.Clear();
        }

        private static byte[] Hello(byte flags, byte[] resume) => [1, flags, 1, 0, (byte)(4 + resume.Length), 0, 0, 0, .. "MDS1"u8, .. resume];

        private static byte[] Ack(ulong total) => [6, 0, 0, 0, 8, 0, 0, 0, .. Number(total)];

        private static byte[] Relay(ulong to, ulong? correlation, byte[] body)
        {
            byte[] head = [.. correlation is { } number ? Number(number) : [], .. Number(to)];
            byte[] frame = [5, (byte)(correlation is null ? 0 : 1), 1, 0, 0, 0, 0, 0, .. head, .. body];
            BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(4), head.Length + body.Length);
            return frame;
        }

        private static byte[] Number(ulong value)
        {
            byte[] bytes = new byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
            return bytes;
        }
    }
}
