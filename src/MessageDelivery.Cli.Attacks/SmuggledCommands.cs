using System.Text;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Cli.Attacks;

/// <summary>
/// SMTP smuggling (CVE-2023-51764): bodies that hold almost the end of a body and then commands. Only LF . LF and LF . CRLF end one; a
/// program that passes on what others wrote, and takes care of these, must be safe.
/// </summary>
internal sealed class SmuggledCommands() : Attack(
    "smuggled-commands",
    "bodies that hold almost an end, and commands behind it",
    "deliver each as one body; carry out nothing that is in it")
{
    private const string Smuggled = "SMUGGLED";

    // A body that began in one write with its ids ends when nothing has come for 1 s.
    private static readonly TimeSpan LongerThanThePause = TimeSpan.FromSeconds(1.5);

    /// <summary>What must not end a body.</summary>
    public static readonly IReadOnlyList<string> NoEnds =
    [
        "\r.\r", "\r.\n", "\r.\r\n", "\n.\r", "\n.\r\r\n", "\n.\0\n", "\n. \n", "\n.\t\n", "\n .\n", "\n..\n", "\n.\v\n", "\n.\f\n", "\r\n..\r\n", "\r\n.\r\r\n",
        "\n\0.\n", "\0.\0", "\n.\u0085", "\u0085.\u0085", "\u2028.\u2028", "\v.\v", "\f.\f", "\n.\u2028\n", "\n\ufeff.\n", "\r\0.\r\0", "\n.\r\0", "\r\0.\n", "\r\0.\r\n",
    ];

    public override async Task RunAsync(AttackScene scene)
    {
        await using var witness = await scene.BinaryUserAsync(scene.Over);
        if (witness is null)
        {
            return;
        }

        foreach (string end in NoEnds)
        {
            // In one piece, then cut in the middle of what is not an end.
            await SmuggleAsync(scene, witness, end, isCut: false);
            await SmuggleAsync(scene, witness, end, isCut: true);
        }

        await OneLineAsync(scene, witness);
        await StallAsync(scene, witness);
    }

    private static async Task SmuggleAsync(AttackScene scene, HostileConnection witness, string end, bool isCut)
    {
        string before = $"relay\n{witness.UserId}\n";
        string body = $"first{end}relay {witness.UserId} {Smuggled}\nrelay\n{witness.UserId}\n{Smuggled}\nlast";
        string after = "\n.\nidentity\n";
        int cut = isCut ? before.Length + "first".Length + (end.Length / 2) : 0;
        byte[] expected = Encoding.UTF8.GetBytes(string.Join('\n', body.Split('\n').Select(line => line.StartsWith('.') ? line[1..] : line)));
        await TryAsync(scene, witness, before + body + after, cut, expected, Show(end));
    }

    private static Task OneLineAsync(AttackScene scene, HostileConnection witness)
    {
        string body = $"first\rrelay {witness.UserId} {Smuggled}\0relay {witness.UserId} {Smuggled}\u0085relay {witness.UserId} {Smuggled}\r\0relay {witness.UserId} {Smuggled}";
        string line = $"relay {witness.UserId} {body}\nidentity\n";
        return TryAsync(scene, witness, line, 0, Encoding.UTF8.GetBytes(body), "one line with other line ends in it");
    }

    /// <summary>A network that stalls within a body without an end mark: the rest of the body is no commands.</summary>
    private static async Task StallAsync(AttackScene scene, HostileConnection witness)
    {
        string begun = $"relay\n{witness.UserId}\nfirst ";
        string rest = $"second\nrelay {witness.UserId} {Smuggled}\n.\nidentity\n";
        if (await SayAsync(scene, witness, begun, LongerThanThePause, rest) is not var (got, isCarriedOut))
        {
            return;
        }

        if (got.Exists(IsSmuggled))
        {
            scene.Suspect("a network that stalled within a body: the rest of the body was carried out");
        }
        else if (got.Count != 1 || !isCarriedOut)
        {
            scene.Suspect($"a network that stalled within a body: {got.Count} messages came out of it, or nothing was carried out behind it");
        }
    }

    private static async Task TryAsync(AttackScene scene, HostileConnection witness, string text, int cut, byte[] expected, string what)
    {
        if (await SayAsync(scene, witness, text[..cut], TimeSpan.Zero, text[cut..]) is not var (got, isCarriedOut))
        {
            return;
        }

        if (got.Count > 1 || got.Exists(IsSmuggled))
        {
            scene.Suspect($"{what}: {got.Count} messages came out of one body");
        }
        else if (got.Count == 0 || !isCarriedOut)
        {
            scene.Suspect($"{what}: the body did not end where it should");
        }
        else if (!got[0].AsSpan().SequenceEqual(expected))
        {
            scene.Suspect($"{what}: the body arrived changed, {got[0].Length} bytes in place of {expected.Length}");
        }
    }

    /// <summary>What a text user's words bring the witness, and whether the question behind them was answered; null where that cannot be told.</summary>
    private static async Task<(List<byte[]> Got, bool IsCarriedOut)?> SayAsync(
        AttackScene scene, HostileConnection witness, string first, TimeSpan pause, string rest)
    {
        await using var connection = await scene.TextUserAsync(scene.Over);
        if (connection is null)
        {
            return null;
        }

        scene.Tally.AddRequests();
        await connection.SendAsync(Encoding.UTF8.GetBytes(first), scene.Interrupted);
        await Task.Delay(pause, scene.Interrupted);
        await connection.SendAsync(Encoding.UTF8.GetBytes(rest), scene.Interrupted);
        var carriedOut = await connection.WaitForAsync(Answer.TextIdentity, AttackScene.Promptly, scene.Interrupted);
        var got = await DeliveriesAsync(scene, witness);
        return scene.Interrupted.IsCancellationRequested || (connection.HasEnded && got.Count == 0) ? null : (got, carriedOut is not null);
    }

    private static bool IsSmuggled(byte[] body) => body.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(Smuggled));

    /// <summary>What has come for the witness, up to the answer to a question of its own.</summary>
    private static async Task<List<byte[]>> DeliveriesAsync(AttackScene scene, HostileConnection witness)
    {
        var bodies = new List<byte[]>();
        await witness.SendAsync(FrameBytes.Header(FrameType.Identity), scene.Interrupted);
        while (await witness.NextAsync(AttackScene.Promptly, scene.Interrupted) is { } answer && answer.Name != Answer.Identity)
        {
            if (answer.Name == Answer.Delivery)
            {
                bodies.Add(answer.Bytes[sizeof(ulong)..]);
            }
        }

        return bodies;
    }

    private static string Show(string end) =>
        $"\"{string.Concat(end.Select(c => c is >= ' ' and < '\x7f' ? $"{c}" : $"\\x{(int)c:x2}"))}\"";
}
