using MessageDelivery.Hub.Access;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Integration.Tests.Access;

/// <summary>A file of tokens in a folder of its own, and a hub that knows them.</summary>
internal sealed class Tokens : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tokens").FullName;

    public string Path => System.IO.Path.Combine(_folder, "tokens.json");

    /// <summary>Adds a token and returns its secret.</summary>
    public string Add(string name, Func<TokenEntry, TokenEntry>? change = null)
    {
        string secret = TokenSecret.Create();
        var entry = new TokenEntry { Name = name, Hash = TokenSecret.HashOf(secret) };
        TokenFile.Add(Path, change?.Invoke(entry) ?? entry);
        return secret;
    }

    public TokenAuthenticator Load(TimeProvider? time = null) => new(TokenFile.Load(Path), time);

    public Task<RunningHub> StartHubAsync(ILoggerFactory? loggers = null) =>
        RunningHub.StartAsync((options, time) => options with { Authenticator = Load(time), Heartbeat = TimeSpan.Zero }, loggers);

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}

/// <summary>Who may read and write a file.</summary>
internal static class Modes
{
    public static void Set(string file, int mode)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, (UnixFileMode)mode);
        }
    }
}

internal static class TokenUsers
{
    /// <summary>A binary user with a token.</summary>
    public static async Task<RawConnection> BinaryAsync(this RunningHub hub, string token)
    {
        var user = await hub.ConnectAsync();
        await user.SendAsync(Frames.Hello(token));
        return user;
    }

    /// <summary>A binary user with a token that the hub takes; its id comes with it.</summary>
    public static async Task<(RawConnection User, ulong Id)> EnterAsync(this RunningHub hub, string token)
    {
        var user = await hub.BinaryAsync(token);
        return (user, (await user.FrameAsync(FrameType.Welcome)).Number(0));
    }

    /// <summary>A binary user with a token and a session that survives its connection; its id and key come with it.</summary>
    public static async Task<(RawConnection User, ulong Id, byte[] Key)> EnterResumableAsync(this RunningHub hub, string token)
    {
        var user = await hub.ConnectAsync();
        await user.SendAsync(Frames.HelloResumable(token));
        Frame welcome = await user.FrameAsync(FrameType.Welcome);
        return (user, welcome.Number(0), welcome.Payload[16..32]);
    }

    /// <summary>A text user with a token that the hub takes.</summary>
    public static async Task<RawConnection> TextAsync(this RunningHub hub, string token)
    {
        var user = await hub.ConnectAsync();
        await user.SendAsync($"auth {token}\n");
        Assert.StartsWith("[Server] Your ID is ", await user.LineAsync(), StringComparison.Ordinal);
        return user;
    }

    /// <summary>What the hub says last: code and text.</summary>
    public static async Task<string> GoodbyeTextAsync(this RawConnection user, ProtocolCode code)
    {
        Frame frame = await user.FrameAsync(FrameType.GoodbyeReply);
        Assert.Equal(code, frame.Code);
        return System.Text.Encoding.UTF8.GetString(frame.Payload);
    }
}
