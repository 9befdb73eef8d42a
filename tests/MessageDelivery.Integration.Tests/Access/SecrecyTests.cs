using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using MessageDelivery.Hub.Access;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Integration.Tests.Access;

/// <summary>Tokens are shown to nobody, in whatever way they are wrong, and however much is logged.</summary>
public sealed class SecrecyTests : IDisposable
{
    private readonly Tokens _tokens = new();
    private readonly Jwt _jwt = new();

    public void Dispose()
    {
        _tokens.Dispose();
        _jwt.Dispose();
    }

    [Fact]
    public async Task No_token_is_in_the_log_or_in_what_anybody_is_told()
    {
        using var log = new CollectingLog();
        string good = _tokens.Add("alice");
        string expired = _tokens.Add("old", entry => entry with { Expires = DateTimeOffset.UnixEpoch });
        string[] jwts = [_jwt.Sign("secret", Jwt.Claims()), _jwt.Sign("ed", Jwt.Claims("\"mds_reach\":\"everywhere\""))];
        var said = new List<byte[]>();
        await using (var hub = await _tokens.StartHubAsync(log))
        {
            await AskAsync(hub, said, [good, expired, "mds_wrongwrongwrongwrongwrong", .. jwts]);
        }

        await using (var hub = await RunningHub.StartAsync(
            (options, time) => options with { Authenticator = _jwt.Authenticator(time), Heartbeat = TimeSpan.Zero }, log))
        {
            long now = hub.Time.GetUtcNow().ToUnixTimeSeconds();
            string[] more = [_jwt.Sign("rsa", Jwt.Claims(from: now)), _jwt.Sign("es", Jwt.Claims(from: now - 9_999)), _jwt.Sign("ed", Jwt.Claims("\"nbf\":\"x\"", now))];
            jwts = [.. jwts, .. more];
            await AskAsync(hub, said, [good, .. jwts]);
        }

        Assert.Contains(log.Lines, line => line.Contains("authenticated as alice", StringComparison.Ordinal));
        Assert.Contains(log.Lines, line => line.Contains("is refused: the token", StringComparison.Ordinal));
        var shown = log.Lines.Concat(said.Select(System.Text.Encoding.Latin1.GetString)).ToList();
        foreach (string token in (string[])[good, expired, "mds_wrongwrong", .. jwts.SelectMany(jwt => jwt.Split('.')).Where(part => part.Length > 30)])
        {
            Assert.DoesNotContain(shown, line => line.Contains(token, StringComparison.Ordinal));
        }

        Assert.DoesNotContain(shown, line => line.Contains(TokenSecret.HashOf(good), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Who_is_refused_is_logged_once_a_second_with_how_many()
    {
        using var log = new CollectingLog();
        _tokens.Add("alice");
        await using (var hub = await _tokens.StartHubAsync(log))
        {
            for (int i = 0; i < 20; i++)
            {
                await RefusedAsync(hub);
            }

            await hub.PassAsync(TimeSpan.FromSeconds(2));
            await RefusedAsync(hub);
        }

        // All that was logged has come by the time the hub has stopped.
        Assert.Equal(
            ["with this one: 1", "with this one: 20"],
            log.Lines.Where(line => line.Contains("is refused", StringComparison.Ordinal)).Select(line => Regex.Match(line, "with this one: [0-9]+").Value));
    }

    [Fact]
    public void Files_that_others_may_read_or_that_are_not_as_they_must_be_are_refused()
    {
        _tokens.Add("alice");
        Modes.Set(_tokens.Path, 0b110_100_100);
        ThrowsNaming("the mode 644");
        Modes.Set(_tokens.Path, 0b110_100_000);
        Assert.Single(TokenFile.Load(_tokens.Path).Tokens);
        Write("""{"tokens":[{"name":"a","hash":"00"}]}""");
        ThrowsNaming("64 hexadecimal digits");
        Write($$"""{"tokens":[{"name":"a","hash":"{{TokenSecret.HashOf("a")}}"},{"name":"a","hash":"{{TokenSecret.HashOf("b")}}"}]}""");
        ThrowsNaming("'a' twice");
        Write($$"""{"tokens":[{"name":"a","hash":"{{TokenSecret.HashOf("a")}}","reach":"group"}]}""");
        ThrowsNaming("it has none");
        Write($$"""{"tokens":[{"name":"a","hash":"{{TokenSecret.HashOf("a")}}","fullQueue":"drop"}]}""");
        ThrowsNaming("fullQueue");
        Write($$"""{"tokens":[{"name":"a","hash":"{{TokenSecret.HashOf("a")}}","sent":false}]}""");
        ThrowsNaming("line 1");
        Write("""{"tokens":[{"name":"a","hash":"00" """);
        ThrowsNaming("not a file of tokens");
        Write("""{"tokens":null}""");
        ThrowsNaming("tokens");
        Write("null");
        ThrowsNaming("null");

        void Write(string text) => File.WriteAllText(_tokens.Path, text);

        void ThrowsNaming(string what) =>
            Assert.Contains(what, Assert.Throws<AccessFileException>(() => TokenFile.Load(_tokens.Path)).Message, StringComparison.Ordinal);
    }

    private static async Task RefusedAsync(RunningHub hub)
    {
        await using var user = await hub.BinaryAsync("wrong");
        await user.ExpectGoodbyeAsync(ProtocolCode.AuthFailed);
    }

    private static async Task AskAsync(RunningHub hub, List<byte[]> said, params string[] tokens)
    {
        foreach (string token in tokens)
        {
            await using var program = await hub.BinaryAsync(token);
            await program.SendAsync(Frames.Goodbye);
            program.HalfClose();
            said.Add(await program.ReadToEndAsync());
            await using var person = await hub.ConnectAsync();
            await person.SendAsync($"auth {token}\nquit\n");
            person.HalfClose();
            said.Add(await person.ReadToEndAsync());
        }
    }

    private sealed class CollectingLog : ILoggerFactory, ILogger
    {
        private readonly ConcurrentQueue<string> _lines = new();

        public IReadOnlyCollection<string> Lines => _lines;

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public void Dispose()
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Enqueue($"{formatter(state, exception)} {exception}");
    }
}
