using System.Diagnostics;
using System.Globalization;
using System.Text;
using MessageDelivery.Protocol;

namespace MessageDelivery.Cli.Attacks;

/// <summary>What one attack has to work with: its connections, its time, and where it says what it finds.</summary>
internal sealed class AttackScene : IDisposable
{
    /// <summary>How long a hub may take for what it should do at once; it may be busy with everything else.</summary>
    public static readonly TimeSpan Promptly = TimeSpan.FromSeconds(5);

    /// <summary>What the protocol gives the first bytes, a HELLO and a TLS handshake (section 1).</summary>
    public static readonly TimeSpan Handshake = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(200);

    // One of each kind is enough to go after; an attack finds the same thousands of times.
    private const int MaxReasons = 8;

    private readonly CancellationToken _interrupted;
    private readonly CancellationTokenSource _over;
    private readonly Lock _lock = new();
    private readonly List<string> _reasons = [];
    private long _beganAt;

    public AttackScene(AttackTarget target, AttackPlan plan, CancellationToken interrupted)
    {
        Target = target;
        Plan = plan;
        _interrupted = interrupted;
        _over = CancellationTokenSource.CreateLinkedTokenSource(interrupted);
        _over.CancelAfter(Handshake + plan.Time);
    }

    public AttackTarget Target { get; }

    public AttackPlan Plan { get; }

    public AttackTally Tally { get; } = new();

    /// <summary>
    /// Says that an attack without an end of its own is to end. Its time begins when its first connection is made or refused, so that
    /// a slow machine does not end it before it has tried anything.
    /// </summary>
    public CancellationToken Over => _over.Token;

    /// <summary>Stops everything: for attacks that end by themselves.</summary>
    public CancellationToken Interrupted => _interrupted;

    /// <summary>What speaks against the hub, at most a few things.</summary>
    public IReadOnlyList<string> Reasons
    {
        get
        {
            lock (_lock)
            {
                return [.. _reasons];
            }
        }
    }

    private TimeSpan TimeLeft => Plan.Time - Stopwatch.GetElapsedTime(Volatile.Read(ref _beganAt));

    /// <summary>Says what speaks against the hub.</summary>
    public void Suspect(FormattableString reason)
    {
        string text = reason.ToString(CultureInfo.InvariantCulture);
        lock (_lock)
        {
            if (_reasons.Count < MaxReasons && !_reasons.Contains(text))
            {
                _reasons.Add(text);
            }
        }
    }

    /// <summary>A connection on which nothing was said, in TLS where the hub wants that; null if it is refused.</summary>
    public Task<HostileConnection?> OpenAsync(CancellationToken cancellationToken, bool reads = true) =>
        OpenAsync(Target.WantsTls, reads, keepsBodies: false, cancellationToken);

    /// <summary>A connection without TLS, whatever the hub wants.</summary>
    public Task<HostileConnection?> OpenPlainAsync(CancellationToken cancellationToken) =>
        OpenAsync(isTls: false, reads: true, keepsBodies: false, cancellationToken);

    /// <summary>A connection in TLS.</summary>
    public Task<HostileConnection?> OpenTlsAsync(CancellationToken cancellationToken) =>
        OpenAsync(isTls: true, reads: true, keepsBodies: false, cancellationToken);

    /// <summary>A binary user who is in. Tries again while the hub refuses; null if it does so until the time is over.</summary>
    public async Task<(HostileConnection Connection, ulong Id)?> BinaryUserAsync(CancellationToken cancellationToken, bool keepsBodies = false)
    {
        var user = await UserAsync(
            FrameBytes.Hello(Target.Options.Token), Answer.Welcome, keepsBodies, cancellationToken).ConfigureAwait(false);
        return user is { } found ? (found.Connection, AnswerReader.Number(found.Answer.Bytes)) : null;
    }

    /// <summary>The same with a session that survives its connection, so that the hub counts what it acknowledges.</summary>
    public async Task<(HostileConnection Connection, ulong Id)?> ResumableUserAsync(CancellationToken cancellationToken)
    {
        byte[] hello = FrameBytes.Hello(Target.Options.Token);
        hello[1] = (byte)HelloFlags.Resumable;
        var user = await UserAsync(hello, Answer.Welcome, keepsBodies: false, cancellationToken).ConfigureAwait(false);
        return user is { } found ? (found.Connection, AnswerReader.Number(found.Answer.Bytes)) : null;
    }

    /// <summary>A text user who is in; null as above.</summary>
    public async Task<HostileConnection?> TextUserAsync(CancellationToken cancellationToken)
    {
        string greeting = Target.Options.Token is { } token ? $"auth {token}\n" : "identity\n";
        return (await UserAsync(
            Encoding.UTF8.GetBytes(greeting), Answer.TextIdentity, keepsBodies: false, cancellationToken).ConfigureAwait(false))?.Connection;
    }

    /// <summary>Waits until the hub ends a connection, which it must within a time, if the attack goes on for that long.</summary>
    public async Task ExpectEndAsync(HostileConnection connection, TimeSpan limit, string what)
    {
        bool judges = TimeLeft > limit + Grace;
        bool ended = await connection.EndsWithinAsync(limit + Grace, Over).ConfigureAwait(false);
        if (!ended && judges && !_interrupted.IsCancellationRequested)
        {
            Suspect($"{what} was still held after {(limit + Grace).TotalSeconds:0} s");
        }
    }

    /// <summary>Waits until the attack's time is over, or the hub ends the connection.</summary>
    public async Task HoldAsync(HostileConnection connection) =>
        await connection.EndsWithinAsync(Timeout.InfiniteTimeSpan, Over).ConfigureAwait(false);

    /// <summary>Does something so many times at once.</summary>
    public static Task ForAllAsync(int count, Func<int, Task> work) => Task.WhenAll(Enumerable.Range(0, count).Select(work));

    /// <summary>Does something with each, a few at once.</summary>
    public static async Task ForEachAsync<T>(IEnumerable<T> items, int atOnce, Func<T, Task> work)
    {
        using var places = new SemaphoreSlim(atOnce);
        await Task.WhenAll(items.Select(async item =>
        {
            await places.WaitAsync().ConfigureAwait(false);
            try
            {
                await work(item).ConfigureAwait(false);
            }
            finally
            {
                places.Release();
            }
        })).ConfigureAwait(false);
    }

    public void Dispose() => _over.Dispose();

    private async Task<HostileConnection?> OpenAsync(bool isTls, bool reads, bool keepsBodies, CancellationToken cancellationToken)
    {
        var connection = await HostileConnection.OpenAsync(Target, Tally, isTls, reads, keepsBodies, cancellationToken).ConfigureAwait(false);
        if (Interlocked.CompareExchange(ref _beganAt, Stopwatch.GetTimestamp(), 0) == 0 && !_over.IsCancellationRequested)
        {
            _over.CancelAfter(Plan.Time);
        }

        return connection;
    }

    private async Task<(HostileConnection Connection, Answer Answer)?> UserAsync(
        byte[] greeting, string welcome, bool keepsBodies, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var connection = await OpenAsync(Target.WantsTls, reads: true, keepsBodies, cancellationToken).ConfigureAwait(false);
            if (connection is not null)
            {
                if (await connection.SendAsync(greeting, cancellationToken).ConfigureAwait(false)
                    && await connection.WaitForAsync(welcome, Promptly, cancellationToken).ConfigureAwait(false) is { } answer)
                {
                    return (connection, answer);
                }

                await connection.DisposeAsync().ConfigureAwait(false);
            }

            await Task.Delay(BetweenTries, CancellationToken.None).ConfigureAwait(false);
        }

        return null;
    }
}
