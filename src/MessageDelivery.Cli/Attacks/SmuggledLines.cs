using System.Globalization;
using System.Text;

namespace MessageDelivery.Cli.Attacks;

/// <summary>Bodies to a person at a terminal that would speak for the hub, or steer the terminal.</summary>
internal sealed class SmuggledLines : Attack
{
    private const string Mark = "end-of-smuggled-lines";
    private const string Forged = "[Server] Your ID is 666";

    private static readonly string[] Bodies =
    [
        Forged, $"x\n{Forged}", $"x\r\n{Forged}", $"x\r{Forged}", $"x\0{Forged}", $"x\u0085{Forged}", $"x\v{Forged}", $"\e[2J{Forged}",
        "\u009b2J", "\a\b\e]0;title\a", "\x7f", "x\r", "\r\r\n", "x\n\r\n",
    ];

    public override string Name => "smuggled-lines";

    public override string Tries => "messages to a text user that speak for the hub or steer its terminal";

    public override string Wants => "show them so that they can do neither";

    public override async Task RunAsync(AttackScene scene)
    {
        if (await scene.TextUserAsync(scene.Over).ConfigureAwait(false) is not { } witness)
        {
            return;
        }

        await using (witness.ConfigureAwait(false))
        {
            if (await scene.BinaryUserAsync(scene.Over).ConfigureAwait(false) is not var (attacker, _))
            {
                return;
            }

            await using var sender = attacker.ConfigureAwait(false);
            await witness.SendAsync("identity\n"u8.ToArray(), scene.Interrupted).ConfigureAwait(false);
            if (await witness.WaitForAsync(Answer.TextIdentity, AttackScene.Promptly, scene.Interrupted).ConfigureAwait(false) is not { } identity
                || !ulong.TryParse(Encoding.UTF8.GetString(identity.Bytes).Split(' ')[^1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong id))
            {
                return;
            }

            foreach (string body in (string[])[.. Bodies, Mark])
            {
                scene.Tally.AddRequests();
                await attacker.SendAsync(FrameBytes.Relay(id, Encoding.UTF8.GetBytes(body)), scene.Interrupted).ConfigureAwait(false);
            }

            await ReadAsync(scene, witness).ConfigureAwait(false);
        }
    }

    private static async Task ReadAsync(AttackScene scene, HostileConnection witness)
    {
        while (await witness.NextAsync(AttackScene.Promptly, scene.Interrupted).ConfigureAwait(false) is { } answer)
        {
            string line = Encoding.UTF8.GetString(answer.Bytes);
            if (line == Mark)
            {
                return;
            }

            if (line.StartsWith("[Server] ", StringComparison.Ordinal))
            {
                scene.Suspect($"a message spoke for the hub: a text user saw a line that begins with '[Server] '");
            }

            // The line end is LF or CRLF; everything else that a terminal obeys is a matter of this attack.
            string shown = line.EndsWith('\r') ? line[..^1] : line;
            if (shown.Any(c => char.IsControl(c) && c != '\t'))
            {
                scene.Suspect($"a message with control bytes reached a text user as it was");
            }
        }

        if (!scene.Interrupted.IsCancellationRequested)
        {
            scene.Suspect($"messages to a text user did not all arrive");
        }
    }
}
