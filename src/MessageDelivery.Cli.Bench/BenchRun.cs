using System.Diagnostics;
using MessageDelivery.Client;

namespace MessageDelivery.Cli.Bench;

/// <summary>One run: connects the users, has them relay and receive, waits for what is under way, and says what it found.</summary>
internal sealed class BenchRun : IAsyncDisposable
{
    private const int ConnectingAtOnce = 32;
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(20);

    private readonly BenchPlan _plan;
    private readonly HubClient[] _users;
    private readonly BenchClock _clock;
    private readonly BenchSender[] _senders;
    private readonly BenchReceiver[] _receivers;
    private readonly BenchSchedule? _schedule;
    private readonly Verification _verification = new();
    private readonly CancellationTokenSource _receiving = new();
    private readonly ProcessorUse _processors = new();
    private volatile HubRequestException? _rejection;

    private BenchRun(BenchPlan plan, HubClient[] users)
    {
        _plan = plan;
        _users = users;
        foreach (var user in users)
        {
            user.RelayRejected += (_, rejected) => _rejection ??= rejected.Error;
        }

        _senders = [.. Enumerable.Range(0, plan.Users).Select(place => new BenchSender(plan, place, users))];
        _clock = new(plan);
        var senders = _senders.ToDictionary(sender => users[sender.Place].UserId);
        _receivers = [.. users.Skip(plan.SendersReceive ? 0 : plan.Users)
            .Select(user => new BenchReceiver(user, senders, plan, _clock, Latencies, _verification))];
        _schedule = plan.Rate is { } rate ? new(_senders, plan, _clock, rate) : null;
    }

    /// <summary>The latencies of all messages that count.</summary>
    public LatencyLog Latencies { get; } = new();

    private long Sent => _senders.Sum(sender => sender.Sent);

    private long Arrived => _receivers.Sum(receiver => receiver.Arrived);

    private int DeliveriesPerRelay => _senders[0].DeliveriesPerRelay;

    /// <summary>Connects all users; the run's clock goes from then on.</summary>
    /// <exception cref="ArgumentException">The hub's limits do not allow such a run.</exception>
    public static async Task<BenchRun> ConnectAsync(BenchPlan plan, HubClientOptions options, CancellationToken cancellationToken)
    {
        var users = new HubClient[plan.Users + plan.OnlyReceivers];
        try
        {
            await Parallel.ForEachAsync(
                Enumerable.Range(0, users.Length),
                new ParallelOptions { MaxDegreeOfParallelism = ConnectingAtOnce, CancellationToken = cancellationToken },
                async (place, token) => users[place] = await HubClient.ConnectAsync(
                    options with { DiscardDeliveries = place < plan.Users && !plan.SendersReceive }, token));
            CheckLimits(plan, users[0]);
            return new(plan, users);
        }
        catch
        {
            await DisposeAsync(users.Where(user => user is not null));
            throw;
        }
    }

