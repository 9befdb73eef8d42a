using System.Buffers.Binary;
using System.Diagnostics;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

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
    public void Suspect(string reason)
    {
        lock (_lock)
        {
            if (_reasons.Count < MaxReasons && !_reasons.Contains(reason))
            {
                _reasons.Add(reason);
            }
        }
    }

    /// <summary>A connection on which nothing was said, in TLS where the hub wants that; null if it is refused.</summary>
    public Task<HostileConnection?> OpenAsync(CancellationToken cancellationToken, bool reads = true) =>
        OpenAsync(Target.WantsTls, cancellationToken, reads);

    /// <summary>The same in TLS or without, whatever the hub wants.</summary>
    public async Task<HostileConnection?> OpenAsync(bool isTls, CancellationToken cancellationToken, bool reads = true)
    {
        var connection = await HostileConnection.OpenAsync(Target, Tally, isTls, reads, cancellationToken);
        if (Interlocked.CompareExchange(ref _beganAt, Stopwatch.GetTimestamp(), 0) == 0 && !_over.IsCancellationRequested)
        {
            _over.CancelAfter(Plan.Time);
        }

        return connection;
    }

    /// <summary>A binary user who is in. Tries again while the hub refuses; null if it does so until the time is over.</summary>
    /// <param name="flags">With <see cref="HelloFlags.Resumable"/> the hub counts what it acknowledges.</param>
    public Task<HostileConnection?> BinaryUserAsync(CancellationToken cancellationToken, HelloFlags flags = HelloFlags.None) =>
        UserAsync(Target.Hello(flags), Answer.Welcome, cancellationToken);

    /// <summary>A text user who is in; null as above.</summary>
    public Task<HostileConnection?> TextUserAsync(CancellationToken cancellationToken) => UserAsync(
        Target.Token is { Length: > 0 } token ? [.. "auth "u8, .. token, (byte)'\n'] : [.. "identity\n"u8], Answer.TextIdentity, cancellationToken);

    /// <summary>Waits until the hub ends a connection, which it must within a time, if the attack goes on for that long.</summary>
    public async Task ExpectEndAsync(HostileConnection connection, TimeSpan limit, string what)
    {
        bool judges = TimeLeft > limit + Grace;
        bool ended = await connection.EndsWithinAsync(limit + Grace, Over);
        if (!ended && judges && !_interrupted.IsCancellationRequested)
        {
            Suspect($"{what} was still held after {(limit + Grace).TotalSeconds:0} s");
        }
    }

    /// <summary>Waits until the attack's time is over, or the hub ends the connection.</summary>
    public async Task HoldAsync(HostileConnection connection) =>
        await connection.EndsWithinAsync(Timeout.InfiniteTimeSpan, Over);

    /// <summary>Does something so many times at once.</summary>
    public static Task ForAllAsync(int count, Func<int, Task> work) => Task.WhenAll(Enumerable.Range(0, count).Select(work));

    /// <summary>Does something with each, a few at once.</summary>
    public static Task ForEachAsync<T>(IEnumerable<T> items, int atOnce, Func<T, Task> work) =>
        Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = atOnce }, (item, _) => new ValueTask(work(item)));

    public void Dispose() => _over.Dispose();

    private async Task<HostileConnection?> UserAsync(byte[] greeting, string welcome, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var connection = await OpenAsync(cancellationToken);
            if (connection is not null)
            {
                if (await connection.SendAsync(greeting, cancellationToken)
                    && await connection.WaitForAsync(welcome, Promptly, cancellationToken) is { } answer)
                {
                    connection.UserId = welcome == Answer.Welcome ? BinaryPrimitives.ReadUInt64LittleEndian(answer.Bytes) : ServerText.IdIn(answer.Bytes) ?? 0;
                    return connection;
                }

                await connection.DisposeAsync();
            }

            await Task.Delay(BetweenTries, CancellationToken.None);
        }

        return null;
    }
}
