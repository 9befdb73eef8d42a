using System.Buffers.Binary;
using System.Text;
using MessageDelivery.Client;
using MessageDelivery.Fuzz.InProcess;
using MessageDelivery.Protocol;
using Microsoft.Extensions.Time.Testing;

namespace MessageDelivery.Fuzz.Targets;

/// <summary>One conversation of the client library's session, with some calls waiting for their answers.</summary>
internal sealed class ClientReading : IDisposable
{
    private const int Calls = 4;
    private const int MaxConnections = 3;

    // The program takes a delivery after every so many frames, if one waits, and disposes of every other at once.
    private const int FramesPerTaking = 3;

    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(10);

    private readonly StringBuilder _log = new();
    private readonly DeliveryQueue _deliveries = new(long.MaxValue);
    private readonly Session _session;
    private readonly List<(Task Sending, PendingRequest? Request)> _calls = [];
    private readonly Task<bool>? _watching;
    private readonly CountedFrames _counted = new();
    private readonly IAsyncEnumerator<Delivery> _program;
    private readonly bool _isClosing;
    private int _frames;
    private bool _isGiven;
    private FrameReader _reader = new();
    private SessionLink _link = new();
    private int _position;
    private int _unreadBytes;
    private HubConnectionException? _reason;

    private ClientReading(byte switches)
    {
        DiscardsDeliveries = (switches & 2) != 0;
        var options = new HubClientOptions { DiscardDeliveries = DiscardsDeliveries, TimeProvider = new FakeTimeProvider() };
        _session = new(options, _deliveries, error => _log.Append("relay: ").Append(Shown(error)).Append('\n'));
        if ((switches & 0x30) == 0x10)
        {
            _watching = _session.Presence.WatchAsync(default).GetAsyncEnumerator().MoveNextAsync().AsTask();
        }

        for (int call = 0; call < Calls; call++)
        {
            Call((switches >> (2 + (call % 3 * 2))) & 3);
        }

        _program = _deliveries.ReadAsync(default).GetAsyncEnumerator();
        _isClosing = (switches & 0x80) != 0;
        if (_isClosing)
        {
            _session.BeginClose();
        }
    }

    /// <summary>What came of it.</summary>
    public string Log => _log.ToString();

    /// <summary>Where the frames stand in the stream that the session has taken and gone on, without deliveries that it had before.</summary>
    public List<int> Taken { get; } = [];

    public bool DiscardsDeliveries { get; }

    /// <summary>Sender and body of each delivery.</summary>
    public List<byte> Delivered { get; } = [];

    /// <summary>Plays the conversation to its end. What follows the end of a connection comes on the next.</summary>
    public static ClientReading Play(ReadOnlyMemory<byte> stream, Func<ReadOnlyMemory<byte>, IReadOnlyList<ReadOnlyMemory<byte>>> cut, byte switches)
    {
        var reading = new ClientReading(switches);
        for (int connections = 0; connections < MaxConnections && reading._position < stream.Length; connections++)
        {
            reading.Connect(cut(stream[reading._position..]));
        }

        reading.End();
        return reading;
    }

    public void Dispose() => _session.Dispose();

    private void Call(int kind)
    {
        OutboundFrame frame;
        switch (kind)
        {
            case 0:
                frame = new(FrameType.Echo) { Body = new byte[3], Request = new EchoRequest() };
                break;
            case 1:
                frame = new(FrameType.List) { Request = new ListRequest(_session.Presence) };
                break;
            case 2:
                var entries = new ReceiptEntry[] { new(1, default), new(2, default) };
                frame = new(FrameType.Relay) { Flags = RelayFlags.Receipt, Receivers = new ulong[] { 1, 2 }, Request = new ReceiptRequest(entries) };
                break;
            default:
                // A relay without a receipt puts a heartbeat before the request behind it.
                _calls.Add((_session.SendAsync(new(FrameType.Relay) { Receiver = 1 }, default).AsTask(), null));
                frame = new(FrameType.Identity) { Request = new IdentityRequest() };
                break;
        }

        _calls.Add((_session.SendAsync(frame, default).AsTask(), frame.Request));
    }