    /// <summary>Runs it to its end.</summary>
    /// <exception cref="HubConnectionException">A user was disconnected.</exception>
    /// <exception cref="HubRequestException">The hub answered a relay with an error.</exception>
    public async Task<BenchReport> RunAsync(IProgress<BenchProgress> progress, CancellationToken cancellationToken)
    {
        var receiving = _receivers.Select(receiver => receiver.RunAsync(_receiving.Token)).ToArray();
        var sending = StartSending();
        try
        {
            await WatchAsync(sending, progress, cancellationToken);
        }
        catch (HubConnectionException ended)
        {
            throw new HubConnectionException(
                ended.Code, $"a user of the run was disconnected after {Sent} relays and {Arrived} deliveries: {ended.Text}", ended);
        }
        finally
        {
            StopSending();
            await _receiving.CancelAsync();
            // What ended them has been looked at by now, or is what is thrown already.
            await Task.WhenAll([.. receiving, sending]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await Task.WhenAll([.. receiving, sending]);
        return Report();
    }

    public async ValueTask DisposeAsync()
    {
        await DisposeAsync(_users);
        _receiving.Dispose();
        _clock.Dispose();
    }

    private static Task DisposeAsync(IEnumerable<HubClient> users) => Task.WhenAll(users.Select(user => user.DisposeAsync().AsTask()));

    private static void CheckLimits(BenchPlan plan, HubClient user)
    {
        if (plan.SizeBytes > user.MaxBodyBytes)
        {
            throw new ArgumentException($"--size is {plan.SizeBytes} bytes; this hub takes bodies of at most {user.MaxBodyBytes}");
        }

        if (plan.Receivers > user.MaxReceivers)
        {
            throw new ArgumentException($"--receivers is {plan.Receivers}; a relay of this hub has at most {user.MaxReceivers}");
        }
    }

    private Task StartSending()
    {
        if (_schedule is { } schedule)
        {
            return Task.Factory.StartNew(schedule.Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }

        return Task.WhenAll(_senders.Select(sender => sender.RunAsync(_clock, Quota(sender))));
    }

    /// <summary>A sender's share of the count.</summary>
    private long Quota(BenchSender sender) =>
        _plan.Count is { } count ? (count / _plan.Users) + (sender.Place < count % _plan.Users ? 1 : 0) : long.MaxValue;

    private void StopSending()
    {
        _clock.Stop();
        foreach (var sender in _senders)
        {
            sender.Window.Close();
        }
    }

    /// <summary>Returns when everything has arrived, or nothing has for too long.</summary>
    private async Task WatchAsync(Task sending, IProgress<BenchProgress> progress, CancellationToken cancellationToken)
    {
        long arrived = 0, changedAt = Stopwatch.GetTimestamp();
        bool wasSending = true;
        while (true)
        {
            await Task.WhenAny(sending, Task.Delay(Glance, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
            ThrowIfBroken();
            bool isSending = !sending.IsCompleted;
            if (!isSending)
            {
                await sending;
                await Task.Delay(TimeSpan.FromMilliseconds(1), cancellationToken);
            }

            long now = Stopwatch.GetTimestamp(), before = arrived;
            arrived = Arrived;
            // What is still under way when the sending ends has the whole time from then on.
            changedAt = arrived != before || isSending != wasSending ? now : changedAt;
            wasSending = isSending;
            progress.Report(Progress(now, arrived));
            _processors.Sample(now >= _clock.MeasuresFrom, isSending);
            bool isQuiet = Stopwatch.GetElapsedTime(changedAt, now) >= _plan.Drain;
            if (!isSending && (isQuiet || arrived >= Sent * DeliveriesPerRelay))
            {
                return;
            }

            // A window that waits for lost messages is opened by nothing else. A schedule ends by itself.
            if (isSending && _schedule is null && (now >= _clock.EndsAt || (isQuiet && _plan.Count is not null)))
            {
                StopSending();
            }
        }
    }

    private void ThrowIfBroken()
    {
        if (_rejection is { } rejection)
        {
            throw rejection;
        }

        foreach (var user in _users)
        {
            if (user.CloseReason is { } reason)
            {
                throw reason;
            }
        }
    }

    private BenchProgress Progress(long now, long arrived)
    {
        double share = _plan.Count is { } count
            ? _senders.Sum(sender => sender.Measured) / (double)count
            : (now - _clock.StartsAt) / (double)(_clock.EndsAt - _clock.StartsAt);
        return new(Math.Min(share, 1), arrived, now < _clock.MeasuresFrom);
    }

    private BenchReport Report()
    {
        long lastAt = _receivers.Max(receiver => receiver.LastMeasuredAt);
        // A count is done when the last of it has come; a time is over no sooner than it said.
        long endsAt = _plan.Count is null ? Math.Max(lastAt, _clock.EndsAt) : lastAt;
        double seconds = Math.Max(Stopwatch.GetElapsedTime(_clock.MeasuresFrom, endsAt).TotalSeconds, 0);
        long sent = _senders.Sum(sender => sender.Measured);
        return new(
            _plan.Name, _plan.Users, _receivers.Length, _plan.SizeBytes, _plan.Rate, _plan.Window, _plan.WarmUp.TotalSeconds, Math.Round(seconds, 6),
            Throughput.Of(sent, _plan.SizeBytes, seconds), Throughput.Of(Latencies.Count, _plan.SizeBytes, seconds),
            Latencies.Summarize(), _schedule?.Behind, _schedule?.NotSent ?? (_plan.Count - sent ?? 0), _processors.Average,
            _plan.Verifies ? _verification.Summarize(Math.Max((Sent * DeliveriesPerRelay) - Arrived, 0)) : null);
    }
}
