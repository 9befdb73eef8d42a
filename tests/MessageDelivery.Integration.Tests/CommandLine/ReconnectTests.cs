using System.Text;
using MessageDelivery.Cli;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>Verbs that go on when their hub was restarted.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class ReconnectTests
{
    [Fact]
    public async Task Listen_goes_on_as_a_new_user()
    {
        await using var first = await StartAsync("0");
        await using var listener = first.Start("listen", "--count", "2");
        string id = await listener.WaitForErrorAsync("listening as user ");
        Assert.Equal(0, (await first.RunAsync("relay", "--to", id, "before")).ExitCode);
        first.Mds.Signal(MdsProcess.SigTerm);
        Assert.EndsWith("; connecting again", await listener.WaitForErrorAsync("mds: shutting_down"), StringComparison.Ordinal);
        await first.Mds.EndAsync();

        await using var second = await StartAsync($"{first.Endpoint.Port}");
        string users = "";
        for (int tries = 0; users.Length == 0 && tries < 300; tries++)
        {
            await Task.Delay(100);
            users = (await second.RunAsync("list")).Text;
        }

        Assert.Equal(0, (await second.RunAsync("relay", "--to", users.Trim(), "after")).ExitCode);
        var heard = await listener.EndAsync();
        Assert.Equal(0, heard.ExitCode);
        Assert.Matches(@"\A\d+: before\n\d+: after\n\z", heard.Text);
        Assert.Contains($"listening as user {users}", heard.Error[heard.Error.IndexOf("connecting again", StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_signal_ends_listen_while_it_has_no_hub()
    {
        await using var hub = await HubProcess.StartAsync();
        await using var listener = hub.Start("listen");
        await listener.WaitForErrorAsync("listening as user ");
        hub.Mds.Signal(MdsProcess.SigTerm);
        await listener.WaitForErrorAsync("connecting again");
        listener.Signal(MdsProcess.SigInt);
        Assert.Equal((int)ExitCode.Ok, (await listener.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task Chat_goes_on_and_forgets_whom_it_talked_to()
    {
        await using var first = await StartAsync("0");
        await using var chat = first.StartReadingLines("chat");
        Assert.StartsWith("You are 1.", await chat.ReadLineAsync(), StringComparison.Ordinal);
        await TypeAsync(chat, "/to 1");
        Assert.Equal("You are talking to 1.", await chat.ReadLineAsync());
        first.Mds.Signal(MdsProcess.SigTerm);
        Assert.Equal("! The hub is shutting down. As soon as it is back, you are connected again.", await chat.ReadLineAsync());
        await TypeAsync(chat, "hello");
        Assert.Equal("! there is no connection; 'hello' was not sent", await chat.ReadLineAsync());
        await first.Mds.EndAsync();

        await using var second = await StartAsync($"{first.Endpoint.Port}");
        Assert.Equal("! The hub was restarted. Everybody has a new number, and messages that were on their way are lost.", await chat.ReadLineAsync());
        Assert.Matches(@"\AYou are \d+ now\. Choose again with /to whom to talk to\.\z", await chat.ReadLineAsync());
        await TypeAsync(chat, "hello");
        Assert.Equal("! nobody to send it to: choose with /to 2,3 first", await chat.ReadLineAsync());
        Assert.Equal((int)ExitCode.Ok, (await chat.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task Chat_says_that_a_killed_hub_no_longer_knows_the_user()
    {
        await using var first = await StartAsync("0");
        await using var chat = first.StartReadingLines("chat");
        Assert.StartsWith("You are 1.", await chat.ReadLineAsync(), StringComparison.Ordinal);
        first.Mds.Signal(MdsProcess.SigKill);
        await first.Mds.EndAsync();
        string? lost = await chat.ReadLineAsync();
        Assert.StartsWith("! The connection was lost: ", lost, StringComparison.Ordinal);
        Assert.EndsWith(". Connecting again ...", lost, StringComparison.Ordinal);

        await using var second = await StartAsync($"{first.Endpoint.Port}");
        Assert.Equal(
            "! Connected again, but the hub no longer knew you; perhaps it was restarted. Messages for 1 that had not arrived are lost.", await chat.ReadLineAsync());
        Assert.StartsWith("You are ", await chat.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Equal((int)ExitCode.Ok, (await chat.EndAsync()).ExitCode);
    }

    // An address of their own: on 127.0.0.1 somebody else could get the port between the two hubs.
    private static Task<HubProcess> StartAsync(string port) => HubProcess.StartAsync(["serve", "--listen", $"127.0.0.2:{port}"], null);

    private static async Task TypeAsync(MdsProcess chat, string line)
    {
        await chat.Input.WriteAsync(Encoding.UTF8.GetBytes($"{line}\n"));
        await chat.Input.FlushAsync();
    }
}
