using MessageDelivery.Hub;
using MessageDelivery.Integration.Tests.Access;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Failures;

/// <summary>An authenticator that fails costs those whose tokens it fails for, and nobody else.</summary>
public sealed class AuthenticatorTests
{
    [Theory]
    [InlineData(FaultKind.Throws)]
    [InlineData(FaultKind.ThrowsFromThenOn)]
    [InlineData(FaultKind.Hangs)]
    public async Task One_that_fails_at_any_of_its_calls(FaultKind kind)
    {
        int calls = await RunAsync(kind, 0);
        Assert.True(calls > 0, "The scenario does not call it.");
        for (int at = 1; at <= calls; at++)
        {
            Assert.True(await RunAsync(kind, at) >= at);
        }
    }

    [Fact]
    public async Task Calls_that_never_come_back_do_not_keep_others_out()
    {
        using var hung = new Fault(FaultKind.Hangs, 1);
        await using RunningHub hub = await StartAsync(new HangingAuthenticator(hung));
        int many = (2 * Environment.ProcessorCount) + 1;
        var waiting = new List<RawConnection>();
        for (int i = 0; i < many; i++)
        {
            RawConnection user = await hub.BinaryAsync("hang");
            waiting.Add(user);
        }

        await using RawConnection alice = await hub.BinaryAsync("alice");
        Task<Frame> welcome = alice.FrameAsync();
        await hub.AdvanceUntilAsync(welcome, TimeSpan.FromSeconds(1));
        Assert.Equal(FrameType.Welcome, (await welcome).Type);
        foreach (RawConnection user in waiting)
        {
            Task goodbye = user.ExpectGoodbyeAsync(ProtocolCode.HandshakeTimeout);
            await hub.AdvanceUntilAsync(goodbye, TimeSpan.FromSeconds(1));
            await user.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(FaultKind.Throws)]
    [InlineData(FaultKind.ThrowsFromThenOn)]
    public async Task One_that_fails_to_say_who_may_stay(FaultKind kind)
    {
        for (int at = 1; at <= 2; at++)
        {
            using var fault = new Fault(kind, at);
            await using RunningHub hub = await StartAsync(new FaultyAuthenticator(null, null));
            await using RawConnection alice = await (await hub.ConnectAsync()).HelloAsync("alice");
            await using RawConnection bob = await (await hub.ConnectAsync()).HelloAsync("bob");
            int removed = hub.Hub.UseAuthenticator(new FaultyAuthenticator(null, fault));
            Assert.Equal(kind == FaultKind.ThrowsFromThenOn ? 3 - at : 1, removed);
            await using RawConnection late = await (await hub.ConnectAsync()).HelloAsync("bob");
            await hub.EventuallyAsync(async () => (await RunningHub.ListAsync(late)).Length == 2 - removed);
        }
    }

    private static async Task<int> RunAsync(FaultKind kind, int at)
    {
        using var fault = new Fault(kind, at);
        MessageHub stopped;
        await using (RunningHub hub = await StartAsync(new FaultyAuthenticator(fault, null)))
        {
            stopped = hub.Hub;
            await using RawConnection alice = await (await hub.ConnectAsync()).HelloAsync("alice");
            await using RawConnection bob = await (await hub.ConnectAsync()).HelloAsync("bob");
            var errands = new Errands(hub, alice, bob, isGuarded: true);
            Task trying = errands.TryAsync();
            await hub.AdvanceUntilAsync(trying, TimeSpan.FromSeconds(kind == FaultKind.Hangs ? 1 : 0));
            await errands.ExpectHealthyAsync();
        }

        Assert.True(stopped.Completion.IsCompletedSuccessfully, $"call {at}: {stopped.Completion.Exception}");
        return fault.Calls;
    }

    private static Task<RunningHub> StartAsync(Hub.Access.IAuthenticator authenticator) => RunningHub.StartAsync(options => options with
    {
        Heartbeat = TimeSpan.Zero,
        ResumeWindow = TimeSpan.FromSeconds(2),
        Authenticator = authenticator,
    });

    private sealed class HangingAuthenticator(Fault hung) : Hub.Access.IAuthenticator
    {
        private readonly TaskCompletionSource<Hub.Access.AuthenticationResult> _never = new();

        public ValueTask<Hub.Access.AuthenticationResult> AuthenticateAsync(
            ReadOnlyMemory<byte> token, Hub.Access.AuthenticationContext context, CancellationToken cancellationToken)
        {
            string name = System.Text.Encoding.UTF8.GetString(token.Span);
            if (name != "hang")
            {
                return new(Hub.Access.AuthenticationResult.Success(new(name)));
            }

            // The first by holding its thread, the others without one.
            hung.Call();
            return new(_never.Task);
        }
    }
}
