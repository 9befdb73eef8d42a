using System.Diagnostics;
using System.Net.Sockets;
using System.Net;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>Reads at a given rate, on a thread of its own, and checks that each sender's numbers have no gap and no repetition.</summary>
internal sealed class CountingReceiver : IDisposable
{
    /// <summary>Half of the hub's default: a receiver that sends nothing else would be taken for dead.</summary>
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    private const int MaxRead = 64 << 10;

    private readonly BinaryPeer _peer;
    private readonly int _bodyBytes;
    private readonly Thread _thread;
    private readonly Dictionary<ulong, Counter> _bySender = [];
    private long _bytesPerSecond;
    private long _received;
    private long _expected = long.MaxValue;

    public CountingReceiver(IPEndPoint hub, int bodyBytes, long bytesPerSecond)
    {
        _bodyBytes = bodyBytes;
        _bytesPerSecond = bytesPerSecond;
        _peer = BinaryPeer.Connect(hub, 256 << 10);
        _thread = new(Run) { IsBackground = true, Name = "receiver" };
    }

    public ulong UserId => _peer.UserId;

    /// <summary>Messages so far.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Messages whose number was above the one that had to come: those between are lost, or came too late.</summary>
    public long Gaps { get; private set; }

    /// <summary>Messages whose number had come already, or came after a later one.</summary>
    public long Repetitions { get; private set; }

    /// <summary>Messages of a wrong size, or whose body names another sender than the hub does.</summary>
    public long Damaged { get; private set; }

    /// <summary>Why it ended early; null if it did not.</summary>
    public string? Failure { get; private set; }

    public bool HasEnded => !_thread.IsAlive;

    public void Start() => _thread.Start();

    /// <summary>Messages of one sender, once it has ended.</summary>
    public long CountOf(ulong sender) => _bySender.TryGetValue(sender, out var counter) ? counter.Count : 0;

    /// <summary>From now on it reads as fast as it can.</summary>
    public void StopPacing() => Volatile.Write(ref _bytesPerSecond, 0);

    /// <summary>It ends when it has so many messages, or when nothing has come for a minute.</summary>
    public void Expect(long messages) => Volatile.Write(ref _expected, messages);

    public void Dispose()
    {
        _peer.Dispose();
        _thread.Join();
    }

    private void Run()
    {
        try
        {
            ReceiveAll();
        }
        catch (Exception exception) when (exception is IOException or SocketException or InvalidDataException or ObjectDisposedException)
        {
            Failure = exception.Message;
        }
    }

    private void ReceiveAll()
    {
        var clock = Stopwatch.StartNew();
        var nextHeartbeat = Heartbeat;
        long read = 0;
        while (Received < Volatile.Read(ref _expected))
        {
            if (clock.Elapsed >= nextHeartbeat)
            {
                _peer.Wire.Send(FrameBytes.Header(FrameType.Heartbeat));
                nextHeartbeat += Heartbeat;
            }

            long rate = Volatile.Read(ref _bytesPerSecond);
            if (rate > 0 && read > clock.Elapsed.TotalSeconds * rate)
            {
                Thread.Sleep(2);
                continue;
            }

            // Everything may have come, and the total be known a moment later: nothing would end the wait.
            if (!_peer.Wire.Socket.Poll(100_000, SelectMode.SelectRead))
            {
                continue;
            }

            int count = _peer.Wire.ReceiveSome(rate > 0 ? MaxRead : int.MaxValue);
            read += count > 0 ? count : throw new EndOfStreamException("the hub closed the connection");
            while (_peer.TryTake(out var frame))
            {
                if (frame.Type == FrameType.Delivery)
                {
                    Check(frame.Payload.Span);
                }
            }
        }
    }

    private void Check(ReadOnlySpan<byte> payload)
    {
        if (payload.Length != 8 + _bodyBytes)
        {
            Damaged++;
            return;
        }

        var (sender, number, author) = RelayFrame.Read(payload);
        if (!_bySender.TryGetValue(sender, out var counter))
        {
            _bySender.Add(sender, counter = new());
        }

        Damaged += sender == author ? 0 : 1;
        Gaps += number > counter.Next ? 1 : 0;
        Repetitions += number < counter.Next ? 1 : 0;
        counter.Next = Math.Max(counter.Next, number + 1);
        counter.Count++;
        Volatile.Write(ref _received, _received + 1);
    }

    private sealed class Counter
    {
        public long Next { get; set; }

        public long Count { get; set; }
    }
}
