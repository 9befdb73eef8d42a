using MessageDelivery.Hub.Access;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Access;

/// <summary>An authenticator that is replaced while the hub runs, one that is slow, and one that fails.</summary>
public sealed class ReloadTests : IDisposable
{
    private readonly Tokens _tokens = new();

    public void Dispose() => _tokens.Dispose();

    [Fact]
    public async Task Whose_token_was_taken_out_is_removed_and_nobody_else()
    {
        string alice = _tokens.Add("alice"), bob = _tokens.Add("bob");
        await using var hub = await _tokens.StartHubAsync();
        var (gone, _) = await hub.EnterAsync(alice);
        await using var first = gone;
        var (resumable, _, key) = await hub.EnterResumableAsync(alice);
        await using var second = resumable;
        var (away, _, awayKey) = await hub.EnterResumableAsync(alice);
        away.Abort();
        await using var person = await hub.TextAsync(alice);
        var (stays, id) = await hub.EnterAsync(bob);
        await using var fifth = stays;
        await hub.SettleAsync();

        TokenFile.Remove(_tokens.Path, "alice");
        Assert.Equal(4, hub.Hub.UseAuthenticator(_tokens.Load(hub.Time)));
        Assert.Equal("the token was revoked", await gone.GoodbyeTextAsync(ProtocolCode.Removed));
        await resumable.ExpectGoodbyeAsync(ProtocolCode.Removed);
        await person.ErrorLineAsync("removed");
        await Task.WhenAll(gone.ExpectClosedAsync(), resumable.ExpectClosedAsync(), person.ExpectClosedAsync());
        await hub.EventuallyAsync(async () => (await RunningHub.ListAsync(stays)).Length == 0);
        await stays.SendAsync(Frames.Identity);
        await stays.ExpectAsync(Frames.IdentityReply(id));

        // Neither the token nor a key is good for anything now.
        foreach (byte[] hello in (byte[][])[Frames.Hello(alice), Frames.HelloResume(key, 0, token: alice), Frames.HelloResume(awayKey, 0, token: alice)])
        {
            await using var late = await hub.ConnectAsync();
            await late.SendAsync(hello);
            await late.ExpectGoodbyeAsync(ProtocolCode.AuthFailed);
        }
    }

    [Fact]
    public async Task A_new_secret_under_an_old_name_removes_who_came_with_the_old_one()
    {
        string old = _tokens.Add("alice");
        await using var hub = await _tokens.StartHubAsync();
        var (user, _) = await hub.EnterAsync(old);
        await using var first = user;
        TokenFile.Remove(_tokens.Path, "alice");
        string renewed = _tokens.Add("alice");
        hub.Hub.UseAuthenticator(_tokens.Load(hub.Time));
        await user.ExpectGoodbyeAsync(ProtocolCode.Removed);
        var (again, _) = await hub.EnterAsync(renewed);
        await again.DisposeAsync();
    }

    [Fact]
    public async Task Who_is_being_verified_when_its_token_is_taken_out_does_not_slip_in()
    {
        var slow = new SlowAuthenticator();
        await using var hub = await RunningHub.StartAsync(options => options with { Authenticator = slow });
        await using var user = await hub.BinaryAsync("anything");
        await slow.Asked.Task.WaitAsync(RawConnection.Patience);
        hub.Hub.UseAuthenticator(_tokens.Load(AfterAdding()));
        slow.Answer.SetResult(AuthenticationResult.Success(new("alice")));
        await user.FrameAsync(FrameType.Welcome);
        await user.ExpectGoodbyeAsync(ProtocolCode.Removed);

        TimeProvider AfterAdding()
        {
            _tokens.Add("somebody else");
            return hub.Time;
        }
    }

    [Fact]
    public async Task A_slow_authenticator_holds_up_neither_others_nor_longer_than_30_s()
    {
        var slow = new SlowAuthenticator();
        await using var hub = await RunningHub.StartAsync(options => options with { Authenticator = slow, EventLoops = 1 });
        await using var waiting = await hub.BinaryAsync("slow");
        await slow.Asked.Task.WaitAsync(RawConnection.Patience);
        var (quick, _) = await hub.EnterAsync("quick");
        await using var second = quick;
        await quick.SendAsync(Frames.Echo([1]));
        await quick.ExpectAsync(Frames.EchoReply([1]));
        await hub.AdvanceUntilAsync(waiting.ExpectGoodbyeAsync(ProtocolCode.HandshakeTimeout), TimeSpan.FromSeconds(1));
        await slow.Cancelled.Task.WaitAsync(RawConnection.Patience);
    }

    [Fact]
    public async Task An_authenticator_that_fails_lets_nobody_in()
    {
        await using var hub = await RunningHub.StartAsync(options => options with { Authenticator = new FailingAuthenticator() });
        await using var user = await hub.BinaryAsync("secret");
        Assert.Equal("the token is not one that this hub knows", await user.GoodbyeTextAsync(ProtocolCode.AuthFailed));
    }

    [Fact]
    public async Task The_end_of_a_token_ends_the_session_of_who_is_away()
    {
        DateTimeOffset end = new(2000, 1, 1, 0, 0, 20, TimeSpan.Zero);
        string brief = _tokens.Add("brief", entry => entry with { Expires = end }), other = _tokens.Add("other");
        await using var hub = await _tokens.StartHubAsync();
        var (away, id, _) = await hub.EnterResumableAsync(brief);
        var (watcher, _) = await hub.EnterAsync(other);
        await using var second = watcher;
        away.Abort();
        await hub.PassAsync(TimeSpan.FromSeconds(18));
        await RunningHub.ExpectListAsync(watcher, id);
        await hub.EventuallyAsync(async () => (await RunningHub.ListAsync(watcher)).Length == 0, TimeSpan.FromMilliseconds(500));
        Assert.InRange(hub.Time.GetUtcNow(), end, end.AddSeconds(60));
    }

    private sealed class FailingAuthenticator : IAuthenticator
    {
        public ValueTask<AuthenticationResult> AuthenticateAsync(
            ReadOnlyMemory<byte> token, AuthenticationContext context, CancellationToken cancellationToken) =>
            throw new InvalidOperationException($"I know {System.Text.Encoding.UTF8.GetString(token.Span)}");
    }

    /// <summary>Answers "quick" at once, and all others when told.</summary>
    private sealed class SlowAuthenticator : IAuthenticator
    {
        public TaskCompletionSource Asked { get; } = new();

        public TaskCompletionSource Cancelled { get; } = new();

        public TaskCompletionSource<AuthenticationResult> Answer { get; } = new();

        public async ValueTask<AuthenticationResult> AuthenticateAsync(
            ReadOnlyMemory<byte> token, AuthenticationContext context, CancellationToken cancellationToken)
        {
            if (token.Span.SequenceEqual("quick"u8))
            {
                return AuthenticationResult.Success(new("quick"));
            }

            Assert.Equal("127.0.0.1", context.Peer?.Address.ToString());
            Asked.TrySetResult();
            await using var registration = cancellationToken.Register(() =>
            {
                Cancelled.TrySetResult();
                Answer.TrySetCanceled(CancellationToken.None);
            });
            return await Answer.Task;
        }
    }
}