    private void Connect(IReadOnlyList<ReadOnlyMemory<byte>> pieces)
    {
        NoteSent("hello", _session.CreateHello(_link, ""));
        foreach (var piece in pieces)
        {
            Arrive(piece.Span);
        }

        // A frame that is cut off is lost with its connection.
        _position += _reason is null ? _unreadBytes : 0;
        _log.Append("end: ").Append(_reason is null ? "none" : Shown(_reason)).Append('\n');
        _session.Detach(_link, _reason ?? new(null, "the end of the input"));
        if (_link.Start is not null)
        {
            _session.Accept(_link);
        }

        _reader.Release();
        (_link, _reader, _reason, _unreadBytes) = (new(), new(), null, 0);
    }

    private void Arrive(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty && _reason is null)
        {
            var space = _reader.GetSpace();
            Oracle.True(space.Length > 0, "the reader has no room");
            int taken = Math.Min(space.Length, bytes.Length);
            bytes[..taken].CopyTo(space.Span);
            bytes = bytes[taken..];
            _reader.Advance(taken);
            _unreadBytes += taken;
            ReadFrames();
        }
    }

    private void ReadFrames()
    {
        while (_reason is null)
        {
            var status = _reader.TryRead(out var frame);
            if (status == ReadStatus.NeedMoreData)
            {
                Oracle.True(_reader.HasPartialFrame == _unreadBytes > 0, "whether part of a frame has come");
                return;
            }

            if (status == ReadStatus.TooLarge)
            {
                _reason = ProtocolViolation.TooLarge(_link, frame.Header);
                _position += ProtocolLimits.HeaderBytes;
                Oracle.True(_reason.Code is ProtocolCode.FrameTooLarge or ProtocolCode.ProtocolError, $"too large is {_reason.Code}");
                return;
            }

            Receive(frame);
        }
    }

    private void Receive(in Frame frame)
    {
        int frameBytes = ProtocolLimits.HeaderBytes + frame.PayloadBytes;
        bool isWelcome = _link.Start is null;
        _reason = _session.Receive(_link, frame);
        if (_reason is null)
        {
            Note(frame.Header, isWelcome);
        }

        _unreadBytes -= frameBytes;
        _position += frameBytes;
        bool isGoodbye = frame.Header.Type == FrameType.GoodbyeReply;
        Oracle.True(
            _reason is null ? !isGoodbye
            : _reason is HubSessionLostException ? frame.Header.Type == FrameType.Welcome
            : _reason.Code == (isGoodbye ? (ProtocolCode)frame.Header.Argument : ProtocolCode.ProtocolError),
            $"the session ends as {_reason?.Code} at a frame of type 0x{(byte)frame.Header.Type:x2}");
        _session.AcknowledgeIfDue();
        while (_session.TryTakeOutbound(_link, out var batch))
        {
            NoteSent("sent", batch);
            _session.NoteSent(batch);
        }

        if (_reason is null && !_isClosing)
        {
            _counted.CheckDue();
        }
    }

    private void Note(in FrameHeader header, bool isWelcome)
    {
        if (isWelcome)
        {
            _counted.Welcome(header.Flags);
        }

        if (_counted.Receive((byte)header.Type, header.Flags, DiscardsDeliveries))
        {
            Taken.Add(_position);
        }

        if (++_frames % FramesPerTaking == 0 && _deliveries.PendingBytes > 0)
        {
            Take();
        }
    }

    /// <summary>The program asks for a delivery that waits for it, which takes the one before.</summary>
    private void Take()
    {
        NoteTaken();
        var next = _program.MoveNextAsync();
        Oracle.True(next.IsCompletedSuccessfully && next.Result, "a delivery that waits is not given");
        _isGiven = true;
        NoteDelivered(_program.Current);
        if (_frames % 2 == 0)
        {
            _program.Current.Dispose();
            NoteTaken();
        }
    }

    private void NoteTaken()
    {
        if (_isGiven)
        {
            _isGiven = false;
            _counted.Take();
        }
    }

    private void NoteDelivered(Delivery delivery)
    {
        byte[] sender = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(sender, delivery.Sender);
        Delivered.AddRange(sender);
        Delivered.AddRange(delivery.Body.Span);
    }

    private void End()
    {
        _session.End(new(null, "no further connection"), isClosedHere: false);
        _deliveries.Complete(null);
        _calls.ForEach(call => NoteResult(call.Sending, call.Request));
        NoteDeliveriesAsync().GetAwaiter().GetResult();
        _reader.Release();
        if (_watching is not null)
        {
            // What it was told depends on when it looked; that it ends does not.
            Oracle.True(Task.WhenAny(_watching).Wait(LongEnough), "a watcher is never told of the end");
        }
    }

    /// <summary>What a client sends is frames, and those as section 4 of the protocol lists them.</summary>
    private void NoteSent(string what, ReadOnlyMemory<byte> bytes)
    {
        _log.Append(what).Append(": ").Append(Convert.ToHexString(bytes.Span)).Append('\n');
        for (var frames = new FrameList(bytes); !frames.IsEmpty;)
        {
            var frame = frames.Next();
            _counted.Send(frame);
            Oracle.True(
                frame is { Type: 1, Argument: 1 } or { Type: 2 or 3 or 6 or 7 or 8, Flags: 0, Argument: 0 } or { Type: 4, Flags: 0 or 1, Argument: 0 } or { Type: 5, Flags: <= 7 },
                $"the client sends {frame}");
        }
    }

    /// <summary>A call waits until the first WELCOME says how it is to be written; what was not sent by the end is told why.</summary>
    private void NoteResult(Task sending, PendingRequest? request)
    {
        Oracle.True(Task.WhenAny(sending).Wait(LongEnough), "a call is neither sent nor told why");
        if (sending.Exception is { } error)
        {
            Oracle.True(error.InnerException is HubConnectionException, $"a call that is not sent fails as {error.InnerException}");
            _log.Append("not sent: ").Append(Shown(error.InnerException!)).Append('\n');
            return;
        }

        if (request is null)
        {
            return;
        }

        string result = request switch
        {
            EchoRequest echo => Result(echo, body =>
            {
                using (body)
                {
                    return Convert.ToHexString(body.Memory.Span);
                }
            }),
            ListRequest list => Result(list, ids => string.Join(',', ids)),
            IdentityRequest identity => Result(identity, id => id.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            ReceiptRequest receipt => Result(receipt, made => string.Join(',', made.Entries.Select(entry => (int)entry.Outcome))),
            _ => throw new OracleException($"an unknown request {request}"),
        };
        _log.Append(request.Answer).Append(": ").Append(result).Append('\n');
    }

    private static string Result<T>(PendingRequest<T> request, Func<T, string> show)
    {
        var waiting = request.WaitAsync(default).AsTask();
        Oracle.True(waiting.IsCompleted, "a call never ends");
        try
        {
            return show(waiting.GetAwaiter().GetResult());
        }
        catch (Exception error) when (error is HubConnectionException or HubRequestException)
        {
            return Shown(error);
        }
    }

    private async Task NoteDeliveriesAsync()
    {
        while (await _program.MoveNextAsync())
        {
            NoteDelivered(_program.Current);
            _program.Current.Dispose();
        }

        await _program.DisposeAsync();
        _log.Append("deliveries: ").Append(Convert.ToHexString([.. Delivered])).Append('\n');
    }

    private static string Shown(Exception error) => error switch
    {
        HubConnectionException connection => $"{connection.Message} {connection.ReconnectAdvice}",
        HubRequestException request => $"{request.Code} {request.Text}",
        _ => error.Message,
    };
}
