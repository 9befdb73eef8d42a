using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.Advisories;

/// <summary>Users who were there before an attack, and must not notice it; and those who come while it goes on.</summary>
internal sealed class HealthyUsers : IAsyncDisposable
{
    private readonly RunningHub _hub;
    private readonly RawConnection _sender;
    private readonly RawConnection _receiver;
    private readonly RawConnection _person;
    private ulong _number;

    private HealthyUsers(RunningHub hub, RawConnection sender, RawConnection receiver, RawConnection person)
    {
        _hub = hub;
        _sender = sender;
        _receiver = receiver;
        _person = person;
    }

    /// <summary>The binary user who receives.</summary>
    public RawConnection Receiver => _receiver;

    public static async Task<HealthyUsers> JoinAsync(RunningHub hub) =>
        new(hub, await hub.BinaryAsync(), await hub.BinaryAsync(), await hub.TextAsync());

    /// <summary>Who is there is served, a message of a megabyte included; and so is who comes now.</summary>
    public async Task AssertServedAsync()
    {
        byte[] small = Frames.Number(++_number);
        byte[] large = Frames.Pattern(Frames.MaxBodyBytes, (int)_number);
        await _sender.SendAsync(Frames.Relay(_receiver.UserId, small, _number), Frames.Relay(_receiver.UserId, large));
        await _receiver.ExpectAsync(Frames.Delivery(_sender.UserId, small), Frames.Delivery(_sender.UserId, large));
        await _sender.ExpectAsync(Frames.Receipt(_number, Outcome.Accepted));
        await _person.SendAsync($"echo {_number}\n");
        await _person.ExpectLinesAsync($"{_number}");
        await using RawConnection late = await _hub.BinaryAsync();
        await late.SendAsync(Frames.Relay(_person.UserId, "welcome"u8.ToArray()), Frames.Echo(small));
        await late.ExpectAsync(Frames.EchoReply(small));
        await _person.ExpectLinesAsync("welcome");
    }

    /// <summary>Nothing has come for the receiver that the sender did not send.</summary>
    public async Task AssertNothingCameAsync()
    {
        await _receiver.SendAsync(Frames.Identity);
        await _receiver.ExpectAsync(Frames.IdentityReply(_receiver.UserId));
    }

    public async ValueTask DisposeAsync()
    {
        await _sender.DisposeAsync();
        await _receiver.DisposeAsync();
        await _person.DisposeAsync();
    }
}
