using System.Globalization;
using System.Text;
using MessageDelivery.RawClient;

namespace MessageDelivery.Cli.Attacks;

/// <summary>Bodies to a person at a terminal that would speak for the hub, or steer the terminal.</summary>
internal sealed class SmuggledLines() : Attack(
    "smuggled-lines",
    "messages to a text user that speak for the hub or steer its terminal",
    "show them so that they can do neither")
{
    private const string Mark = "end-of-smuggled-lines";
    private const string Forged = "[Server] Your ID is 666";

    private static readonly string[] Bodies =
    [
        Forged, $"x\n{Forged}", $"x\r\n{Forged}", $"x\r{Forged}", $"x\0{Forged}", $"x\u0085{Forged}", $"x\v{Forged}", $"\e[2J{Forged}",
        "\u009b2J", "\a\b\e]0;title\a", "\x7f", "x\r", "\r\r\n", "x\n\r\n",
        // What a person takes for the hub's own words: invisible characters in front of them and within, other spaces, other line ends.
        $"\u200b{Forged}", $"\ufeff{Forged}", $"\u00ad{Forged}", $"\u202e{Forged}", $"\u2066\u200e{Forged}", $"\u3164{Forged}", $"\u2028{Forged}",
        $"\U000e0020{Forged}", $"x\u2029{Forged}", "[Ser\u200dver] Your ID is 666", "[\u2060Server]\ufe0f Your ID is 666",
        "[Server]\u00a0Your ID is 666", "[Server]\u3000Your ID is 666", "[Server]\u2028Your ID is 666", "[Server]\tYour ID is 666",
        $"[{new string('\u200b', 100)}Server] Your ID is 666", $"{new string('\u200b', 100)}{Forged}",
    ];

    public override async Task RunAsync(AttackScene scene)
    {
        await using var witness = await scene.TextUserAsync(scene.Over);
        if (witness is null)
        {
            return;
        }

        await using var attacker = await scene.BinaryUserAsync(scene.Over);
        if (attacker is null)
        {
            return;
        }

        foreach (string body in (string[])[.. Bodies, Mark])
        {
            scene.Tally.AddRequests();
            await attacker.SendAsync(FrameBytes.Relay([witness.UserId], Encoding.UTF8.GetBytes(body)), scene.Interrupted);
        }

        await ReadAsync(scene, witness);
    }

    private static async Task ReadAsync(AttackScene scene, HostileConnection witness)
    {
        while (await witness.NextAsync(AttackScene.Promptly, scene.Interrupted) is { } answer)
        {
            string line = Encoding.UTF8.GetString(answer.Bytes);
            if (line == Mark)
            {
                return;
            }

            // The line end is LF or CRLF; everything else that a terminal obeys is a matter of this attack.
            string shown = line.EndsWith('\r') ? line[..^1] : line;
            if (shown.Split('\u2028', '\u2029').Any(LooksLikeTheHub))
            {
                scene.Suspect("a message spoke for the hub: a text user saw a line that looks as if it began with '[Server] '");
            }

            if (shown.Any(c => char.IsControl(c) && c != '\t'))
            {
                scene.Suspect("a message with control bytes reached a text user as it was");
            }
        }

        if (!scene.Interrupted.IsCancellationRequested)
        {
            scene.Suspect("messages to a text user did not all arrive");
        }
    }

    /// <summary>Whether a person may read it so: not what the hub goes by, but the attack's own idea of what is seen.</summary>
    private static bool LooksLikeTheHub(string line) =>
        string.Concat(line.EnumerateRunes().Where(rune => !IsUnseen(rune)).Select(rune => Rune.IsWhiteSpace(rune) ? " " : rune.ToString()))
            .StartsWith("[Server] ", StringComparison.Ordinal);

    private static bool IsUnseen(Rune rune) =>
        Rune.GetUnicodeCategory(rune) == UnicodeCategory.Format || rune.Value is 0x3164 or (>= 0xFE00 and <= 0xFE0F);
}
