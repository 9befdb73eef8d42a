using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;
using MessageDelivery.Torture.Checking;
using MessageDelivery.Torture.Load;

namespace MessageDelivery.Torture.Clients;

/// <summary>
/// A client of the text protocol, which has the hub confirm each relay and name each sender. It relays one at a time, comes and
/// goes, and loses its session with its connection.
/// </summary>
internal sealed class TextClient(Surroundings surroundings) : ITortureClient
{
    /// <summary>The most a body may have: with its ids it has to be one line.</summary>
    public const int MaxBodyBytes = 4_096;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan MaxSilence = TimeSpan.FromSeconds(15);

    private readonly Random _random = new(surroundings.Seed);
    private readonly IHistory _history = surroundings.History;
    private readonly Pace _pace = new(surroundings.Rate);
    private ulong _session;
    private ulong _userId;
    private uint _sessions;
    private long _number;
    private long _frozenUntil;
    private volatile PendingText? _pending;
    private volatile bool _stopsSending;
    private volatile bool _leaves;
    private volatile bool _quits;

    public void StopSending() => _stopsSending = true;

    public void Leave() => _leaves = true;

    public void Freeze(TimeSpan length) => Volatile.Write(ref _frozenUntil, Stopwatch.GetTimestamp() + (long)(length.TotalSeconds * Stopwatch.Frequency));

    public async Task RunAsync()
    {
        while (!_leaves)
        {
            string why = "the connection was closed";
            (_session, _pending, _quits) = (0, null, false);
            try
            {
                await ConnectAsync();
            }
            catch (Exception error) when (error is SocketException or IOException or OperationCanceledException or ObjectDisposedException)
            {
                why = error.Message;
            }

            if (_session != 0)
            {
                if (!_quits && !surroundings.ExplainsLoss)
                {
                    _history.Unexpected(_session, $"lost its connection while there were no faults: {why}");
                }

                _history.Ended(_session, _quits ? SessionEnd.Left : SessionEnd.ConnectionLost);
            }

            await Task.Delay(_random.Next(1, 150));
        }
    }

    private async Task ConnectAsync()
    {
        using var tooLong = new CancellationTokenSource(MaxSilence);
        using var wire = await WireConnection.ConnectAsync(surroundings.Endpoint, cancellationToken: tooLong.Token);
        await wire.SendAsync("verbose\nidentity\n"u8.ToArray(), tooLong.Token);
        var first = await wire.ReceiveLineAsync(tooLong.Token);
        _userId = ServerText.IdIn(first.Span) ?? throw new IOException($"'{Encoding.Latin1.GetString(first.Span)}' came instead of an id");
        _number = 0;
        _session = ((ulong)surroundings.Number << SessionRecord.ClientShift) | ++_sessions;
        _history.Joined(_session, _userId, ClientKind.Text);

        using var ended = new CancellationTokenSource();
        var reading = ReadAsync(wire, ended.Token);
        var writing = WriteAsync(wire, ended.Token);
        var done = await Task.WhenAny(reading, writing);
        if (done == writing && _quits)
        {
            await Task.WhenAny(reading, Task.Delay(MaxSilence));
        }

        await ended.CancelAsync();
        if (!_quits)
        {
            // A line that is under way is none.
            wire.Reset();
        }

        wire.Dispose();
        await Task.WhenAll(reading, writing);
    }

    private async Task ReadAsync(WireConnection wire, CancellationToken cancellationToken)
    {
        ulong sender = 0;
        while (await ReadLineAsync(wire, cancellationToken) is { } line)
        {
            if (line.StartsWith(ServerText.From, StringComparison.Ordinal))
            {
                sender = ulong.Parse(line.AsSpan(ServerText.From.Length), CultureInfo.InvariantCulture);
            }
            else if (line.StartsWith(ServerText.Relayed, StringComparison.Ordinal) || line.StartsWith(ServerText.NotDelivered, StringComparison.Ordinal))
            {
                Answer(line);
            }
            else if (sender == 0 || line.StartsWith(ServerText.Prefix, StringComparison.Ordinal))
            {
                _history.Unexpected(_session, $"received the line '{(line.Length > 120 ? line[..120] : line)}'");
            }
            else
            {
                _history.Received(_session, 0, sender, Body.Read(Encoding.Latin1.GetBytes(line), surroundings.Run));
                sender = 0;
            }
        }
    }

    /// <summary>The next line, one character for each byte; null at the end.</summary>
    private async ValueTask<string?> ReadLineAsync(WireConnection wire, CancellationToken cancellationToken)
    {
        while (Stopwatch.GetTimestamp() < Volatile.Read(ref _frozenUntil))
        {
            await Task.Delay(Tick, cancellationToken);
        }

        ReadOnlyMemory<byte> line;
        while (!wire.Received.TryTakeLine(out line))
        {
            if (await wire.ReceiveSomeAsync(cancellationToken: cancellationToken) == 0)
            {
                return null;
            }
        }

        return Encoding.Latin1.GetString(line.Span);
    }

    private void Answer(string line)
    {
        if (_pending is not { } pending || !pending.Add(line))
        {
            _history.Unexpected(_session, $"was told '{line}', which answers nothing");
        }
        else if (pending.Outcomes is { } outcomes)
        {
            _pending = null;
            _history.Answered(_session, _number, outcomes);
        }
    }

    private async Task WriteAsync(WireConnection wire, CancellationToken cancellationToken)
    {
        long begin = Stopwatch.GetTimestamp();
        double life = 3 + (25 * _random.NextDouble());
        while (!_leaves && (_stopsSending || Stopwatch.GetElapsedTime(begin).TotalSeconds < life || _pending is not null))
        {
            await Task.Delay(Tick, cancellationToken);
            bool isFrozen = Stopwatch.GetTimestamp() < Volatile.Read(ref _frozenUntil);
            if (_stopsSending || isFrozen || _pending is not null || _pace.Take(1) == 0 || surroundings.Mix.Next(_userId) is not { } draft)
            {
                continue;
            }

            // Each relay is answered, which is what a receipt is; the flags of the binary protocol have no words here.
            int bytes = Math.Max(draft.BodyBytes, Body.MinTextBytes);
            _number++;
            _history.Sending(_session, _number, draft.Receivers, RelayFlags.Receipt, bytes);
            _pending = new(draft.Receivers);
            await wire.SendAsync(Line(draft.Receivers, bytes), cancellationToken);
        }

        _quits = true;
        await wire.SendAsync("quit\n"u8.ToArray(), cancellationToken);
    }

    private byte[] Line(ulong[] receivers, int bodyBytes)
    {
        byte[] head = Encoding.ASCII.GetBytes($"relay {string.Join(',', receivers)} ");
        byte[] line = new byte[head.Length + bodyBytes + 1];
        head.CopyTo(line, 0);
        Body.Write(line.AsSpan(head.Length, bodyBytes), surroundings.Run, _session, _number, isText: true);
        line[^1] = (byte)'\n';
        return line;
    }
}
