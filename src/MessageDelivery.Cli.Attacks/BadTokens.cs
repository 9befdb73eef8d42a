using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Cli.Attacks;

/// <summary>Wrong, cut, forged and oversize tokens in HELLO and in <c>auth</c> lines.</summary>
internal sealed class BadTokens() : Attack(
    "bad-tokens",
    "oversize, cut, nested, expired and forged tokens in HELLO and 'auth' lines",
    "let nobody in by them, tell no secrets, and end each connection")
{
    private const int AtOnce = 4;

    public override async Task RunAsync(AttackScene scene)
    {
        var tokens = HostileTokens.Create(scene.Target.Options.Token).ToList();
        await AttackScene.ForEachAsync(
            tokens, AtOnce, token => TryAsync(scene, FrameBytes.Hello(token: token.Token), Answer.Welcome, $"{token.What} in a HELLO"));

        // A line's end within a token would make it two lines.
        await AttackScene.ForEachAsync(
            tokens.Where(token => !token.Token.Contains((byte)'\n')),
            AtOnce,
            token => TryAsync(scene, [.. "auth "u8, .. token.Token, (byte)'\n'], Answer.TextIdentity, $"{token.What} in an 'auth' line"));
        byte[] tooLong = new byte[ProtocolLimits.MaxTokenBytes + 1];
        Array.Fill(tooLong, (byte)'A');
        await TryAsync(scene, FrameBytes.Hello(token: tooLong), Answer.Welcome, "a token of 8,193 bytes in a HELLO", isNeverRight: true);
        await TryAsync(scene, [.. "auth "u8, .. tooLong, (byte)'\n'], Answer.TextIdentity, "a token of 8,193 bytes in an 'auth' line", isNeverRight: true);
    }

    private static async Task TryAsync(AttackScene scene, byte[] greeting, string letIn, string what, bool isNeverRight = false)
    {
        await using var connection = scene.Interrupted.IsCancellationRequested ? null : await OpenAsync(scene);
        if (connection is null)
        {
            return;
        }

        scene.Tally.AddRequests();
        await connection.SendAsync(greeting, scene.Interrupted);
        var answer = await connection.NextAsync(AttackScene.Promptly, scene.Interrupted);
        bool isIn = answer?.Name == letIn;
        if (isIn && (isNeverRight || !scene.Target.IsOpen))
        {
            scene.Suspect($"{what} was taken: the hub answered {answer!.Value.Name}");
        }
        else if (answer is null && !connection.HasEnded && !scene.Interrupted.IsCancellationRequested)
        {
            scene.Suspect($"{what} was neither answered nor ended in {AttackScene.Promptly.TotalSeconds:0} s");
        }

        if (!isIn && !scene.Target.IsOpen && answer is not null
            && !await connection.EndsWithinAsync(AttackScene.Promptly, scene.Interrupted)
            && answer.Value.Name.EndsWith("auth_failed", StringComparison.Ordinal))
        {
            scene.Suspect($"{what} was refused, but its connection was not ended");
        }
    }

    /// <summary>A connection, as soon as the hub lets one be made.</summary>
    private static async Task<HostileConnection?> OpenAsync(AttackScene scene)
    {
        while (!scene.Over.IsCancellationRequested)
        {
            if (await scene.OpenAsync(scene.Over) is { } connection)
            {
                return connection;
            }

            await Task.Delay(AttackScene.Promptly / 25, CancellationToken.None);
        }

        return null;
    }
}
