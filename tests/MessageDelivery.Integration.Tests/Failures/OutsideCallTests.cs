using MessageDelivery.Hub;
using MessageDelivery.Integration.Tests.Support;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Integration.Tests.Failures;

/// <summary>
/// What an embedder gives a hub may fail at any of its calls: each scenario is run once to count the calls, and then once for each call
/// that is to fail. Other users go on, nothing is left behind, and the hub stops as it should.
/// </summary>
public sealed class OutsideCallTests
{
    private const int AtATime = 4;

    // Of a call that is made all the time the first are enough.
    private const int MaxCalls = 40;

    [Theory]
    [InlineData(FaultKind.Throws)]
    [InlineData(FaultKind.ThrowsFromThenOn)]
    [InlineData(FaultKind.Hangs)]
    public Task A_log_that_fails(FaultKind kind) => AtEveryCallAsync(kind, fault => new() { Loggers = new FaultyLog(fault, null) });

    [Theory]
    [InlineData(FaultKind.Throws)]
    [InlineData(FaultKind.ThrowsFromThenOn)]
    [InlineData(FaultKind.Hangs)]
    public Task A_log_that_fails_to_say_what_it_wants(FaultKind kind) =>
        AtEveryCallAsync(kind, fault => new() { Loggers = new FaultyLog(null, fault) });

    [Theory]
    [InlineData(FaultKind.Throws)]
    [InlineData(FaultKind.ThrowsFromThenOn)]
    [InlineData(FaultKind.Hangs)]
    public Task An_audit_that_fails(FaultKind kind) => AtEveryCallAsync(kind, fault => new() { Audit = new FaultyAudit(fault) });

    [Theory]
    [InlineData(FaultKind.Throws)]
    [InlineData(FaultKind.ThrowsFromThenOn)]
    public Task A_clock_that_fails(FaultKind kind) => AtEveryCallAsync(kind, fault => new() { Clock = time => new FaultyTime(time, fault, null) });

    [Theory]
    [InlineData(FaultKind.Throws)]
    [InlineData(FaultKind.ThrowsFromThenOn)]
    public Task Timers_that_fail(FaultKind kind) => AtEveryCallAsync(kind, fault => new() { Clock = time => new FaultyTime(time, null, fault) });

    [Theory]
    [InlineData(FaultKind.Throws)]
    [InlineData(FaultKind.ThrowsFromThenOn)]
    public Task Meters_that_cannot_be_made(FaultKind kind) => AtEveryCallAsync(kind, fault => new() { Meters = new FaultyMeters(fault, null) });

    [Theory]
    [InlineData(FaultKind.Throws)]
    [InlineData(FaultKind.ThrowsFromThenOn)]
    public Task Listeners_that_fail_at_the_end_of_meters(FaultKind kind) =>
        AtEveryCallAsync(kind, fault => new() { Meters = new FaultyMeters(null, fault), OwnMeter = true });

    [Fact]
    public void A_logger_that_cannot_be_made()
    {
        using var fault = new Fault(FaultKind.Throws, 1);
        using var loggers = new FaultyLog(null, null, create: fault);
        Assert.Throws<InvalidTimeZoneException>(() => new MessageHub(new(), loggers));
    }

    [Fact]
    public async Task A_host_that_cannot_be_stopped()
    {
        using var fault = new Fault(FaultKind.Throws, 1);
        using var lifetime = new FaultyLifetime(fault);
        await using var hub = new MessageHub(new() { Listen = [new(System.Net.IPAddress.Loopback, 0)] });
        var service = new MessageHubService(hub, lifetime);
        await service.StartAsync(CancellationToken.None);
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => service.StopAsync(CancellationToken.None).WaitAsync(RawConnection.Patience));
        Assert.True(hub.Completion.IsCompletedSuccessfully);
        Assert.Equal(0, hub.OutstandingBlocks);
    }

    private static async Task AtEveryCallAsync(FaultKind kind, Func<Fault, Given> give)
    {
        int calls = await RunAsync(kind, 0, give);
        Assert.True(calls > 0, "The scenario does not call it.");
        int struck = 0;
        foreach (var some in Enumerable.Range(1, Math.Min(calls, MaxCalls)).Chunk(AtATime))
        {
            int[] made = await Task.WhenAll(some.Select(at => RunAsync(kind, at, give)));
            struck += made.Zip(some).Count(run => run.First >= run.Second);
        }

        Assert.True(struck > 0, "No call has failed.");
    }

    /// <summary>Runs the scenario with one failing call; returns how many calls there were.</summary>
    private static async Task<int> RunAsync(FaultKind kind, int at, Func<Fault, Given> give)
    {
        using var fault = new Fault(kind, at);
        using var given = give(fault);
        MessageHub stopped;
        await using (var hub = await StartAsync(given))
        {
            stopped = hub.Hub;
            await using RawConnection alice = await hub.BinaryAsync();
            await using RawConnection bob = await hub.BinaryAsync();
            var errands = new Errands(hub, alice, bob, isGuarded: false);
            await errands.RunAsync();
            await errands.ExpectHealthyAsync();
        }

        Assert.True(stopped.Completion.IsCompletedSuccessfully, $"call {at}: {stopped.Completion.Exception}");
        return fault.Calls;
    }

    private static Task<RunningHub> StartAsync(Given given) => RunningHub.StartAsync(
        (options, _) => options with
        {
            Heartbeat = TimeSpan.Zero,
            ResumeWindow = TimeSpan.FromSeconds(2),
            Audit = given.Audit,
        },
        given.Loggers,
        given.OwnMeter ? null : given.Meters,
        given.Clock);

    private sealed class Given : IDisposable
    {
        public ILoggerFactory? Loggers { get; init; }

        public IHubAudit? Audit { get; init; }

        public FaultyMeters? Meters { get; init; }

        /// <summary>Whether the hub makes its meter itself, and ends it.</summary>
        public bool OwnMeter { get; init; }

        public Func<TimeProvider, TimeProvider>? Clock { get; init; }

        public void Dispose() => Meters?.Dispose();
    }
}
