using System.Diagnostics;
using MessageDelivery.Cli.Bench;
using MessageDelivery.Client;

namespace MessageDelivery.Cli.Attacks;

/// <summary>
/// Two users who do nothing wrong, through the client library: one sends the other a small message every few milliseconds. What
/// they feel of an attack is what all users feel.
/// </summary>
internal sealed class HealthyPair : IAsyncDisposable
{
    /// <summary>Between two messages.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    private const int BodyBytes = 64;
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(10);

    private readonly HubClient _sender;
    private readonly HubClient _receiver;
    private readonly CancellationTokenSource _stopped = new();
    private readonly Thread _sending;
    private readonly Task _receiving;
    private volatile HealthWindow? _window;
    private volatile string? _lost;
    private long _sent;
    private long _received;

    private HealthyPair(HubClient sender, HubClient receiver)
    {
        _sender = sender;
        _receiver = receiver;
        _sending = new(Send) { IsBackground = true, Name = "healthy sender" };
        _sending.Start();
        _receiving = Task.Run(ReceiveAsync);
    }

    /// <summary>Why they are no longer connected; null while they are.</summary>
    public string? Lost => _lost;

    public static async Task<HealthyPair> ConnectAsync(HubClientOptions options, CancellationToken cancellationToken)
    {
        // A lost connection is what is looked for: it must not be mended in silence.
        options = options with { Reconnect = null, Resume = false };
        var sender = await HubClient.ConnectAsync(options with { DiscardDeliveries = true }, cancellationToken);
        try
        {
            return new(sender, await HubClient.ConnectAsync(options, cancellationToken));
        }
        catch
        {
            await sender.DisposeAsync();
            throw;
        }
    }

    /// <summary>Begins to send and measure.</summary>
    public void Begin() => _window = new(Interlocked.Read(ref _sent));

    /// <summary>Stops sending, waits for what is under way, and tells how it was.</summary>
    public async Task<HealthSummary> EndAsync()
    {
        var window = _window ?? throw new InvalidOperationException("Nothing is being measured.");
        window.StopSending();
        var quiet = Stopwatch.StartNew();
        for (long before = -1; Interlocked.Read(ref _received) < Interlocked.Read(ref _sent) || !window.IsQuiet;)
        {
            long received = Interlocked.Read(ref _received);
            if (received != before)
            {
                before = received;
                quiet.Restart();
            }

            if (_lost is not null || quiet.Elapsed > Drain)
            {
                break;
            }

            await Task.Delay(Pause);
        }

        _window = null;
        return window.Summarize(Interlocked.Read(ref _sent), Interlocked.Read(ref _received), _lost);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        await _receiving;
        await _sender.DisposeAsync();
        await _receiver.DisposeAsync();
        _sending.Join();
        _stopped.Dispose();
    }

    private void Send()
    {
        PreciseSleep.Prepare();
        byte[] body = new byte[BodyBytes];
        long pause = BenchClock.Ticks(Pause);
        long dueAt = Stopwatch.GetTimestamp();
        HealthWindow? last = null;
        while (!_stopped.IsCancellationRequested && _lost is null)
        {
            var window = _window;
            long now = Stopwatch.GetTimestamp();
            if (window is null || window != last || !window.IsSending)
            {
                // What was due while nothing was measured does not count.
                (last, dueAt) = (window, now);
            }

            if (dueAt > now)
            {
                PreciseSleep.Until(dueAt);
            }

            if (window is null || !window.TryBeginSending())
            {
                PreciseSleep.Until(Stopwatch.GetTimestamp() + pause);
                continue;
            }

            window.Behind.Record(BenchClock.Nanoseconds(dueAt, Stopwatch.GetTimestamp()));
            Relay(body, dueAt);
            window.EndSending();
            dueAt += pause;
        }
    }

    private void Relay(byte[] body, long dueAt)
    {
        try
        {
            new MessageStamp(dueAt, _sent, 0).Write(body);
            var taking = _sender.RelayAsync(_receiver.UserId, body, cancellationToken: _stopped.Token);
            if (!taking.IsCompleted)
            {
                taking.AsTask().GetAwaiter().GetResult();
            }
            else
            {
                taking.GetAwaiter().GetResult();
            }

            Interlocked.Increment(ref _sent);
        }
        catch (Exception exception) when (exception is HubConnectionException or ObjectDisposedException or OperationCanceledException)
        {
            End(exception);
        }
    }

    private async Task ReceiveAsync()
    {
        try
        {
            await foreach (var delivery in _receiver.ReceiveAsync(_stopped.Token))
            {
                using (delivery)
                {
                    // Anyone may write to this user, who ever has its id; only what the pair says counts.
                    if (delivery.Sender == _sender.UserId && MessageStamp.TryRead(delivery.Body.Span, out var stamp))
                    {
                        _window?.Arrived(stamp.DueAt, Stopwatch.GetTimestamp());
                        Interlocked.Increment(ref _received);
                    }
                }
            }
        }
        catch (Exception exception) when (exception is HubConnectionException or OperationCanceledException)
        {
            End(exception);
        }
    }

    private void End(Exception exception)
    {
        if (!_stopped.IsCancellationRequested)
        {
            _lost ??= exception.Message;
        }
    }
}
